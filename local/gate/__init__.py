"""What every AWS call passes before moto sees it.

- `calls`         which call of which service a request is, and how many there were
- `keys`          whether this cloud issued the key that signed it
- `wants`         which actions and resources of IAM a call wants
- `callers`       who signed it, and the policies that they have
- `permissions`   whether these allow it, while that is enforced
- `refusals`      how AWS says no, in each service's own words
- `call_faults`   what goes wrong with it on purpose
- `gate`          the way through, in that order
"""
