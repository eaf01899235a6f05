"""Keeps one warm interpreter for whoever asks, and starts it again after it has ended."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from threading import Lock
from typing import Any

from local.control import listen
from local.interpreter import warm

SOCKET = "python.sock"
SERVICES = ("cloudwatch", "ec2", "iam", "kms", "lb", "rds", "s3", "sns", "ssm", "vpc")
PACKAGES = (
    "boto3",
    "botocore.httpsession",
    "pip._internal.cli.main",
    "pip._internal.commands.list",
    "pulumi",
    "pulumi_aws.provider",
    *(f"pulumi_aws.{service}" for service in SERVICES),
    "pulumi_command.local",
    "pulumi_command.remote",
    "pydantic",
    "yaml",
)  # what programs import that is not the project's


class Keeper:
    """The daemon's answer to {"do": "interpreter"}: the name of the socket beside its own at which one answers."""

    def __init__(self, folder: Path, packages: Sequence[str] = PACKAGES) -> None:
        self._socket, self._packages = folder / SOCKET, packages
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = Lock()

    def handle(self, request: dict[str, Any], connection: object) -> dict[str, Any]:
        with self._lock:
            if self._process is None or self._process.poll() is not None:
                self._process = self._start()
        return {"socket": SOCKET}

    def wait(self) -> None:
        """Return when the one that was started last has ended."""
        if self._process:
            self._process.wait()

    def close(self) -> None:
        """End it; nobody asks any more."""
        if self._process:
            self._process.terminate()
            self._process.wait()

    def _start(self) -> "subprocess.Popen[bytes]":
        """It takes over a socket that listens already, so that nobody has to wait to ask."""
        with listen(self._socket) as server:
            return subprocess.Popen(
                [sys.executable, "-I", warm.__file__, str(server.fileno()), *self._packages],
                stdin=subprocess.DEVNULL,
                pass_fds=[server.fileno()],
            )
