"""Releases, slots and outputs as plain values, for tests that need no world."""

from typing import Any

from contract.slots import SlotName
from release.doors.aws.balancer import TargetHealth
from release.doors.probe import Answer
from release.records.artifacts.manifest import Check, Manifest
from release.records.ledger.head import Content
from release.rules.objections import (
    Objection,
)

TARGET_GROUPS: dict[SlotName, str] = {
    "blue": "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/blue/73e2d6",
    "green": "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/green/11aa22",
}
OUTPUTS: dict[str, Any] = {
    "load_balancer": "arn:aws:elasticloadbalancing:eu-central-1:123456789012:loadbalancer/app/live/50dc6c",
    "target_groups": TARGET_GROUPS,
    "servers": [{"name": "env-servers-1", "id": "i-1"}],
}
# What an installer tells of a slot that holds nothing.
SLOT = {"content": None, "unit": "inactive", "restarts": 0, "health": None, "busy": False, "problem": None}


def digest(version: str) -> str:
    return version.replace(".", "") * 16 + "0" * 16


def manifest(version: str) -> Manifest:
    return Manifest(
        project="p",
        version=version,
        digest=digest(version),
        size=1,
        file_name="f",
        commit=None,
        tag=None,
        checks=(),
        notes="",
        published_at="",
        published_by="",
    )


def slot(version: str) -> Content:
    return Content(release=version, digest=digest(version), artifact_key=f"artifacts/{digest(version)}", deployment="d")


CHECK = Check(name="list", path="/api/projects", contains="projects")
POST = Check(name="add", path="/api/projects", method="POST", body="{}", headers={"X-Test": "yes"}, status=201)
REFUSED = Answer(status=0, body="ConnectionRefusedError: refused", milliseconds=0)
SILENT = Answer(status=0, body="TimeoutError: timed out", milliseconds=5000, late=True)


def answer(status: int = 200, body: str = '{"version": "1.0.0"}', milliseconds: int = 5) -> Answer:
    return Answer(status=status, body=body, milliseconds=milliseconds)


def target(name: str, state: str = "healthy", reason: str = "") -> TargetHealth:
    return TargetHealth(instance=name, state=state, reason=reason)


FAILED, UNTOLD, PASSED = "failed", "untold", "passed"


def outcome(objection: Objection | None) -> str:
    return PASSED if objection is None else FAILED if objection.failed else UNTOLD


ONE, WELL = target("i-1"), target("i-2")
ILL = target("i-2", "unhealthy", "Target.Timeout: Request timed out")
CAUSE = {"reason": "loses rows", "by": "ann"}
