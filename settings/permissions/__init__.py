"""Permissions: who may do what in an environment, as a pure function of its names.

Read in this order:

- `identities.py`  the roles of people and workflows, by name, and the paths that tell them from machines' roles
- `scopes.py`      what a permission reaches: by name, or by the environment's tags
- `calls.py`       the table: every call that is made, the least of those who make it, and IAM's actions for it
- `place.py`       an environment's names filled into all that
- `policies.py`    the policies of each party, and who may become it
- `boundary.py`    what none of them may do, whatever else they are given

`components/platform/access.py` makes roles of this, and `release policies` prints it for accounts where people make
them. Here and not there, because both need it and neither imports the other.
"""
