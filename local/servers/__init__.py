"""The local cloud's servers: each EC2 instance is a real SSH host on a loopback address of its own.

    servers.py     `Servers`: boot, stop, start, terminate, status, close; what the local cloud calls
    server.py      one server: its boot, its SSH door and its unit managers, from power on to power off
    layout.py      where things lie in a server's folder, and the environment that its programs see
    ssh.py         the SSH door: public-key login, commands, SFTP, forwarding
    sftp.py        SFTP paths, kept inside the server's folder
    units.py       systemd unit files, read into values (pure)
    service.py     one unit's process: started, watched, restarted, ended
    manager.py     the units of one user, or of the system
    systemctl.py   the `systemctl` command, answered from the managers
    aws_command.py the `aws` command, answered with boto3 and the role of the server
    processes.py   ends every process that carries a mark, whatever became of its parents
    shims/         the commands that a server finds on its PATH in place of the real ones

A server has no virtual machine and no container behind it: its programs are processes of the user who runs the
local cloud. What is kept apart is kept apart by folder, address and environment; that is enough to run a deployment
for real, and not a security boundary.
"""

from local.servers.aws_command import aws_handler
from local.servers.servers import Servers
from local.servers.systemctl import systemctl_handler

__all__ = ["Servers", "aws_handler", "systemctl_handler"]
