"""Policy: what must be true of every resource of an environment, as plain functions over its inputs.

Read in this order:

- `resources.py`    `Resource` and `Environment`, all that a rule may look at
- `rules.py`        the one list of all rules, and `faults`, which asks them
- `encryption.py`   nothing is stored or sent in the clear
- `exposure.py`     nothing is reachable that need not be
- `permissions.py`  nobody may do more than is needed; exceptions stand in a table with their reasons
- `protection.py`   what a protected environment keeps, and what it cannot lose by accident
- `tagging.py`      everything says whose it is
- `crossguard.py`   the same rules for Pulumi's engine; `__main__.py` and `PulumiPolicy.yaml` are what it starts

The same functions run twice: as unit tests over all tracked environments, recorded without an engine, and as a policy
pack for `pulumi preview`. No AWS and no components in here; Pulumi only in `crossguard.py`.
"""
