"""Every key of a stack file refuses a wrong value, alone and together with all others."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import BaseModel

from settings.errors import InvalidSettings
from settings.model import Settings
from settings.stackfile import DERIVED_KEYS, load, section_of
from tests.project import copy_project

BASTION = {"instance_type": "t3.micro", "ami": "ami-0123456789abcdef0"}

# One wrong value for each key, and the words of what is allowed that have to be answered.
WRONG: dict[str, tuple[Any, str]] = {
    "account": ("12", "12 digits"),
    "region": ("Frankfurt", "like eu-central-1"),
    "role": ("admin", "ARN of an IAM role"),
    "owner": ("Team A", "in lower case"),
    "protected": ("maybe", "true or false"),
    "promotes_from": ("nowhere", "staging"),
    "network.cidr": ("8.8.0.0/16", "private IPv4 block"),
    "network.zones": (["a"], "2 to 6"),
    "network.nat": ("perhaps", "true"),
    "network.flow_log_days": (2, "1, 3, 5, 7"),
    "servers.count": (0, "1 to 20"),
    "servers.instance_type": ("large", "like t3.small"),
    "servers.ami": ("latest", "pinned image id"),
    "servers.disk_gb": (1, "8 to 1024 GB"),
    "servers.user": ("Root!", "lower-case"),
    "servers.public": ("perhaps", "true"),
    "servers.bastion": ("yes", "a section"),
    "servers.bastion.instance_type": ("small", "like t3.micro"),
    "servers.bastion.ami": ("latest", "pinned image id"),
    "servers.ssh_port": (0, "1 to 65535"),
    "servers.ssh_sources": ([], "IPv4 blocks"),
    "servers.dial_error_limit": (0, "1 to 120"),
    "servers.install_timeout": (5, "30 to 3600 seconds"),
    "servers.settle": (-1, "0 to 600 seconds"),
    "app.environment": ("LOG_LEVEL=info", "that the server sets itself"),
    "database.engine": ("oracle", "postgres or mysql"),
    "database.version": ("latest", "in quotes"),
    "database.instance_class": ("small", "like db.t4g.small"),
    "database.storage_gb": (5, "20 to 16384 GB"),
    "database.port": (70000, "1 to 65535"),
    "database.tls": ("perhaps", "true"),
    "database.multi_az": ("perhaps", "true"),
    "database.backup_days": (36, "0 to 35 days"),
    "database.deletion_protection": ("perhaps", "true or false"),
    "database.final_snapshot": ("perhaps", "true or false"),
    "load_balancer.live_port": (0, "1 to 65535"),
    "load_balancer.preview_port": (0, "1 to 65535"),
    "load_balancer.preview_sources": ([], "IPv4 blocks"),
    "load_balancer.certificate": ("mine", "ARN of an ACM certificate"),
    "load_balancer.domain": ("https://x", "app.example.com"),
    "load_balancer.redirect_port": (0, "a port"),
    "load_balancer.access_log_days": (0, "1 to 3653 days"),
    "load_balancer.health.interval": (1, "5 to 300"),
    "load_balancer.health.timeout": (1, "2 to 120"),
    "load_balancer.health.healthy": (1, "2 to 10"),
    "load_balancer.health.unhealthy": (11, "2 to 10"),
    "load_balancer.drain": (0, "1 to 300 seconds"),
    "load_balancer.deletion_protection": ("perhaps", "true or false"),
    "storage.object_lock": ("strong", "none, governance or compliance"),
    "storage.readable_by": (["me"], "12 digits"),
    "storage.force_destroy": ("perhaps", "true"),
    "storage.keep_releases": (1, "2 to 1000"),
    "backup.before": ("maybe", "or none"),
    "backup.keep": (0, "1 to 1000"),
    "backup.keep_days": (-1, "0 to 3650 days"),
    "backup.quota": (1, "2 to 100000"),
    "backup.warn_at": (0, "1 to 100 percent"),
    "monitoring.emails": (["ops"], "e-mail addresses"),
    "monitoring.log_days": (2, "1, 3, 5, 7"),
    "access.repository": ("https://github.com/a/b", "like owner/name"),
    "access.operators": (["*"], "IAM users or roles"),
    "access.approvers": (["*"], "IAM users or roles"),
    "access.open_door": ("perhaps", "true (ci may let an address in"),
    "access.workflows": (["administrator"], "operator (they apply stack files)"),
    "demo": ("yes", "a section"),
    "demo.instance_type": ("small", "like t3.micro"),
    "demo.database": ("copied", "own (an instance of its own) or none"),
    "demo.ttl": ("3 days", "like 12h or 3d"),
    "demo.max_ttl": ("0d", "like 12h or 30d"),
    "demo.most": (0, "1 to 50"),
    "demo.most_per_owner": (51, "1 to 50"),
    "demo.open_to": (["world"], "IPv4 blocks"),
    "demo.pinned_by": (["*"], "IAM users or roles"),
    "demo.daily_budget": (0, "1 to 100000 USD"),
    "demo.on_budget": ("wait", "refuse"),
    "demo.warn_before": ("1 day", "like 12h or 1d"),
    "demo.on_protected": ("perhaps", "true"),
    "load_balancer.live_sources": ([], "IPv4 blocks"),
    "watch.seconds": (0, "1 to 3600 seconds"),
    "watch.error_percent": (101, "0 to 100"),
    "watch.p95_ms": (0, "1 to 60000"),
    "watch.cpu_percent": (400, "1 to 100 percent"),
    "watch.memory_percent": (400, "1 to 100 percent"),
}


def keys(model: type[BaseModel], above: str = "") -> Iterator[str]:
    """Every key that holds a value, sections that may be left out included."""
    for name, field in model.model_fields.items():
        section = section_of(field.annotation)
        if section is None or type(None) in getattr(field.annotation, "__args__", ()):
            yield f"{above}{name}"
        if section is not None:
            yield from keys(section, f"{above}{name}.")


def written(tmp_path: Path, wrong: dict[str, Any]) -> Path:
    """The project, with these values in dev's file."""
    copy_project(tmp_path)
    file = tmp_path / "Pulumi.dev.yaml"
    document = yaml.safe_load(file.read_text("utf-8"))
    config = document["config"]
    if any(key.startswith("servers.bastion.") for key in wrong):
        config["stageline:servers"] |= {"bastion": dict(BASTION), "public": False}
        config["stageline:network"]["nat"] = True
    for key, value in wrong.items():
        first, *rest = f"stageline:{key}".split(".")
        section = config
        for part in [first, *rest][:-1]:
            section = section.setdefault(part, {})
        section[[first, *rest][-1]] = value
    file.write_text(yaml.safe_dump(document), "utf-8")
    return tmp_path


def complaints(project: Path) -> list[str]:
    with pytest.raises(InvalidSettings) as refusal:
        load(project, "dev")
    return str(refusal.value).splitlines()


def test_the_table_has_every_key() -> None:
    assert sorted(WRONG) == sorted(set(keys(Settings)) - DERIVED_KEYS)


@pytest.mark.parametrize("key", WRONG)
def test_a_wrong_value_is_told_with_file_key_value_and_what_is_allowed(tmp_path: Path, key: str) -> None:
    value, allowed = WRONG[key]
    [line] = complaints(written(tmp_path, {key: value}))
    told, _, right = line.partition("; allowed: ")
    item = ".0" if isinstance(value, list) and value and key != "network.zones" else ""
    shown = value[0] if item else value
    assert told == f"Pulumi.dev.yaml: stageline:{key}{item} is {shown!r}"
    assert allowed in right


def test_all_of_them_together_are_told_at_once(tmp_path: Path) -> None:
    wrong = {key: value for key, (value, _) in WRONG.items() if key not in ("servers.bastion", "demo")}
    told = {line.split(" ")[1].removesuffix(".0") for line in complaints(written(tmp_path, wrong))}
    assert told >= {f"stageline:{key}" for key in wrong}
