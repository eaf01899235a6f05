"""What `release doctor` makes of what it found: each thing that can be wrong is said, with what to do."""

from datetime import UTC, datetime

import pytest

from release.doors.aws.account import Image, Kind
from release.doors.aws.certificates import Certificate
from release.process.errors import Broken, Refused
from release.rules import doctor as rules
from release.rules.doctor import Finding, Verdict

NOW = datetime(2026, 11, 30, tzinfo=UTC)
ARN = "arn:aws:acm:eu-central-1:123456789012:certificate/0"
AMI = "ami-0123456789abcdef0"
SMALL = Kind(name="t3.small", architectures=("x86_64",), vcpus=2)
AWS = ["sts.amazonaws.com"]


def image(architecture: str = "x86_64", state: str = "available") -> Image:
    return Image(id=AMI, architecture=architecture, state=state)


def of_image(found: Image | None, kind: Kind | None = SMALL) -> Finding:
    return rules.judge_image(AMI, found, "t3.small", kind, "servers")


def of_certificate(
    *names: str, status: str = "ISSUED", ends: datetime | None = None, region: str = "eu-central-1"
) -> Finding:
    found = Certificate(status=status, names=names, ends=ends) if names else None
    return rules.judge_certificate(ARN, region, "app.example.com", found, NOW)


def of_reach(reached: bool | None, address: str) -> Finding:
    return rules.judge_reach(reached=reached, address=address, sources=["203.0.113.0/24"], key="servers.ssh_sources")


def of_github(repository: str, audiences: list[str] | None) -> Finding:
    return rules.judge_github(repository, "dev", audiences, "dev")


