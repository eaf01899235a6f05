"""A deployment as the ledger knows it: its name, its entries, and the one that is open."""

import secrets
from datetime import datetime

from release.process.errors import Broken, Refused
from release.records.ledger.event import Details
from release.records.ledger.head import Head, Open, State
from release.records.ledger.ledger import Entry, Ledger
from release.rules.plan import Plan, parse_plan


def deployment_id(environment: str, now: datetime) -> str:
    """A new deployment's name: environment, UTC time, and a few random digits against two in one second."""
    return f"{environment}-{now:%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"


def entry(opened: Open | Plan, kind: str, state: State, step: str, details: Details | None = None) -> Entry:
    """What is recorded of a deployment, with the state that it leads to."""
    return Entry(kind=kind, state=state, deployment=opened.deployment, step=step, details=details or {})


def open_in(head: Head) -> Open:
    """The deployment that is open by HEAD. Refused when there is none."""
    if head.state.open is None:
        raise Refused(f"no deployment is open in {head.environment}", hint=f"see: release status {head.environment}")
    return head.state.open


def plan_of_open(ledger: Ledger, head: Head) -> Plan:
    """The plan of the open deployment. Refused when it cannot be read: it can be put back all the same."""
    opened = open_in(head)
    try:
        return parse_plan(ledger.event(opened.requested).details.get("plan"))
    except Broken as error:
        hint = f"put it back with: release abort {head.environment}"
        raise Refused(f"the plan of {opened.deployment} cannot be read: {error.args[0]}", hint=hint) from error
