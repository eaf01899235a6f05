"""Platform: what an environment has once, and what stages stand on.

`Platform` (`platform.py`) makes these in order, and puts what stages need of them into one `PlatformOutputs`:

- `access.py`     the roles of people and workflows, and the boundary that no role leaves
- `logs.py`       where access logs and servers' logs lie, and the key that encrypts logs and notices
- `network.py`    address space, public and private subnets, the way out
- `storage.py`    artifact bucket, backup bucket, signing key; `buckets.py` has what all buckets have
- `bastion.py`    the one machine that SSH reaches where servers are private, and its security group

What a platform hands out it hands out ready: a bucket when logs may be written to it, a subnet when its routes are
there. For across stacks there is no `depends_on`.

The downside: a stage in another stack must be declared with the settings that its platform was declared with, as far
as both read them (`servers.ssh_port`, `servers.user`), and nothing here can check that.
"""
