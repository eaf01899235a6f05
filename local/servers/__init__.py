"""The local cloud's servers: each EC2 instance is a real SSH host on a loopback address of its own.

    servers.py     `Servers`: boot, stop, start, reboot, resume, terminate, status, metrics; what the local cloud calls
    server.py      one server: its boot, its SSH door and its unit managers, from power on to power off
    boot.py        what happens once in a life, and at each start
    machine.py     how large a server is
    disk.py        its disk, and what a full one means
    troubles.py    what it can be made to suffer from (`local-cloud fault`)
    faults.py      `ServerFaults`: which server is meant, for the list of faults
    freezer.py     holds its processes still, for two of the troubles
    usage.py       what its processes use (read from /proc)
    monitor.py     looks at that every second, and ends what uses more memory than there is
    layout.py      where things lie in a server's folder, and the environment that its programs see
    loop.py        the event loop that all SSH doors share
    ssh.py         the SSH door: public-key login, forwarding
    command.py     what clients run through the door: commands and SFTP
    sftp.py        SFTP paths, kept inside the server's folder
    units.py       systemd unit files, read into values (pure)
    service.py     one unit's process: started, watched, restarted, ended
    journal.py     what units write
    manager.py     the units of one user, or of the system
    systemctl.py   the `systemctl` command, answered from the managers
    aws_command.py the `aws` command, answered with boto3 and the role of the server
    processes.py   signals and ends every process that carries a mark, whatever became of its parents
    shims/         the commands that a server finds on its PATH in place of the real ones

A server has no virtual machine and no container behind it: its programs are processes of the user who runs the
local cloud. What is kept apart is kept apart by folder, address and environment; that is enough to run a deployment
for real, and not a security boundary.
"""

from local.servers.aws_command import aws_handler
from local.servers.servers import Servers
from local.servers.systemctl import systemctl_handler

__all__ = ["Servers", "aws_handler", "systemctl_handler"]
