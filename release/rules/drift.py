"""Drift: what is otherwise than the stack and the ledger say, because somebody changed it by hand.

Values in, findings out: of AWS from what Pulumi would refresh, of a server from what it says of itself.
"""

import base64
import binascii
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from contract.layout import INSTALLER
from contract.slots import SLOTS, SlotName
from contract.unit import UNIT_FILES, unit_text
from release.doors.aws.firewall import FirewallRule
from release.records.ledger.head import State
from release.rules.graph import leaves

ABSENT = "(absent)"
EMPTY = (ABSENT, "", "[]", "{}")  # AWS does not tell an empty value from none
PRESENT = "(present)"
NOTHING = "nothing"
CHANGES = frozenset({"update", "replace", "delete"})
SAME = frozenset({"same", "refresh", "read"})  # what the summary counts that is no change
UNNAMED = "resources that Pulumi counts as changed and does not name"

MIGRATION = "env-database-migration"
MIGRATION_VALUE = {"value", "insecureValue", "version"}
"""What `release` itself changes: the parameter that names the deployment which may migrate, and what AWS says of it."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that is otherwise: of what, which part of it, what should be and what is."""

    where: str
    what: str
    expected: str
    found: str


def of_refresh(preview: Mapping[str, Any]) -> tuple[Finding, ...]:
    """What `pulumi refresh --preview-only --json` found changed or deleted, input by input.

    A step is named as a change only where the provider tells which properties differ (the engine's
    backend/display/json.go); of the others the summary tells how many there are, and nothing else.
    """
    named = [step for step in preview.get("steps") or [] if step.get("op") in CHANGES]
    findings = (finding for step in named if not _is_a_deployments(step) for finding in _of_step(step))
    return (*findings, *_unnamed(preview, len(named)))


def _unnamed(preview: Mapping[str, Any], named: int) -> Iterator[Finding]:
    summary = preview.get("changeSummary")
    counts = summary.items() if isinstance(summary, Mapping) else ()
    more = sum(count for kind, count in counts if kind not in SAME and isinstance(count, int)) - named
    if more > 0:
        yield Finding(where="AWS", what=UNNAMED, expected="0", found=str(more))


def of_rules(rules: Sequence[FirewallRule], stack: Mapping[str, Any]) -> tuple[Finding, ...]:
    """Rules in the stack's security groups that the stack does not know: a refresh only looks at those it does."""
    resources = (stack.get("deployment") or {}).get("resources") or []
    known = {one.get("id") for one in resources}
    names = {one.get("id"): one["urn"].rsplit("::", 1)[1] for one in resources}
    return tuple(
        Finding(
            where=names.get(rule.group, rule.group),
            what=f"{rule.direction} {rule.protocol} {rule.ports} {rule.peer}",
            expected=ABSENT,
            found=rule.id,
        )
        for rule in rules
        if rule.id not in known
    )


def security_groups(stack: Mapping[str, Any]) -> tuple[str, ...]:
    """The ids of the stack's security groups, the VPC's default one among them."""
    kinds = ("aws:ec2/securityGroup:SecurityGroup", "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup")
    resources = (stack.get("deployment") or {}).get("resources") or []
    return tuple(str(one["id"]) for one in resources if one["type"] in kinds)


def of_slots(server: str, status: Mapping[str, Any], state: State) -> tuple[Finding, ...]:
    """What the slots of a server hold and how they are, compared with HEAD."""
    return tuple(finding for name in SLOTS for finding in _of_slot(server, name, status[name], state))


def of_files(server: str, digests: Mapping[str, str], installer: str, state: State) -> tuple[Finding, ...]:
    """The installer, whose sha256 is given, and the units of slots that hold a release, by their sha256."""
    expected = {INSTALLER: installer}
    for name in SLOTS:
        if _release(state, name) is not None:
            expected[UNIT_FILES[name]] = _sha256(unit_text(name))
    return tuple(
        Finding(where=server, what=path, expected=digest, found=digests.get(path, ABSENT))
        for path, digest in expected.items()
        if digests.get(path) != digest
    )


