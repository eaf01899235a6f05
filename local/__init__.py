"""The embedded cloud: the same programs, on this machine, no account needed.

`local-cloud up` starts one background process that is AWS for Stageline. The stack program and the `release`
command do not know it: same code, other endpoints. A tour, in the order of a life:

- `cli`        the command: up, down, reset, env, status, logs, ssh, psql, open, fault
- `background`, `showing`, `shells`, `options`  how it starts and stops the daemon, what it prints, what it runs
- `paths`      where everything lies (`.local/` in the project, ignored by git)
- `workspace`  `.local/work` (project and stack files with local ports) and `.local/bin` (pulumi, plugin launchers)
- `processes`  which processes belong to the cloud, so that none outlives it, not even after `kill -9`
- `daemon`     the background process: reads like a table of contents of what it runs
- `control`    the unix socket that the command, the launchers and the servers' tools talk to
- `answers`, `doors`     what the command is told over it: how the parts are, and how to get into them
- `models`, `inventory`  what moto holds: as bytes, and as the things that are real here
- `keeping`    the state that `down --keep` leaves for the next `up`
- `addresses`  one block of loopback addresses per clone, so that several clouds run side by side
- `aws_api`, `access`    moto as the AWS API, with a real IAM user
- `gate/`, `clock`       what every AWS call passes before moto sees it, and the time that AWS tells
- `faults`, `fault_cli`  what is broken on purpose, and the verb for it
- `hooks/`     where moto's models meet the real things below, and where moto itself is mended
- `balancers`, `certificates`, `pace`  one real HTTP forwarder per load balancer, its TLS, and how fast time runs
- `databases`, `postgres`          one real PostgreSQL cluster per RDS instance
- `watching/`  CloudWatch: what the parts measure becomes metrics, and alarms change state by them
- `providers`  a Pulumi provider of its own for each `launcher` that asks
- `servers/`   one SSH host per EC2 instance; `aws_provider/` and `command_provider/` stand in for the plugins

- `demo`, `story`, `traffic`       `make demo`: the main job as a story in which every sentence is proved
- `clients`    boto3 for programs beside the cloud, as the demo is one

Everything here may import anything; nothing outside imports `local`. What stands in for AWS, Pulumi's plugins, servers,
balancers and databases knows nothing of Stageline (import-linter holds it); `workspace`, `doors` and the demo do.
"""
