"""A server's `aws` and `systemctl`: passes the command line to the local cloud and gives back its answer.

Its file lies at SERVERS/<server>/usr/local/bin/<command>, and SERVERS/control.sock leads to the local cloud.
Standard library only, and little of it: this runs a dozen times in each installation.
"""

# Importing pathlib takes longer than all the rest.
# ruff: noqa: PTH100, PTH109, PTH118, PTH119, PTH120

import json
import os
import socket
import sys
from typing import Any

ENVIRONMENT = ("AWS_REGION", "AWS_DEFAULT_REGION", "USER")


def main() -> int:
    folder, command = os.path.split(os.path.abspath(sys.argv[0]))
    server = os.path.abspath(os.path.join(folder, "../../.."))
    request = {
        "do": command,
        "argv": sys.argv[1:],
        "server": os.path.basename(server),
        "cwd": os.getcwd(),
        "env": {name: os.environ[name] for name in ENVIRONMENT if name in os.environ},
    }
    answer = ask(os.path.dirname(server), request)
    if not answer["ok"]:
        sys.stderr.write(f"{command}: the local cloud does not answer this: {answer['error']}\n")
        return 70
    sys.stdout.write(answer["stdout"])
    sys.stderr.write(answer["stderr"])
    return int(answer["code"])


def ask(servers: str, request: dict[str, Any]) -> dict[str, Any]:
    """The socket is named relative to its folder: its whole path may be too long for a socket address."""
    os.chdir(servers)
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect("control.sock")
        connection.sendall(json.dumps(request).encode() + b"\n")
        with connection.makefile() as lines:
            answer: dict[str, Any] = json.loads(lines.readline())
    return answer


if __name__ == "__main__":
    sys.exit(main())
