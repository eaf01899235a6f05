"""A stand-in for the `command` plugin of Pulumi (1.2.1), where the genuine one is not installed.

    provider.py        `CommandProvider`: Pulumi's provider protocol, the same for all its resources
    values.py          property values on the wire: secrets, unknowns, assets (pure)
    resources.py       what each resource type takes, and which inputs replace it (pure)
    connection.py      dials a server over SSH, with the host key checked and failures retried
    remote_command.py  runs a command on a server
    copy_to_remote.py  copies a file, a text or a folder to a server
    local_command.py   runs a command here
    output.py          what commands print: kept, shown in errors, given to the next run
    log.py             passes what commands print on to the engine

It behaves as the genuine plugin does, also where that surprises: any changed input runs a Command again (a changed
connection as well), no host key means no check, a wrong host key is retried like any failed dial, and what a failed
command printed stands in the error. What it does not know it refuses.
"""

from local.command_provider.provider import CommandProvider

__all__ = ["CommandProvider"]
