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

It behaves as the genuine plugin does, also where that surprises. Compared with the source of 1.2.1, and proven by the
tests of this package (real SSH hosts) or on the real engine (`tests/e2e/test_command_provider.py`, marked e2e):

- any changed input runs a Command again, a changed connection as well (e2e); changed `triggers` replace it, the new
  one is created before the old one is deleted (e2e); `update` is run in place of `create` where it is given
- a failed create or update keeps the old inputs, so the next `up` tries again (e2e)
- a failure's text holds the command, stdout and stderr, also without logging (e2e); without an exit status it says so
- `delete` is run if given; without it nothing is done, and the server need not be there (e2e)
- dialling is retried `dialErrorLimit` times with growing pauses, a wrong host key included; without a host key none is
  checked; `perDialTimeout` does not limit the handshake; behind a proxy a failed handshake is never mended by retries
- `environment` fails where sshd does not accept the variable; the output before is only warned about; the variables
  are those of a stock sshd (LANG, LC_*), as no client is told which were refused
- stdout and stderr are not secret by themselves, and lose one final line end
- CopyToRemote copies only when the hash or the path changed (e2e), in place, without modes; deletes nothing; takes
  files, texts and folders, and packed archives as they are; asset archives and URLs are refused, as in 1.2.1
- a preview runs nothing; a refresh shows what was recorded (e2e)

It differs where it must, or is kinder: what it does not know it refuses by name; `Cancel` ends a remote command with
what it started (the genuine plugin waits for it), and a handshake that hangs.
"""

from local.command_provider.provider import CommandProvider

__all__ = ["CommandProvider"]
