"""Releases, slots and outputs as plain values, for tests that need no world."""

from typing import Any

from contract.slots import SlotName
from release.records.artifacts.manifest import Manifest
from release.records.ledger.head import Slot

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


def slot(version: str) -> Slot:
    return Slot(release=version, digest=digest(version), artifact_key=f"artifacts/{digest(version)}", deployment="d")
