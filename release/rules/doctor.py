"""What `release doctor` makes of what it found: for each thing whether it will do, and what to do where it will not."""

import ipaddress
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from release.doors.aws.account import Image, Kind
from release.doors.aws.certificates import Certificate
from release.process.errors import Refused, StagelineError
from settings.permissions.identities import AUDIENCE
from settings.permissions.policies import subjects

Verdict = Literal["ok", "warning", "problem", "cannot tell"]
NEARLY = 80  # percent of a quota from which on to warn
SOON = timedelta(days=14)  # ACM renews 60 days before the end: by then something stands in its way


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What was found about one thing, and what to do about it in one line; empty where that is nothing."""

    verdict: Verdict
    said: str
    remedy: str = ""


def ok(said: str) -> Finding:
    """All is well."""
    return Finding(verdict="ok", said=said)


def warning(said: str, remedy: str) -> Finding:
    """It goes, and somebody should know."""
    return Finding(verdict="warning", said=said, remedy=remedy)


def problem(said: str, remedy: str) -> Finding:
    """It will not go."""
    return Finding(verdict="problem", said=said, remedy=remedy)


def failed(error: StagelineError) -> Finding:
    """What a check came to that could not be made; a rule that said no is a problem."""
    verdict: Verdict = "problem" if isinstance(error, Refused) else "cannot tell"
    return Finding(verdict=verdict, said=str(error.args[0]), remedy=error.hint)


def judge_engine(version: str, wanted: str) -> Finding:
    """``wanted`` is the SDK's version: an engine may be newer."""
    if _numbers(version) < _numbers(wanted):
        return problem(f"pulumi is {version}", f"install {wanted} or newer, or run make setup")
    return ok(f"pulumi {version}")


def judge_plugins(there: Mapping[str, Collection[str]], wanted: Mapping[str, str]) -> Finding:
    """A missing plugin is fetched by Pulumi, where it may."""
    missing = [f"{name} {version}" for name, version in wanted.items() if version not in there.get(name, ())]
    if missing:
        name, version = missing[0].split()
        said = f"not installed: {', '.join(missing)}"
        return warning(said, f"Pulumi fetches it; where it may not: pulumi plugin install resource {name} v{version}")
    return ok(", ".join(f"{name} {version}" for name, version in wanted.items()))


def judge_image(id: str, image: Image | None, type: str, kind: Kind | None, key: str) -> Finding:
    """Whether servers of this type boot from this image."""
    if kind is None:
        return problem(f"the region has no instance type {type}", f"choose another {key}.instance_type")
    if image is None:
        said = f"the account sees no image {id} in the region"
        return problem(said, f"put yours into {key}.ami; images are of one region, and shared with accounts")
    if image.state != "available":
        return problem(f"{id} is {image.state}", f"wait for it, or put another one into {key}.ami")
    if not image.architecture:
        return Finding(verdict="cannot tell", said=f"{id} does not tell for which CPU it is")
    if image.architecture not in kind.architectures:
        said = f"{id} is for {image.architecture}, and {type} takes {' or '.join(kind.architectures)}"
        return problem(said, f"another {key}.ami, or another {key}.instance_type")
    return ok(f"{id} is for {image.architecture}, as {type} is")


def judge_zones(wanted: Sequence[str], there: Collection[str]) -> Finding:
    """Whether the region has the zones."""
    if missing := [zone for zone in wanted if zone not in there]:
        said = f"the region has no zone {', '.join(missing)}"
        return problem(said, f"set network.zones to some of [{', '.join(sorted(there))}]")
    return ok(f"zones {', '.join(wanted)}")


def judge_certificate(arn: str, region: str, domain: str, found: Certificate | None, now: datetime) -> Finding:
    """Whether the balancer can show it for the domain."""
    if arn.split(":")[3] != region:
        said = f"the certificate is of {arn.split(':')[3]}"
        return problem(said, f"a load balancer takes one of its own region: ask for one in {region}")
    if found is None:
        return problem("there is no such certificate", "put the ARN of yours into load_balancer.certificate")
    if found.status == "PENDING_VALIDATION":
        return problem("the certificate waits for its proof", "make the CNAME that aws acm describe-certificate tells")
    if found.status != "ISSUED":
        return problem(f"the certificate is {found.status}", "ask for another one: aws acm request-certificate")
    if not any(_is_for(name, domain) for name in found.names):
        said = f"the certificate is for {', '.join(found.names)}, and not for {domain}"
        return problem(said, "another load_balancer.domain, or a certificate for it")
    if found.ends is not None and found.ends < now + SOON:
        said = f"the certificate ends on {found.ends:%Y-%m-%d}"
        return warning(said, "ACM did not renew it: see that its CNAME for validation is still there")
    return ok(f"issued, for {domain}")