FINDINGS: dict[str, tuple[Finding, Verdict, str]] = {
    "engine": (rules.judge_engine("3.259.0", "3.259.0"), "ok", "3.259.0"),
    "newer engine": (rules.judge_engine("4.0.1", "3.259.0"), "ok", "4.0.1"),
    "older engine": (rules.judge_engine("3.99.0", "3.259.0"), "problem", "make setup"),
    "engine that says nothing": (rules.judge_engine("", "3.259.0"), "problem", "make setup"),
    "plugins": (rules.judge_plugins({"aws": {"7.5.0"}}, {"aws": "7.5.0"}), "ok", "aws 7.5.0"),
    "plugin missing": (rules.judge_plugins({}, {"aws": "7.5.0"}), "warning", "plugin install resource aws v7.5.0"),
    "other plugin": (rules.judge_plugins({"aws": {"7.4.0"}}, {"aws": "7.5.0"}), "warning", "not installed: aws 7.5.0"),
    "image": (of_image(image()), "ok", "x86_64"),
    "no image": (of_image(None), "problem", "images are of one region"),
    "image of another CPU": (of_image(image("arm64")), "problem", "is for arm64, and t3.small takes x86_64"),
    "image of no CPU": (of_image(image("")), "cannot tell", "for which CPU"),
    "image in the making": (of_image(image(state="pending")), "problem", "is pending"),
    "no such type": (of_image(image(), None), "problem", "no instance type t3.small"),
    "zones": (rules.judge_zones(["a", "b"], {"a", "b", "c"}), "ok", "a, b"),
    "a zone that is not there": (rules.judge_zones(["a", "b"], {"a", "c"}), "problem", "some of [a, c]"),
    "certificate": (of_certificate("app.example.com"), "ok", "issued"),
    "certificate with another name beside": (of_certificate("x.example.com", "app.example.com"), "ok", "issued"),
    "wildcard": (of_certificate("*.example.com"), "ok", "issued"),
    "wildcard of one label": (of_certificate("*.com"), "problem", "not for app.example.com"),
    "certificate of another name": (of_certificate("www.example.com"), "problem", "not for app.example.com"),
    "no such certificate": (of_certificate(), "problem", "no such certificate"),
    "certificate not proven": (of_certificate("app.example.com", status="PENDING_VALIDATION"), "problem", "CNAME"),
    "certificate expired": (of_certificate("app.example.com", status="EXPIRED"), "problem", "EXPIRED"),
    "certificate of another region": (of_certificate("app.example.com", region="us-east-1"), "problem", "in us-east-1"),
    "certificate that ends": (
        of_certificate("app.example.com", ends=datetime(2026, 12, 9, tzinfo=UTC)),
        "warning",
        "ends on 2026-12-09",
    ),
    "plain HTTP": (rules.no_certificate(protected=False), "ok", "plain HTTP"),
    "plain HTTP where it counts": (rules.no_certificate(protected=True), "warning", "load_balancer.certificate"),
    "name": (rules.judge_name("app.example.com", {"1.1.1.1"}, "lb.aws", {"1.1.1.1", "2.2.2.2"}), "ok", "leads to"),
    "name elsewhere": (rules.judge_name("app.example.com", {"9.9.9.9"}, "lb.aws", {"1.1.1.1"}), "problem", "to lb.aws"),
    "name nowhere": (rules.judge_name("app.example.com", (), "lb.aws", {"1.1.1.1"}), "problem", "leads nowhere"),
    "balancer nowhere": (rules.judge_name("app.example.com", (), "lb.aws", ()), "problem", "leads nowhere"),
    "name before the balancer": (rules.judge_name("app.example.com", (), None, ()), "warning", "balancer_name"),
    "quota": (rules.judge_quota("VPCs", 1, 1, 5), "ok", "1 of 5 VPCs in use, 1 more needed"),
    "quota nearly full": (rules.judge_quota("VPCs", 4, 1, 5), "warning", "Service Quotas"),
    "quota full": (rules.judge_quota("VPCs", 5, 1, 5), "problem", "Service Quotas"),
    "quota full, and nothing needed": (rules.judge_quota("VPCs", 5, 0, 5), "warning", "0 more needed"),
    "snapshots": (rules.judge_snapshots({"count": 1, "quota": 100, "room": "enough", "hint": ""}), "ok", "1 of 100"),
    "few snapshots left": (
        rules.judge_snapshots({"count": 90, "quota": 100, "room": "little", "hint": "prune"}),
        "warning",
        "prune",
    ),
    "no snapshots left": (
        rules.judge_snapshots({"count": 100, "quota": 100, "room": "none", "hint": "prune"}),
        "problem",
        "prune",
    ),
    "snapshots not counted": (rules.judge_snapshots({"error": "RDS is silent"}), "cannot tell", "RDS is silent"),
    "GitHub with ids": (of_github("o@1/n@2", AWS), "ok", "repo:o/n:environment:dev or repo:o@1/n@2:environment:dev"),
    "GitHub without ids": (of_github("o/n", AWS), "warning", "gh api repos/o/n"),
    "no provider": (of_github("o/n", None), "problem", "release init dev"),
    "provider for others": (of_github("o/n", ["theirs"]), "problem", "no tokens for sts.amazonaws.com"),
    "reached": (of_reach(True, ""), "ok", "somebody answers"),
    "not up, and listed": (of_reach(None, "203.0.113.7"), "ok", "203.0.113.7 is in servers.ssh_sources"),
    "not up, and not listed": (of_reach(None, "8.8.8.8"), "problem", "work from 203.0.113.0/24"),
    "not reached, and listed": (of_reach(False, "203.0.113.7"), "problem", "release drift"),
    "not reached, and not listed": (of_reach(False, "8.8.8.8"), "problem", "--open-door"),
    "not reached by nobody knows whom": (of_reach(False, ""), "problem", "may be not in servers.ssh_sources"),
    "backend": (rules.judge_backend("s3://b", "b", there=True, environment="dev"), "ok", "s3://b"),
    "backend of files": (rules.judge_backend("file:///x", "b", there=None, environment="dev"), "ok", "file:///x"),
    "no backend": (rules.judge_backend("", "b", there=None, environment="dev"), "warning", "s3://b"),
    "no bucket": (rules.judge_backend("s3://b", "b", there=False, environment="dev"), "warning", "release init dev"),
    "state key": (rules.judge_state_key("alias/x", "dev", there=True), "ok", "alias/x"),
    "no state key": (rules.judge_state_key("alias/x", "dev", there=False), "warning", "release init dev"),
    "a rule that said no": (rules.failed(Refused("another account", hint="log in")), "problem", "log in"),
    "what may not be read": (rules.failed(Broken("AccessDenied", hint="ask")), "cannot tell", "AccessDenied"),
}


@pytest.mark.parametrize(("found", "verdict", "words"), FINDINGS.values(), ids=FINDINGS)
def test_what_is_found_is_said_with_what_to_do(found: Finding, verdict: str, words: str) -> None:
    assert found.verdict == verdict
    assert words in f"{found.said}; {found.remedy}"
    assert bool(found.remedy) or verdict in ("ok", "cannot tell")
