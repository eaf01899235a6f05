"""What the program, the `release` command and the servers must agree on, once.

- `slots`: the two slots of a server, their ports, and which one is idle
- `balancer`: how the parts of the load balancer are tagged, and what it says while nothing is live
- `layout`: where things lie on a server, in a slot and in a release
- `unit`: the systemd unit of a slot
- `health`: how a release says that it is healthy
- `archive`: what an artifact may contain
- `order`: what an installer is told, and the command that tells it
- `database`: where the database is and who opens it, as parameter and secret say it
- `migration`: what stands in the parameter that says which deployment may migrate
- `outputs`: what a stack says of itself when it is up
- `up`: what `release` tells the program of an `up` that it starts
- `metrics`: what CloudWatch calls the figures that somebody looks at
- `graph`: how the program is asked what it would declare, and the form of its answers

Plain values for Python 3.9 or newer, from the standard library: everybody may import this, and this imports nobody.
"""
