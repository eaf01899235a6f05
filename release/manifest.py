"""What a release is: the frozen manifest that moves, and the verdict an environment adds to it."""

import re
from dataclasses import asdict, dataclass
from typing import Any, TypeVar

from pydantic import ConfigDict, TypeAdapter, ValidationError
from semver import Version

from release.errors import Refused, WrongUsage

STRICT = ConfigDict(extra="forbid")
DEFAULT_MAX_MS = 200  # the release rules: answers under 200 ms
VERSION_LENGTH = 64
T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Check:
    """A smoke check: one GET, the status and text it must answer, in at most ``max_ms`` milliseconds."""

    name: str
    path: str
    status: int = 200
    contains: str | None = None
    max_ms: int = DEFAULT_MAX_MS
    __pydantic_config__ = STRICT


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """A release. ``digest`` is the artifact's SHA-256 (64 hex digits), ``size`` its bytes, ``at`` UTC, ISO 8601."""

    project: str
    version: str
    digest: str
    size: int
    file_name: str
    commit: str | None
    tag: str | None
    checks: tuple[Check, ...]
    notes: str
    published_at: str
    published_by: str
    format: int = 1
    __pydantic_config__ = STRICT

    @property
    def artifact_key(self) -> str:
        """Where the bytes are, in every environment's artifact bucket."""
        return artifact_key(self.digest)


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """An environment says that it verified this very artifact live, in which deployment and when (UTC)."""

    version: str
    digest: str
    environment: str
    deployment: str
    outcome: str
    at: str
    __pydantic_config__ = STRICT


def checked_version(text: str) -> str:
    """``text`` when it is a version (semver.org, without a leading v); anything else is wrong usage.

    Versions become object keys and file names, so build metadata and anything outside ASCII is refused too.
    """
    allowed = len(text) <= VERSION_LENGTH and re.fullmatch(
        r"[0-9]{1,9}(\.[0-9]{1,9}){2}(-[0-9A-Za-z.-]+)?", text, re.ASCII
    )
    if not allowed or not Version.is_valid(text):
        raise WrongUsage(f"{text[:80]!r} is not a version", hint="use semantic versions such as 1.4.0 or 1.4.0-rc.1")
    return text


def artifact_key(digest: str) -> str:
    """The key of an artifact's bytes: content-addressed, so the same bytes are stored once."""
    return f"artifacts/{digest}"


def manifest_key(version: str) -> str:
    """The key of a release's signed manifest; written once, so a version means one artifact for ever."""
    return f"releases/{version}.json"


def verdict_key(version: str, deployment: str) -> str:
    """The key of an environment's signed verdict over a release: one for each deployment that verified it."""
    return f"verdicts/{version}/{deployment}.json"


def manifest_document(manifest: Manifest) -> dict[str, Any]:
    """A manifest as the document that is signed."""
    return {**asdict(manifest), "checks": [asdict(check) for check in manifest.checks]}


def parse_manifest(document: dict[str, Any]) -> Manifest:
    """A manifest from its verified document."""
    return _parsed(_MANIFEST, document, "manifest")


def parse_verdict(document: dict[str, Any]) -> Verdict:
    """A verdict from its verified document."""
    return _parsed(_VERDICT, document, "verdict")


def parse_checks(value: Any) -> tuple[Check, ...]:
    """The smoke checks of an artifact's ``smoke.json``: ``{"checks": [{"name", "path", ...}]}``."""
    if not isinstance(value, dict) or set(value) != {"checks"}:
        raise Refused('smoke.json must be {"checks": [...]}', hint="see docs/reference.md, the artifact's contract")
    checks = _parsed(_CHECKS, value["checks"], "smoke.json")
    for check in checks:
        if not re.fullmatch(r"/[!-~]*", check.path):
            raise Refused(f"smoke.json: the path of {check.name!r} must begin with / and hold no spaces")
    return checks


def _parsed(adapter: TypeAdapter[T], value: Any, what: str) -> T:
    try:
        return adapter.validate_python(value)
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in problem["loc"])
        raise Refused(f"the {what} is not valid: {where}: {problem['msg']}") from None


_MANIFEST = TypeAdapter(Manifest)
_VERDICT = TypeAdapter(Verdict)
_CHECKS = TypeAdapter(tuple[Check, ...])
