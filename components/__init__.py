"""Components: what one environment consists of, as Pulumi component resources.

Read in this order:

- `slots.py`          what each slot holds and which one shall be live: the values that come from the ledger
- `environment.py`    `declare`, the one function of settings, slots and keys; everything below is called from it
- `access.py`         the roles of people and workflows, and the boundary that no role leaves
- `network.py`        address space, public and private subnets, the way out
- `firewall.py`       who may talk to whom
- `logs.py`           where access logs and servers' logs lie, and the key that encrypts logs and notices
- `storage.py`        artifact bucket, backup bucket, signing key; `buckets.py` has what all buckets have
- `database.py`       the managed database and the parameter that tells servers where it is
- `machine.py`        what every machine is, how it boots and how SSH reaches it
- `bastion.py`        the one machine that SSH reaches where servers are private
- `servers.py`        the servers, what they may read, and the installed releases
- `load_balancer.py`  the live listener for the world, the preview listener for the team
- `targets.py`        from when until when a server gets requests
- `monitoring.py`     who is told when something is wrong; `alarms.py` says what that is, `dashboard.py` shows it
- `guard.py`          what makes the destruction of a protected environment fail before anything is gone
- `recording.py`      the whole of it declared without an engine, for tests and for `graph.py`
- `graph.py`          the same as JSON on stdout, for `release parity`, which must not import components
- `host/`             plain files that are put on a server and run there

Components never talk to AWS by themselves. A child is named after its parent (`env-network-vpc`): these names are
a contract, because another name is another resource. They are the same in every environment and short, because a
target group's name has 32 characters at most. What `release` must find is named by `settings.names`, everything
else by Pulumi.
"""
