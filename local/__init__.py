"""The embedded cloud: the same programs, on this machine, no account needed.

`local-cloud up` starts one background process that is AWS for Stageline. The stack program and the `release`
command do not know it: same code, other endpoints. A tour, in the order of a life:

- `cli`        the command: up, down, env, status, logs
- `paths`      where everything lies (`.local/` in the project, ignored by git)
- `workspace`  `.local/work` (project and stack files with local ports) and `.local/bin` (pulumi, plugin launchers)
- `processes`  which processes belong to the cloud, so that none outlives it, not even after `kill -9`
- `daemon`     the background process: reads like a table of contents of what it runs
- `control`    the unix socket that the command, the launchers and the servers' tools talk to
- `addresses`  one block of loopback addresses per clone, so that several clouds run side by side
- `aws_api`, `access`    moto as the AWS API, with a real IAM user
- `hooks/`     where moto's models meet the real things below, and where moto itself is mended
- `balancer`, `routing`, `health`  one real HTTP forwarder per load balancer
- `databases`, `postgres`          one real PostgreSQL cluster per RDS instance
- `providers`  a Pulumi provider of its own for each `launcher` that asks
- `servers/`   one SSH host per EC2 instance; `aws_provider/` and `command_provider/` stand in for the plugins

- `demo`, `story`, `traffic`       `make demo`: the main job as a story in which every sentence is proved

Everything here may import anything; nothing outside imports `local`.
"""
