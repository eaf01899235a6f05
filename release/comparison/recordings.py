"""The door to the program that declares environments: their resources, recorded without an engine and an account.

A process of its own, because `release` must not import components. It answers one request after the other, and the
same request is asked only once.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from release.errors import Broken
from settings.stackfile import program_dir

BOTH_FILLED: Mapping[str, Any] = {"blue": True, "green": True, "declared": "blue"}
"""What environments are compared with: what their ledgers hold is no difference between them."""


class Recordings:
    """The recorded resources of the environments of a project; to be used in a `with`, which ends the process."""

    def __init__(self, project_dir: Path) -> None:
        self._project_dir = project_dir.resolve()
        self._answers: dict[str, dict[str, Any]] = {}

    def __enter__(self) -> "Recordings":
        self._errors = tempfile.TemporaryFile("w+")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "components.graph", str(self._project_dir)],
            cwd=program_dir(self._project_dir),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
        )
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: BaseException | TracebackType | None) -> None:
        if kind is not None:
            self._process.kill()
        self._process.communicate()
        self._errors.close()

    def resources(
        self, environment: str, changes: Mapping[str, Any] | None = None, slots: Mapping[str, Any] = BOTH_FILLED
    ) -> list[dict[str, Any]]:
        """What the program declares, with other settings by dotted key; Broken, in one line, when it cannot."""
        request = {"environment": environment, "changes": dict(changes or {}), "slots": dict(slots)}
        line = json.dumps(request, sort_keys=True)
        if line not in self._answers:
            self._answers[line] = self._ask(line)
        answer = self._answers[line]
        if "error" in answer:
            raise Broken(f"{environment} cannot be declared: {answer['error']}")
        return list(answer["resources"])

    def _ask(self, line: str) -> dict[str, Any]:
        assert self._process.stdin is not None and self._process.stdout is not None
        try:
            self._process.stdin.write(line + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            raise self._failure() from None
        answer = self._process.stdout.readline()
        if not answer:
            raise self._failure()
        return dict(json.loads(answer))

    def _failure(self) -> Broken:
        self._process.wait()
        self._errors.seek(0)
        said = [text for text in self._errors.read().splitlines() if text.strip()] or ["it said nothing"]
        return Broken(f"the program cannot be recorded: {said[-1]}", hint="run make setup in the project")
