"""Database snapshots of deployments: whether there is room for one more, which may go, and their deletion.

- `room.py`       how many manual snapshots the account has, against its quota
- `retention.py`  the rule: which snapshots of deployments are kept, and why
- `pruning.py`    what the rule judges by, gathered; how each one goes; `tidy` after a deployment
"""
