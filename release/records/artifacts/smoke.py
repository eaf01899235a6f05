"""A release's smoke checks: from the artifact, or from a file that is given when it is published. Not from both."""

from pathlib import Path

from release.process.errors import Refused
from release.process.text import read_json
from release.records.artifacts.archive import MOST_TEXT_BYTES, Artifact
from release.records.artifacts.manifest import Check, parse_checks


def agreed_checks(artifact: Artifact, file: Path | None) -> tuple[Check, ...]:
    """The checks of the artifact, or of ``file`` where there is one; Refused where both have some."""
    if file is None:
        return artifact.checks
    if artifact.checks:
        raise Refused(
            f"the artifact has smoke checks of its own, and {file.name} has others",
            hint="leave out one of the two: which one holds must not be a guess",
        )
    return read_checks(file)


def read_checks(file: Path) -> tuple[Check, ...]:
    """The checks of a file; Refused when it has none that can be meant."""
    try:
        text = file.read_bytes()
        if len(text) > MOST_TEXT_BYTES:
            raise Refused(f"{file.name} has {len(text)} bytes, {MOST_TEXT_BYTES} are allowed")
        checks = parse_checks(read_json(text), file.name)
    except OSError as error:
        raise Refused(f"{file.name} cannot be read: {error.strerror}", hint="give the path of a file") from None
    except ValueError as error:
        raise Refused(f"{file.name} is not JSON: {error}", hint="see docs/reference.md, smoke checks") from None
    if not checks:
        raise Refused(f"{file.name} has no checks", hint="leave out the option")
    return checks
