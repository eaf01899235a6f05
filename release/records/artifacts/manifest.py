"""What a release is: the frozen manifest that moves, and the verdict an environment adds to it."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, TypeVar

from pydantic import ConfigDict, TypeAdapter, ValidationError
from semver import Version

from contract.commands import BY_NAME, Commands
from release.doors.aws.parts import Parts
from release.process.errors import Refused, WrongUsage
from release.process.text import bounded, listed, quoted
from release.records.artifacts.schema import Schema, schema_faults

STRICT = ConfigDict(extra="forbid")
DEFAULT_MAX_MS = 200  # for a check that states no other: what people take for at once
LONGEST_MS = 60_000  # a load balancer waits no longer for an answer
# What says how a message travels, or to whom, is not the check's to say.
FRAMING_HEADERS = {"connection", "content-length", "expect", "host", "te", "transfer-encoding", "upgrade"}
VERSION_LENGTH = 64
TEXT_LENGTH = 500  # of a part of the provenance
NAME_LENGTH = 200  # of a check: it is told with every answer that is wrong
MOST_FAULTS = 1000  # characters of all that is wrong with checks
EVIDENCE_LIMIT = 50
T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Check:
    """A smoke check: one request, the status and text it must answer, in at most ``max_ms`` milliseconds."""

    name: str
    path: str
    method: Literal["GET", "HEAD", "POST"] = "GET"
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str | None = None
    status: int = 200
    contains: str | None = None
    max_ms: int = DEFAULT_MAX_MS
    __pydantic_config__ = STRICT

    @property
    def repeatable(self) -> bool:
        """Whether asking again changes nothing."""
        return self.method != "POST"


@dataclass(frozen=True, kw_only=True)
class Provenance:
    """Who built the artifact, from the sources of which repository, in which run: what the builder says of itself."""

    builder: str
    source: str
    run: str
    __pydantic_config__ = STRICT


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """A file that speaks for the release, such as a test report: a name, and the SHA-256 of what it said."""

    name: str
    digest: str
    __pydantic_config__ = STRICT


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """A release. ``digest`` is the artifact's SHA-256 (64 hex digits), ``size`` its bytes, ``at`` UTC, ISO 8601.

    What has a default was added later: a manifest without it is as good as on the day it was signed.
    """

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
    schema: Schema | None = None
    provenance: Provenance | None = None
    evidence: tuple[Evidence, ...] = ()
    parts: Parts | None = None
    commands: Commands = BY_NAME
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
    checks, evidence = [asdict(check) for check in manifest.checks], [asdict(one) for one in manifest.evidence]
    return {**asdict(manifest), "checks": checks, "evidence": evidence}


def parse_manifest(document: dict[str, Any]) -> Manifest:
    """A manifest from its verified document."""
    return _parsed(_MANIFEST, document, "manifest")


def parse_verdict(document: dict[str, Any]) -> Verdict:
    """A verdict from its verified document."""
    return _parsed(_VERDICT, document, "verdict")


def parse_checks(value: Any, source: str = "smoke.json") -> tuple[Check, ...]:
    """The smoke checks of a file: ``{"checks": [{"name", "path", ...}]}``; Refused when one cannot be meant."""
    if not isinstance(value, dict) or set(value) != {"checks"}:
        raise Refused(f'{source} must be {{"checks": [...]}}', hint="see docs/reference.md, smoke checks")
    checks = _parsed(_CHECKS, value["checks"], source)
    refuse_bad_checks(checks, source)
    return checks


def refuse_bad_checks(checks: tuple[Check, ...], source: str) -> None:
    """Refused, naming everything that is wrong, when a check cannot be meant."""
    faults = [f"{quoted(check.name)} {fault}" for check in checks for fault in _check_faults(check)]
    names = Counter(check.name for check in checks)
    faults += [f"{quoted(name)} stands twice" for name, count in names.items() if count > 1]
    if faults:
        raise Refused(f"{source}: {listed(faults, MOST_FAULTS)}")


def _check_faults(check: Check) -> Iterator[str]:
    """What is wrong with a check that has the right types."""
    if not check.name or bounded(check.name, NAME_LENGTH) != check.name:
        yield f"has a name that is not a line of 1 to {NAME_LENGTH} characters that print"
    if not re.fullmatch(r"/[!-~]*", check.path):
        yield "has a path that does not begin with / or holds what is not printable ASCII"
    if not 100 <= check.status <= 599:
        yield f"expects the status {check.status}, which is none"
    if not 1 <= check.max_ms <= LONGEST_MS:
        yield f"has max_ms {check.max_ms}: 1 to {LONGEST_MS} are allowed"
    if check.body is not None and check.method != "POST":
        yield f"is a {check.method} and has a body: only POST has one"
    if check.contains is not None and check.method == "HEAD":
        yield "is a HEAD, whose answer has no body that could contain something"
    for name, text in check.headers.items():
        if not re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", name) or name.lower() in FRAMING_HEADERS:
            yield f"may not send a header {quoted(name)}"
        elif not re.fullmatch(r"[ -~]*", text):
            yield f"sends a header {quoted(name)} with what is not printable ASCII"


def parse_schema(value: Any, where: str) -> Schema:
    """The schema that an artifact or an option states: ``{"version", "oldest"}``."""
    schema = _parsed(_SCHEMA, value, where)
    if fault := schema_faults(schema):
        raise Refused(f"the {where} is not valid: {fault}")
    return schema


def checked_evidence(evidence: tuple[Evidence, ...]) -> tuple[Evidence, ...]:
    """The evidence when every piece has a plain name of its own."""
    names = [one.name for one in evidence]
    for name in names:
        if not re.fullmatch(r"[a-z0-9][a-z0-9._-]{0,62}", name, re.ASCII):
            raise WrongUsage(f"{name[:80]!r} is no name of evidence", hint="use lower-case letters, digits, - . and _")
        if names.count(name) > 1:
            raise WrongUsage(f"the evidence {name} is given twice", hint="give each its own name")
    if len(names) > EVIDENCE_LIMIT:
        raise WrongUsage(f"{len(names)} pieces of evidence are given, {EVIDENCE_LIMIT} are allowed")
    return evidence


def checked_provenance(provenance: Provenance) -> Provenance | None:
    """The provenance when all of it is a line of text; None when it says nothing."""
    for what, text in asdict(provenance).items():
        if len(text) > TEXT_LENGTH or not text.isprintable():
            raise WrongUsage(f"the {what} is not a line of at most {TEXT_LENGTH} characters")
    return provenance if any(asdict(provenance).values()) else None


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
_SCHEMA = TypeAdapter(Schema)
