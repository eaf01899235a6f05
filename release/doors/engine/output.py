"""What Pulumi's output says: which resources failed and why, and what a preview would change."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from release.doors.engine.text import plain
from release.process.errors import Broken

STACK = "pulumi:pulumi:Stack"
MOST_ERRORS = 3
MOST_TEXT = 500  # characters of one reason: it goes into the ledger and onto one line
MOST_NAME = 200
MOST_NAMES = 100  # a stack has about as many resources
HEADING = re.compile(r"  (?P<type>\S+) \((?P<name>[^)]+)\):")
# Steps that change nothing. Any other one does, also one that an engine of tomorrow invents.
UNCHANGED = frozenset({"same", "read", "read-replacement", "read-discard", "discard", "refresh"})
REPLACEMENT = frozenset({"create-replacement", "delete-replaced", "discard-replaced", "import-replacement"})


@dataclass(frozen=True, kw_only=True)
class Failure:
    """A resource that failed, and its error in one line."""

    type: str
    name: str
    error: str

    def __str__(self) -> str:
        return f"{self.name}: {self.error}"


def failures(output: str) -> tuple[Failure, ...]:
    """What failed, from the Diagnostics of Pulumi's output, each resource once.

    A resource's error goes on over the following lines of its block; JSON among them is for programs.
    """
    found: dict[tuple[str, str], list[str]] = {}
    resource, in_error = ("", ""), False
    for line in f"\n{output}".partition("\nDiagnostics:\n")[2].splitlines():
        if heading := HEADING.fullmatch(line):
            resource, in_error = (heading["type"], heading["name"]), False
        elif not line.startswith("    "):
            resource, in_error = (resource, False) if not line.strip() else (("", ""), False)
        elif line.startswith("    error:"):
            in_error = True
            found.setdefault(resource, []).append(line.removeprefix("    error:").strip())
        elif in_error and not line.lstrip().startswith("{"):
            found[resource].append(line.strip())
    return tuple(
        Failure(type=type, name=plain(name, MOST_NAME), error=" ".join(lines))
        for (type, name), lines in found.items()
        if lines != ["update failed"]
    )


def failed_resources(output: str) -> tuple[str, ...]:
    """The names of the resources that failed; none when it was the program, or Pulumi itself."""
    return tuple(one.name for one in failures(output) if one.type != STACK)[:MOST_NAMES]


def reason(output: str) -> str:
    """What Pulumi says has failed, or what it said last."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    errors = [line.removeprefix("error:").strip() for line in lines if line.startswith("error:")]
    errors = [line for line in dict.fromkeys(errors) if line != "update failed"]
    chosen = [str(one) for one in failures(output)] or list(_diagnosed(output)) or errors or lines[-1:]
    return " / ".join(plain(text, MOST_TEXT) for text in (chosen or ["it printed nothing"])[:MOST_ERRORS])


def changes(preview: Mapping[str, Any]) -> tuple[str, ...]:
    """What the steps of `pulumi preview --json` change, each resource once: "env-lb-live (update)".

    The stack itself is none: what changes of it are its outputs.
    """
    found: dict[str, str] = {}
    for step in preview.get("steps") or []:
        urn, change = str(step.get("urn") or ""), _change(str(step.get("op") or ""))
        if change and f"::{STACK}::" not in urn and found.get(urn) != "replace":
            found[urn] = change
    return tuple(f"{plain(urn.rsplit('::', 1)[-1], MOST_NAME)} ({change})" for urn, change in found.items())


def document(text: str, what: str) -> dict[str, Any]:
    """The JSON object that Pulumi printed; Broken when it is none."""
    try:
        said = json.loads(text)
    except (ValueError, RecursionError):
        said = None
    if not isinstance(said, dict):
        raise Broken(f"{what} answered what is no JSON object: {plain(text, MOST_TEXT) or 'nothing'}")
    return said


def _change(operation: str) -> str:
    """The kind of a step's change; empty for a step that changes nothing."""
    if operation in UNCHANGED:
        return ""
    return "replace" if operation in REPLACEMENT else plain(operation, MOST_NAME) or "unknown"


def _diagnosed(output: str) -> Iterator[str]:
    """The errors in the JSON of a call with `--json`; it stands behind what went to stderr."""
    with_json = output[output.find("{") :]
    try:
        said = json.JSONDecoder().raw_decode(with_json)[0]
    except (ValueError, RecursionError):
        return
    for one in said.get("diagnostics") or []:
        if isinstance(one, dict) and one.get("severity") == "error":
            name = str(one.get("urn") or "").rsplit("::", 1)[-1]
            message = str(one.get("message") or "").removeprefix("error:").strip()
            yield f"{name}: {message}" if name else message