def of_keys(server: str, authorized: str, secret: str) -> tuple[Finding, ...]:
    """Who may log in to a server, compared with the secret that says who should."""
    there, wanted = key_lines(authorized), key_lines(secret)
    added = [Finding(where=server, what=_key(key), expected=ABSENT, found=PRESENT) for key in sorted(there - wanted)]
    gone = [Finding(where=server, what=_key(key), expected=PRESENT, found=ABSENT) for key in sorted(wanted - there)]
    return (*added, *gone)


def key_lines(text: str) -> set[str]:
    """The keys of an `authorized_keys` file, one a line."""
    lines = (line.strip() for line in text.splitlines())
    return {line for line in lines if line and not line.startswith("#")}


def _is_a_deployments(step: Mapping[str, Any]) -> bool:
    """Whether nothing but the deployment that may migrate is another one."""
    is_migration = step["urn"].endswith(f"::{MIGRATION}") and step["op"] == "update"
    return is_migration and set(step.get("diffReasons") or [PRESENT]) <= MIGRATION_VALUE


def _of_step(step: Mapping[str, Any]) -> Iterator[Finding]:
    where = step["urn"].rsplit("::", 1)[1]
    if step["op"] == "delete":
        yield Finding(where=where, what=step["urn"].split("::")[-2].split("$")[-1], expected=PRESENT, found=ABSENT)
        return
    changes = list(_changes(step, "inputs")) or list(_changes(step, "outputs"))
    for path, before, now in changes:
        if not (before in EMPTY and now in EMPTY):
            yield Finding(where=where, what=path, expected=before, found=now)
    if not changes:
        reasons = ", ".join(step.get("diffReasons") or []) or "something"
        yield Finding(where=where, what=reasons, expected="as it was", found="changed")


def _changes(step: Mapping[str, Any], part: str) -> Iterator[tuple[str, str, str]]:
    """Path, old and new value of what differs; of outputs only what Pulumi names as the reason."""
    old, new = (dict(leaves("", (step.get(state) or {}).get(part) or {}, str)) for state in ("oldState", "newState"))
    reasons = tuple(step.get("diffReasons") or [])
    for path in sorted(set(old) | set(new)):
        before, now = (str(values.get(path, ABSENT)) for values in (old, new))
        root = path.split(".")[0].split("[")[0]
        # `tagsAll` repeats `tags` with the defaults of the provider.
        if before != now and not (root == "tagsAll" and "tags" in reasons) and (part == "inputs" or root in reasons):
            yield path, before, now


def _of_slot(server: str, name: SlotName, status: Mapping[str, Any], state: State) -> Iterator[Finding]:
    def finding(what: str, expected: object, found: object) -> Finding:
        return Finding(where=server, what=f"slot {name}: {what}", expected=str(expected), found=str(found))

    if status["problem"]:
        yield finding("problem", "none", status["problem"])
    wanted, content = state.slot(name), status["content"] or {}
    release = _release(state, name)
    if wanted is None or release is None:
        if content:
            yield finding("release", NOTHING, content["release"])
        if status["unit"] in ("active", "activating"):
            yield finding("unit", "inactive", status["unit"])
        return
    for what, expected in (("release", release), ("digest", wanted.digest), ("deployment", wanted.deployment)):
        if content.get(what) != expected:
            yield finding(what, expected, content.get(what, NOTHING))
    if content and content["configuration"] != wanted.configuration:
        yield finding("configuration", wanted.configuration or NOTHING, content["configuration"] or NOTHING)
    if status["unit"] != "active":
        yield finding("unit", "active", status["unit"])
    health = status["health"] or {}
    if (health.get("status"), health.get("version")) != (200, release):
        said = [str(value) for value in (health.get("status"), health.get("version")) if value is not None]
        yield finding("health", f"200 {release}", " ".join(said) or "no answer")


def _release(state: State, name: SlotName) -> str | None:
    content = state.slot(name)
    return content.release if content else None


def _key(line: str) -> str:
    """A key as `ssh-keygen -l` names it, with its comment."""
    kind, _, rest = line.partition(" ")
    blob, _, comment = rest.partition(" ")
    try:
        digest = hashlib.sha256(base64.b64decode(blob, validate=True)).digest()
    except binascii.Error:
        return f"authorized_keys: {line[:60]}"
    fingerprint = base64.b64encode(digest).decode().rstrip("=")
    return f"authorized_keys: {kind} SHA256:{fingerprint} {comment}".rstrip()


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
