"""Stands in for a Pulumi plugin: asks the local cloud for a provider, prints its port, stays until it is ended.

This file is copied into `.local/plugins` as `pulumi-resource-aws` and `pulumi-resource-command`. Standard library
only, and started without site packages: the engine waits for it at each start.
"""

# pathlib takes longer to import than all of this
# ruff: noqa: PTH109, PTH119, PTH120

import json
import os
import socket
import sys

VARIABLES = ("AWS_", "STAGELINE_", "SSH_AUTH_SOCK", "HOME", "PATH", "TMPDIR")


def main() -> int:
    here = os.path.dirname(os.path.realpath(__file__))
    name = os.path.basename(__file__).rpartition("-")[2]
    request = {
        "do": "provider",
        "name": name,
        "cwd": os.getcwd(),
        "env": {key: value for key, value in os.environ.items() if key.startswith(VARIABLES)},
    }
    try:
        connection = connect(os.path.dirname(here))
    except OSError:
        sys.stderr.write("the local cloud is not running: `local-cloud up` starts it\n")
        return 1
    connection.sendall(json.dumps(request).encode() + b"\n")
    reply = json.loads(connection.makefile().readline() or '{"ok": false, "error": "the local cloud ended"}')
    if not reply["ok"]:
        sys.stderr.write(reply["error"] + "\n")
        return 1
    sys.stdout.write(f"{reply['port']}\n")
    sys.stdout.flush()
    connection.recv(1)  # the engine ends this process when it is done, and the daemon ends this call when it is
    return 0


def connect(folder: str) -> socket.socket:
    """A socket's path has 107 characters at most, so it goes through the folder."""
    opened = os.open(folder, os.O_PATH | os.O_DIRECTORY)
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(f"/proc/self/fd/{opened}/control.sock")
    os.close(opened)
    return connection


if __name__ == "__main__":
    sys.exit(main())
