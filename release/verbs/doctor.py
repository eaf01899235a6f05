"""``release doctor ENV``: look at what AWS would say no to later, and at what else is needed; change nothing.

Every check is made, whatever the others came to. What the caller may not read, or nobody answers, is *cannot tell*.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import cached_property
from importlib.metadata import version
from typing import Any

import click

from release.call import Call, environment_argument, pass_call
from release.doors.aws.account import ADDRESSES, BALANCERS, VCPUS, VPCS, Account, Quota
from release.doors.aws.certificates import Certificates
from release.doors.aws.identity import GithubProvider
from release.doors.aws.keys import StateKeys
from release.doors.aws.listeners import Entrance, NotThere
from release.doors.aws.session import may_pass
from release.doors.aws.state_bucket import state_bucket_exists
from release.doors.network import Network
from release.environment import Environment
from release.process.errors import Broken, Inconclusive, Refused, StagelineError
from release.process.output import table
from release.rules import doctor as rules
from release.rules.doctor import Finding
from release.rules.door import checked_address
from release.work.snapshot_room import snapshot_count
from settings.permissions.policies import github_environment

PLUGINS = {"aws": "pulumi-aws", "command": "pulumi-command"}  # and the packages whose versions they have


@dataclass(frozen=True, kw_only=True)
class Visit:
    """An environment that is looked at, and from where; ``address`` is empty where this machine is to be asked."""

    environment: Environment
    account: Account
    network: Network
    address: str = ""

    @cached_property
    def entrance(self) -> Entrance | None:
        """The load balancer; None before the environment came up."""
        try:
            return self.environment.listeners.find()
        except NotThere:
            return None

    @cached_property
    def own_address(self) -> str:
        """By which address AWS sees this machine; empty where nobody tells."""
        try:
            return self.address or self.network.own_address()
        except Broken:
            return ""


@click.command("doctor")
@environment_argument
@click.option(
    "--from",
    "address",
    metavar="ADDRESS",
    default="",
    callback=lambda context, parameter, value: value and checked_address(value).removesuffix("/32"),
    help="Ask for this IPv4 address.  [default: this machine's]",
)
@pass_call
def command(call: Call, name: str, address: str) -> None:
    """Look at what AWS would say no to.

    Before the first `pulumi up`, or when something does not go: credentials, image, zones, certificate, name, quotas,
    GitHub, state, and whether this machine reaches the servers. Each with what to do about it. Changes nothing.

    Refused (3) when there is a problem; inconclusive (4) when something could not be told, as you may not read it.

    \b
    Example: release doctor dev
    """
    environment = call.opened(name)
    visit = Visit(environment=environment, account=Account(environment.session), network=Network(), address=address)
    report = doctor(visit)
    call.show(report, doctor_text(report))
    refuse_problems(report)


def doctor(visit: Visit) -> dict[str, Any]:
    """Everything that was looked at, and what was found."""
    findings = {name: _looked(check, visit) for name, check in CHECKS.items()}
    return {
        "environment": visit.environment.name,
        "checks": [{"check": name, **asdict(found)} for name, found in findings.items() if found is not None],
    }


def doctor_text(report: Mapping[str, Any]) -> str:
    """A line for each thing, and below it what to do."""
    checks = report["checks"]
    rows = [(one["verdict"], one["check"], one["said"]) for one in checks]
    remedies = [f"{one['check']}: {one['remedy']}" for one in checks if one["verdict"] != "ok" and one["remedy"]]
    return "\n".join((table(("", "what", "found"), rows), *remedies))


def refuse_problems(report: Mapping[str, Any]) -> None:
    """Refused when there is a problem, else Inconclusive when something could not be told."""
    named = {verdict: [one["check"] for one in report["checks"] if one["verdict"] == verdict] for verdict in VERDICTS}
    if named["problem"]:
        raise Refused(
            f"{report['environment']} has problems: {', '.join(named['problem'])}", hint="do what is said above"
        )
    if named["cannot tell"]:
        raise Inconclusive(f"could not be told of {report['environment']}: {', '.join(named['cannot tell'])}")


VERDICTS = ("problem", "cannot tell")


def _looked(check: Callable[[Visit], Finding | None], visit: Visit) -> Finding | None:
    try:
        return check(visit)
    except StagelineError as error:
        return rules.failed(error)


def _credentials(visit: Visit) -> Finding:
    try:
        return rules.ok(visit.environment.session.caller())
    except Broken as error:
        if may_pass(error):
            raise
        return rules.problem(str(error.args[0]), error.hint)


def _engine(visit: Visit) -> Finding:
    visit.environment.stack.refuse_missing_engine()
    return rules.judge_engine(visit.environment.stack.version(), version("pulumi"))


def _plugins(visit: Visit) -> Finding:
    wanted = {name: version(package) for name, package in PLUGINS.items()}
    return rules.judge_plugins(visit.environment.stack.plugins(), wanted)


def _backend(visit: Visit) -> Finding:
    environment, url = visit.environment, os.environ.get("PULUMI_BACKEND_URL", "")
    bucket = url.removeprefix("s3://").split("?")[0].split("/")[0] if url.startswith("s3://") else ""
    there = state_bucket_exists(environment.session, bucket) if bucket else None
    return rules.judge_backend(url, environment.settings.names.state_bucket, there=there, environment=environment.name)


def _state_key(visit: Visit) -> Finding:
    alias = visit.environment.settings.names.state_alias
    there = StateKeys(visit.environment.session).exists(alias)
    return rules.judge_state_key(alias, visit.environment.name, there=there)


def _image(visit: Visit) -> Finding:
    servers = visit.environment.settings.servers
    return _judged_image(visit, servers.ami, servers.instance_type, "servers")


def _bastion_image(visit: Visit) -> Finding | None:
    bastion = visit.environment.settings.servers.bastion
    return _judged_image(visit, bastion.ami, bastion.instance_type, "servers.bastion") if bastion else None


def _judged_image(visit: Visit, ami: str, type: str, key: str) -> Finding:
    return rules.judge_image(ami, visit.account.image(ami), type, visit.account.kind(type), key)


def _zones(visit: Visit) -> Finding:
    return rules.judge_zones(visit.environment.settings.network.zones, visit.account.zones())


def _certificate(visit: Visit) -> Finding:
    environment = visit.environment
    settings, balancer = environment.settings, environment.settings.load_balancer
    if balancer.certificate is None:
        return rules.no_certificate(protected=settings.protected)
    found = Certificates(environment.session).find(balancer.certificate)
    return rules.judge_certificate(
        balancer.certificate, settings.region, balancer.domain or "", found, datetime.now(UTC)
    )


def _name(visit: Visit) -> Finding | None:
    domain = visit.environment.settings.load_balancer.domain
    if domain is None:
        return None
    balancer = visit.entrance.dns_name if visit.entrance else None
    its = visit.network.leads_to(balancer) if balancer else frozenset[str]()
    return rules.judge_name(domain, visit.network.leads_to(domain), balancer, its)


def _vpcs(visit: Visit) -> Finding:
    return _judged_quota(visit, "VPCs", VPCS, visit.account.vpcs, 1)


def _addresses(visit: Visit) -> Finding:
    nat = visit.environment.settings.network.nat
    return _judged_quota(visit, "elastic addresses", ADDRESSES, visit.account.addresses, int(nat))


def _vcpus(visit: Visit) -> Finding:
    servers = visit.environment.settings.servers
    kinds = [(servers.instance_type, servers.count), *([(servers.bastion.instance_type, 1)] if servers.bastion else [])]
    needed = sum(count * (kind.vcpus if (kind := visit.account.kind(name)) else 0) for name, count in kinds)
    return _judged_quota(visit, "vCPUs of servers", VCPUS, visit.account.vcpus, needed)


def _balancers(visit: Visit) -> Finding:
    return _judged_quota(visit, "load balancers", BALANCERS, visit.account.balancers, 1)


def _judged_quota(visit: Visit, what: str, quota: Quota, used: Callable[[], int], needed: int) -> Finding:
    """An environment that is up has what it needs."""
    return rules.judge_quota(what, used(), 0 if visit.entrance else needed, visit.account.quota(quota))


def _snapshots(visit: Visit) -> Finding:
    return rules.judge_snapshots(snapshot_count(visit.environment))


def _github(visit: Visit) -> Finding | None:
    environment = visit.environment
    repository = environment.settings.access.repository
    if repository is None:
        return None
    inside = github_environment("ci", environment.name)
    audiences = GithubProvider(environment.session).audiences()
    return rules.judge_github(repository, inside, audiences, environment.name)


def _ssh(visit: Visit) -> Finding:
    servers = visit.environment.settings.servers
    outputs = visit.environment.stack.outputs() if visit.entrance else {}
    machines = [one for one in (outputs.get("bastion"), *(outputs.get("servers") or ())) if one]
    host = str(machines[0]["address"]) if machines else ""
    reached = visit.network.answers(host, servers.ssh_port) if host else None
    return _judged_reach(visit, reached, list(servers.ssh_sources), "servers.ssh_sources")


def _preview(visit: Visit) -> Finding:
    balancer = visit.environment.settings.load_balancer
    reached = visit.network.answers(visit.entrance.dns_name, balancer.preview_port) if visit.entrance else None
    return _judged_reach(visit, reached, list(balancer.preview_sources), "load_balancer.preview_sources")


def _judged_reach(visit: Visit, reached: bool | None, sources: list[str], key: str) -> Finding:
    """Where there is nothing to be tried, and nobody tells our address, it cannot be told."""
    address = "" if reached else visit.own_address
    if reached is None and not address:
        address = visit.network.own_address()
    return rules.judge_reach(reached=reached, address=address, sources=sources, key=key)


CHECKS: dict[str, Callable[[Visit], Finding | None]] = {
    "credentials": _credentials,
    "engine": _engine,
    "plugins": _plugins,
    "state": _backend,
    "state key": _state_key,
    "image": _image,
    "bastion's image": _bastion_image,
    "zones": _zones,
    "certificate": _certificate,
    "name": _name,
    "VPCs": _vpcs,
    "elastic addresses": _addresses,
    "vCPUs": _vcpus,
    "load balancers": _balancers,
    "snapshots": _snapshots,
    "GitHub": _github,
    "SSH": _ssh,
    "preview": _preview,
}
