"""Stage: what an application has for itself on a platform.

`Stage` (`stage.py`) makes these in order. Each takes sections of the settings, the platform's outputs, and what the
ones before it have made; a deployment changes what the ledger says of slots, and so the Commands and the listeners.

- `firewall.py`       who may talk to whom
- `database.py`       the managed database and the parameter that tells servers where it is
- `servers.py`        the servers, what they may read, and the installed releases; `hop.py` is the way to private ones
- `load_balancer.py`  the live listener for the world, the preview listener for the team
- `targets.py`        from when until when a server gets requests
- `monitoring.py`     who is told when something is wrong; `alarms.py` says what that is, `dashboard.py` shows it

Security groups are here and not on the platform: so stages are closed to each other, and a rule that a stage needs on
the bastion's group goes with the stage.

The downside: a stage has all of these, in this form. One without a database, or behind another one's balancer, takes a
choice in `stage.py` first.
"""
