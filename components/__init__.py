"""Components: what one environment consists of, as Pulumi component resources.

Read in this order:

- `slots.py`          what each slot holds and which one shall be live: the values that come from the ledger
- `environment.py`    `declare`, the one function of settings, slots and keys; everything below is called from it
- `network.py`        address space, public and private subnets, the way out
- `firewall.py`       who may talk to whom
- `storage.py`        artifact bucket, backup bucket, signing key
- `database.py`       the managed database and the parameter that tells servers where it is
- `servers.py`        the machines, what they may read, and the installed releases
- `load_balancer.py`  the live listener for the world, the preview listener for the team
- `host/`             plain files that are put on a server and run there

Components never talk to AWS by themselves. A child is named after its parent (`env-network-vpc`): these names are
a contract, because another name is another resource. They are the same in every environment and short, because a
target group's name has 32 characters at most. What `release` must find is named by `settings.names`, everything
else by Pulumi.
"""