def no_certificate(*, protected: bool) -> Finding:
    """An environment without one speaks plain HTTP."""
    if protected:
        return warning("users speak plain HTTP", "set load_balancer.certificate, domain and redirect_port")
    return ok("none: users speak plain HTTP")


def judge_name(domain: str, leads_to: Collection[str], balancer: str | None, its: Collection[str]) -> Finding:
    """Whether the domain leads to the balancer: `balancer` is its own name, `its` its addresses; None before it is."""
    if balancer is None:
        said = f"{domain} leads {'to ' + ', '.join(sorted(leads_to)) if leads_to else 'nowhere yet'}"
        return warning(said, "after the first pulumi up make it a CNAME to the output balancer_name")
    if not leads_to or not {*leads_to} & {*its}:
        said = f"{domain} leads {'elsewhere' if leads_to else 'nowhere'}"
        return problem(said, f"make it a CNAME (of an apex an alias) to {balancer}")
    return ok(f"{domain} leads to the load balancer")


def judge_quota(what: str, used: int, needed: int, most: int) -> Finding:
    """Whether ``needed`` more fit beside the ``used`` ones."""
    said = f"{used} of {most} {what} in use, {needed} more needed"
    ask = "ask for more in Service Quotas, or remove some"
    if used + needed > most:
        return problem(said, ask)
    return warning(said, ask) if 100 * (used + needed) > NEARLY * most else ok(said)


def judge_snapshots(counted: Mapping[str, Any]) -> Finding:
    """The account's manual snapshots, as `release status` counts them."""
    if "error" in counted:
        return Finding(verdict="cannot tell", said=counted["error"])
    said = f"{counted['count']} of {counted['quota']} manual snapshots in use"
    verdicts: Mapping[str, Verdict] = {"enough": "ok", "little": "warning", "none": "problem"}
    return Finding(verdict=verdicts[counted["room"]], said=said, remedy=counted["hint"])


def judge_github(repository: str, inside: str, audiences: Collection[str] | None, environment: str) -> Finding:
    """Whether AWS would believe the tokens of GitHub's workflows, and whose: ``inside`` is GitHub's environment."""
    if audiences is None:
        return problem("the account has no provider for GitHub's tokens", f"run: release init {environment}")
    if AUDIENCE not in audiences:
        return problem(f"GitHub's provider accepts no tokens for {AUDIENCE}", f"run: release init {environment}")
    if "@" not in repository:
        said = f"only tokens without ids are believed: {subjects(repository, inside)[0]}"
        ids = f"gh api repos/{repository} --jq '\"\\(.owner.login)@\\(.owner.id)/\\(.name)@\\(.id)\"'"
        return warning(said, f"repositories made or moved since 15 July 2026 have ids; state them as told by: {ids}")
    return ok(f"believed: {' or '.join(subjects(repository, inside))}")


def judge_reach(*, reached: bool | None, address: str, sources: Sequence[str], key: str) -> Finding:
    """Whether this machine gets in; ``reached`` is None where there is nothing to try, ``address`` may be empty."""
    listed = bool(address) and any(ipaddress.ip_address(address) in ipaddress.ip_network(one) for one in sources)
    if reached:
        return ok("somebody answers")
    if reached is None and listed:
        return ok(f"{address} is in {key}")
    if listed:
        return problem(f"nobody answers, though {address} is in {key}", "see whether the machine runs: release drift")
    seen = f"this machine is seen as {address}, which is" if address else "this machine may be"
    said = f"{'' if reached is None else 'nobody answers; '}{seen} not in {key}"
    return problem(said, f"add it there, or work from {', '.join(sources)}; for one deployment there is --open-door")


def judge_backend(url: str, bucket: str, *, there: bool | None, environment: str) -> Finding:
    """Where the state is kept: ``there`` says whether the bucket exists, None where the backend is none in S3."""
    if not url:
        return warning("PULUMI_BACKEND_URL is not set: Pulumi's own login decides", f"set it, as to s3://{bucket}")
    if there is False:
        return warning("the bucket of the state is not there yet", f"run: release init {environment}")
    return ok(url)


def judge_state_key(alias: str, environment: str, *, there: bool) -> Finding:
    """The key of what is secret in the state."""
    if there:
        return ok(alias)
    return warning(f"{alias} is not there yet", f"run: release init {environment}")


def _is_for(name: str, domain: str) -> bool:
    """A wildcard stands for one label."""
    return name == domain or (name.startswith("*.") and domain.partition(".")[2] == name[2:])


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, re.findall(r"[0-9]+", version)[:3]))
