"""`release doctor` on moto's AWS: one thing after another is broken, and each is seen, beside all the others."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from release.doors.aws.account import Account, Image, Quota
from release.doors.aws.session import AwsSession
from release.doors.engine.stack import Stack
from release.doors.network import Network
from release.environment import open_environment
from release.process.errors import Broken, Inconclusive, Refused
from release.verbs.doctor import CHECKS, Visit, doctor, doctor_text, refuse_problems
from settings.stackfile import Project
from tests.project import PROJECT

pytestmark = pytest.mark.moto

HERE = "203.0.113.7"
REPOSITORY = "octo@1/shop@2"
SEEN_LATER = {"state", "state key", "GitHub"}  # they are made by `release init`


class TheirStack(Stack):
    """A stack of which no Pulumi is asked."""

    def __init__(self, version: str = "999.0.0") -> None:
        super().__init__(PROJECT, "dev", open_locks=lambda backend: None)
        self.says = version

    def refuse_missing_engine(self) -> None:
        if not self.says:
            raise Broken("there is no pulumi on PATH", hint="run make setup")

    def version(self) -> str:
        return self.says

    def plugins(self) -> dict[str, frozenset[str]]:
        return {}

    def outputs(self) -> dict[str, Any]:
        return {}


class TheirNetwork(Network):
    """A network in which this machine has an address, unless it does not know it."""

    def __init__(self, address: str = HERE) -> None:
        self.address = address

    def own_address(self) -> str:
        if not self.address:
            raise Broken("nobody tells", hint="say it with --from ADDRESS")
        return self.address

    def leads_to(self, name: str) -> frozenset[str]:
        return frozenset()

    def answers(self, host: str, port: int) -> bool:
        raise AssertionError("nothing is up")


class TheirAccount(Account):
    """An account with quotas, and with images for a CPU: moto knows nothing of either."""

    most = 100

    def image(self, id: str) -> Image | None:
        there = super().image(id)
        return there and replace(there, architecture="x86_64")

    def quota(self, quota: Quota) -> int:
        return self.most


@pytest.fixture
def visit(aws: None, tmp_path: Path) -> Visit:
    """dev before its first `up`, with an image that fits."""
    session = AwsSession(account="123456789012", region="eu-central-1", role=None)
    ami = session.client("ec2").register_image(Name="ours")["ImageId"]
    return of(tmp_path, {"servers.ami": ami, "access.repository": REPOSITORY})


def of(folder: Path, changes: Mapping[str, Any], name: str = "dev") -> Visit:
    for file in PROJECT.glob("Pulumi*.yaml"):
        if not (folder / file.name).exists():
            (folder / file.name).write_text(file.read_text())
    file = folder / f"Pulumi.{name}.yaml"
    document = yaml.safe_load(file.read_text())
    for key, value in changes.items():
        first, *rest = key.split(".")
        if rest:
            document["config"][f"stageline:{first}"][rest[0]] = value
        else:
            document["config"][f"stageline:{first}"] = value
    file.write_text(yaml.safe_dump(document))
    environment = replace(open_environment(Project(folder), name), stack=TheirStack())
    return Visit(environment=environment, account=TheirAccount(environment.session), network=TheirNetwork())


def verdicts(visit: Visit) -> dict[str, str]:
    return {one["check"]: one["verdict"] for one in doctor(visit)["checks"]}


def wrong(visit: Visit, *kinds: str) -> Collection[str]:
    return {check for check, verdict in verdicts(visit).items() if verdict in (kinds or ("problem", "cannot tell"))}


def test_of_an_environment_that_can_come_up_only_what_init_makes_is_wanting(visit: Visit) -> None:
    assert wrong(visit) == {"GitHub"}
    assert wrong(visit, "warning") == {"plugins", "state", "state key"}


def changed(folder: Path, visit: Visit, changes: Mapping[str, Any]) -> Visit:
    return replace(of(folder, changes), network=visit.network)


def small(visit: Visit) -> Visit:
    account = TheirAccount(visit.environment.session)
    account.most = 0
    return replace(visit, account=account)


def engine(visit: Visit, version: str) -> Visit:
    return replace(visit, environment=replace(visit.environment, stack=TheirStack(version)))


BREAKING: dict[str, tuple[str, Callable[[Path, Visit], Visit]]] = {
    "an image that is not there": ("image", lambda at, it: changed(at, it, {"servers.ami": "ami-0aaaaaaaaaaaaaaaa"})),
    "another CPU": ("image", lambda at, it: changed(at, it, {"servers.instance_type": "t4g.small"})),
    "a type that is none": ("image", lambda at, it: changed(at, it, {"servers.instance_type": "t3.tiny"})),
    "a zone that is not there": ("zones", lambda at, it: changed(at, it, {"network.zones": ["a", "h"]})),
    "another network": ("SSH", lambda at, it: replace(it, address="198.51.100.1")),
    "the preview from another network": ("preview", lambda at, it: replace(it, address="198.51.100.1")),
    "an address that nobody tells": ("SSH", lambda at, it: replace(it, network=TheirNetwork(""))),
    "no room for VPCs": ("VPCs", lambda at, it: small(it)),
    "no room for servers": ("vCPUs", lambda at, it: small(it)),
    "no room for load balancers": ("load balancers", lambda at, it: small(it)),
    "no engine": ("engine", lambda at, it: engine(it, "")),
    "an old engine": (
        "engine",
        lambda at, it: engine(it, "1.0"),
    ),
    "a certificate that is not there": (
        "certificate",
        lambda at, it: changed(
            at,
            it,
            {
                "load_balancer.certificate": "arn:aws:acm:eu-central-1:123456789012:certificate/0",
                "load_balancer.domain": "app.example.com",
                "load_balancer.redirect_port": 8000,
            },
        ),
    ),
    "another account": ("credentials", lambda at, it: changed(at, it, {"account": "999999999999"})),
}


@pytest.mark.parametrize(("check", "breaking"), BREAKING.values(), ids=BREAKING)
def test_what_is_broken_is_seen(
    visit: Visit, tmp_path: Path, check: str, breaking: Callable[[Path, Visit], Visit]
) -> None:
    assert check not in wrong(visit)
    assert check in wrong(breaking(tmp_path, visit))


class Silent(AwsSession):
    """AWS that answers nobody."""

    def client(self, service: str) -> Any:
        raise Broken(f"cannot open a connection to {service}", hint="check the network")

    def hasty_client(self, service: str) -> Any:
        return self.client(service)


def test_where_nothing_may_be_read_every_check_is_made_and_none_crashes(visit: Visit) -> None:
    silent = Silent(account="123456789012", region="eu-central-1", role=None)
    environment = replace(visit.environment, session=silent)
    report = doctor(replace(visit, environment=environment, account=Account(silent)))
    found = {one["check"]: one["verdict"] for one in report["checks"]}
    assert found.keys() == CHECKS.keys() - {"bastion's image", "name"}
    assert {found[name] for name in ("image", "zones", "VPCs", "vCPUs", "GitHub", "state key")} == {"cannot tell"}


def test_it_ends_by_what_it_found(visit: Visit) -> None:
    report = doctor(visit)
    with pytest.raises(Refused, match="dev has problems: GitHub"):
        refuse_problems(report)
    without = [{**one, "verdict": "cannot tell"} if one["check"] == "GitHub" else one for one in report["checks"]]
    with pytest.raises(Inconclusive, match="could not be told of dev: GitHub"):
        refuse_problems({**report, "checks": without})
    refuse_problems({**report, "checks": [one for one in without if one["check"] != "GitHub"]})


def test_what_to_do_stands_below_what_was_found(visit: Visit) -> None:
    lines = doctor_text(doctor(visit)).splitlines()
    assert any(line.startswith("problem") and "GitHub" in line for line in lines)
    assert "GitHub: run: release init dev" in lines
