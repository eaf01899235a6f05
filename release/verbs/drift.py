"""``release drift ENV``: what somebody changed by hand, in AWS and on the servers. Nothing is repaired.

Where nothing differs, what HEAD was not sure of is sure again: a slot of a server that was silent, a listener that
Pulumi's state was not told of.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import click

from release.call import Call, environment_argument, pass_call
from release.doors.aws.firewall import Firewall
from release.doors.aws.secrets import Secrets
from release.doors.servers.inspection import inspect
from release.doors.servers.servers import Server, installer_of, open_ssh, servers_of
from release.environment import Environment
from release.process.errors import Broken, Inconclusive, Refused, StagelineError
from release.process.output import table
from release.records.ledger.head import Head, State
from release.records.ledger.ledger import Entry
from release.rules.drift import (
    UNNAMED,
    Finding,
    of_files,
    of_keys,
    of_refresh,
    of_rules,
    of_slots,
    security_groups,
)
from release.rules.plan import settled

HEADINGS = ("where", "what", "expected", "found")
AT_ONCE = 8
LONGEST = 60


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What a part said: its findings, or why it could not be asked."""

    part: str
    findings: tuple[Finding, ...] = ()
    why: str = ""


@click.command("drift")
@environment_argument
@pass_call
def command(call: Call, name: str) -> None:
    """Show what somebody changed by hand, in AWS and on servers.

    Nothing is repaired: `pulumi up --refresh` does that for AWS, the runbook says how for servers. Where nothing
    differs, what HEAD was not sure of is sure again.

    Refused (3) when there is any, inconclusive (4) when a part could not be asked. Lease held (5) while somebody
    deploys: then nothing is drift.

    \b
    Example: release drift prod
    """
    report = drift(call, name)
    call.show(report, drift_text(report))
    refuse_drift(report)


def drift(call: Call, name: str) -> dict[str, Any]:
    """What differs, and which parts could not be asked. While a deployment is at work nothing is drift: LeaseHeld."""
    environment, progress = call.opened(name, engine=True), call.progress
    environment.session.caller()
    environment.ledger.free_lease()
    head = environment.ledger.head()
    outputs = environment.stack.outputs()
    servers = servers_of(environment.settings, outputs)
    with progress.step(name, "AWS asked"):
        asked = [
            _ask("AWS", partial(_look_at_aws, environment)),
            _ask("firewall", partial(_look_at_rules, environment)),
        ]
    with progress.step(name, f"{len(servers)} servers asked"), ThreadPoolExecutor(AT_ONCE) as pool:
        look = _server_look(environment, outputs, head.state)
        asked += pool.map(lambda server: _ask(server.name, partial(look, server)), servers)
    report = {
        "environment": name,
        "findings": [asdict(finding) for one in asked for finding in one.findings],
        "unasked": [{"part": one.part, "why": one.why} for one in asked if one.why],
    }
    if not report["findings"] and not report["unasked"]:
        settle(environment, head)
    return report


def settle(environment: Environment, head: Head) -> None:
    """Write down that all is as HEAD says, where HEAD was not sure of that. Who may only read leaves it to others."""
    after = settled(head.state)
    if after == head.state or head.state.open is not None or head.state.out:
        return
    with suppress(StagelineError):
        seen = Entry(kind="seen as declared", state=after)
        environment.ledger.note(seen, head, environment.identify("", tolerant=True))


def refuse_drift(report: dict[str, Any]) -> None:
    """Refused when anything differs; Inconclusive when nothing does, as far as could be asked."""
    name, findings, unasked = report["environment"], report["findings"], report["unasked"]
    if findings:
        raise Refused(f"{name} is not as it is declared, differences: {len(findings)}", hint=_remedy(name, findings))
    if unasked:
        parts = ", ".join(entry["part"] for entry in unasked)
        raise Inconclusive(f"{name} could not be asked in full: {parts}", hint="mend that and ask again")


def _remedy(name: str, findings: Sequence[Mapping[str, str]]) -> str:
    repair = "pulumi up --refresh repairs what is in AWS; the runbook says how to repair servers"
    if any(finding["what"] == UNNAMED for finding in findings):
        return f"pulumi refresh --stack {name} --preview-only --diff shows what is not named; {repair}"
    return repair


def drift_text(report: dict[str, Any]) -> str:
    """The findings as a table, then what could not be asked."""
    rows = [(one["where"], one["what"], _short(one["expected"]), _short(one["found"])) for one in report["findings"]]
    lines = [f"not asked: {one['part']}: {one['why']}" for one in report["unasked"]]
    if not rows and not lines:
        return f"{report['environment']} is as it is declared, in AWS and on its servers"
    return "\n".join([*([table(HEADINGS, rows)] if rows else []), *lines])


def _ask(part: str, look: Callable[[], tuple[Finding, ...]]) -> Asked:
    try:
        return Asked(part=part, findings=look())
    except (Broken, Inconclusive) as error:
        return Asked(part=part, why=str(error))


def _look_at_aws(environment: Environment) -> tuple[Finding, ...]:
    return of_refresh(environment.stack.refresh_preview())


def _look_at_rules(environment: Environment) -> tuple[Finding, ...]:
    stack = json.loads(environment.stack.export())
    return of_rules(Firewall(environment.session).rules(security_groups(stack)), stack)


def _server_look(
    environment: Environment, outputs: Mapping[str, Any], state: State
) -> Callable[[Server], tuple[Finding, ...]]:
    """How a server is asked, and what it should answer: the same for all of them."""
    ssh = open_ssh(environment.session, environment.settings, outputs)
    authorized_keys = Secrets(environment.session).read(environment.settings.names.authorized_keys) or ""
    installer = installer_of(environment.settings, outputs)

    def look(server: Server) -> tuple[Finding, ...]:
        seen = inspect(ssh, server.address)
        slots = of_slots(server.name, seen.status, state) if seen.status else ()
        files = of_files(server.name, seen.digests, installer, state)
        return (*slots, *files, *of_keys(server.name, seen.authorized_keys, authorized_keys))

    return look


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 1]}…"
