"""Demos: what the throwaway stack of a branch is called, and the settings that it gets from the base it stands on.

A stack is named by its branch, so that a branch has one. What is made in AWS is named by a creation id instead: a name
used again meets nothing old.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from settings.model import Database, Demo, DemoDatabase, Settings
from settings.names import DEMO, OF_DEMOS

BRANCHES = "feature-demo/"
BRANCH_RULE = "feature-demo/ and up to 80 letters, digits, dots, dashes, underscores and slashes, no sign first"
KIND, CREATION, OWNER = "kind", "creation", "owner"
"""The tags that everything of a demo carries, and by which its leftovers are found."""

KEYS = ("deploy key", "host key", "authorized keys")  # a secret each, which Pulumi does not make
WORLD = "0.0.0.0/0"
PLAIN_HTTP = 80
OF_DATABASES = "demo_"
SMALLEST_DATABASE, LEAST_STORAGE = "db.t4g.micro", 20  # GB

_BRANCH = re.compile(rf"{BRANCHES}[A-Za-z0-9][A-Za-z0-9._/-]{{0,79}}")
_SLUG_LENGTH, _HASH_LENGTH = 16, 6


def is_demo_branch(branch: str) -> bool:
    """Whether a branch may have a demo."""
    return _BRANCH.fullmatch(branch) is not None


def is_creation(text: str) -> bool:
    """Whether a text is a creation id: what it names is deleted with a demo, so it may name nothing else."""
    return re.fullmatch("[0-9a-f]{8}", text) is not None


def is_demo(stack: str) -> bool:
    """Whether a stack is a demo's: no environment is named so."""
    return stack.startswith(OF_DEMOS)


def stack_of(branch: str) -> str:
    """The stack of a branch: some of its name to read, and a hash of all of it, as names that read alike may differ."""
    slug = re.sub("[^a-z0-9]+", "-", branch.removeprefix(BRANCHES).lower())[:_SLUG_LENGTH].strip("-")
    return f"{OF_DEMOS}{slug}-{hashlib.sha256(branch.encode()).hexdigest()[:_HASH_LENGTH]}"


def span(text: str) -> timedelta:
    """A time as settings and options state it: 12h, 3d."""
    number = int(text[:-1])
    return timedelta(days=number) if text.endswith("d") else timedelta(hours=number)


def database_of(creation: str) -> str:
    """What a demo's database in its base's instance is called, and the role that owns it."""
    return f"{OF_DATABASES}{creation}"


def creation_of(database: str) -> str | None:
    """Whose demo's a database is; None for one that is no demo's."""
    creation = database.removeprefix(OF_DATABASES)
    return creation if database == database_of(creation) and is_creation(creation) else None


def derived(base: Settings, section: Demo, *, creation: str, open_to: Sequence[str]) -> Settings:
    """What a demo is made from: its base's settings, as small and as short-lived as they get. Nobody is told of it.

    A certificate is for the base's own name, so a demo has none. `database` is that of one with its own.
    """
    balancer = base.load_balancer
    small = {"instance_class": SMALLEST_DATABASE, "storage_gb": LEAST_STORAGE, "multi_az": False, "backup_days": 0}
    return base.model_copy(
        update={
            "environment": f"{OF_DEMOS}{creation}",
            "protected": False,
            "promotes_from": None,
            "demo": None,
            "servers": base.servers.model_copy(update={"count": 1, "instance_type": section.instance_type}),
            "database": base.database.model_copy(
                update={**small, "deletion_protection": False, "final_snapshot": False}
            ),
            "load_balancer": balancer.model_copy(
                update={
                    "live_port": PLAIN_HTTP if balancer.certificate else balancer.live_port,
                    "live_sources": tuple(open_to),
                    "certificate": None,
                    "domain": None,
                    "redirect_port": None,
                    "drain": 1,
                    "deletion_protection": False,
                }
            ),
        }
    )


def charged(settings: Settings, database: DemoDatabase) -> tuple[Mapping[str, Any], ...]:
    """What AWS charges for of a demo with these settings, with the inputs that `settings.prices` counts by: told before
    anything is made, and compared with the program by a test.
    """
    server = {
        "instanceType": settings.servers.instance_type,
        "rootBlockDevice": {"volumeSize": settings.servers.disk_gb},
        "associatePublicIpAddress": settings.servers.public,
    }
    secrets = len(KEYS) + (database != "none")  # the login of its application
    return (
        {"type": "aws:ec2/instance:Instance", "inputs": server},
        {"type": "aws:lb/loadBalancer:LoadBalancer", "inputs": {"subnets": settings.network.zones}},
        *({"type": "aws:secretsmanager/secret:Secret", "inputs": {}} for _ in range(secrets)),
        *(_charged_instance(settings.database) if database == "own" else ()),
    )


def _charged_instance(database: Database) -> tuple[Mapping[str, Any], ...]:
    """A database instance of a demo's own, and the key that it is encrypted with."""
    instance = {
        "instanceClass": database.instance_class,
        "allocatedStorage": database.storage_gb,
        "multiAz": database.multi_az,
    }
    return (
        {"type": "aws:rds/instance:Instance", "inputs": instance},
        {"type": "aws:kms/key:Key", "inputs": {}},
    )


def tags(settings: Settings, *, creation: str, owner: str) -> dict[str, str]:
    """The tags of a demo with these settings, which `owner` (an ARN) answers for."""
    return {**settings.tags, **kind_of(creation), OWNER: owner}


def kind_of(creation: str) -> dict[str, str]:
    """What tells the things of one demo from all others, also from those of an earlier one of the same branch."""
    return {KIND: DEMO, CREATION: creation}
