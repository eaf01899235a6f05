"""The door to the program that declares environments: their resources, recorded without an engine and an account.

A process of its own, because `release` declares nothing: the project's own program, which tells its resources when it
is asked for them (`contract.graph`). It answers one question after the other, and the same one is asked only once.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from types import TracebackType
from typing import Any

from contract.graph import GRAPH, Answer, Held, Question, Resource
from release.process.errors import Broken
from settings.stackfile import Project

BOTH_FILLED: Held = {"blue": True, "green": True, "declared": "blue"}
"""What environments are compared with: what their ledgers hold is no difference between them."""


class Recordings:
    """The recorded resources of the environments of a project; to be used in a `with`, which ends the process."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._answers: dict[str, Answer] = {}

    def __enter__(self) -> "Recordings":
        self._errors = tempfile.TemporaryFile("w+")
        self._process = subprocess.Popen(
            [sys.executable, str(self._project.program_dir), GRAPH, str(self._project.folder.resolve())],
            cwd=self._project.program_dir,
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
        self, environment: str, changes: Mapping[str, Any] | None = None, slots: Held = BOTH_FILLED
    ) -> list[Resource]:
        """What the program declares, with other settings by dotted key; Broken, in one line, when it cannot."""
        question = Question(environment=environment, changes=dict(changes or {}), slots=slots)
        line = json.dumps(question, sort_keys=True)
        if line not in self._answers:
            self._answers[line] = self._ask(line)
        answer = self._answers[line]
        if "error" in answer:
            raise Broken(f"{environment} cannot be declared: {answer['error']}")
        return answer["resources"]

    def _ask(self, line: str) -> Answer:
        assert self._process.stdin is not None and self._process.stdout is not None
        try:
            self._process.stdin.write(line + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            raise self._failure() from None
        answer = self._process.stdout.readline()
        if not answer:
            raise self._failure()
        said: Answer = json.loads(answer)
        return said

    def _failure(self) -> Broken:
        self._process.wait()
        self._errors.seek(0)
        said = [text for text in self._errors.read().splitlines() if text.strip()] or ["it said nothing"]
        return Broken(f"the program cannot be recorded: {said[-1]}", hint="run make setup in the project")
