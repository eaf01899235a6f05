"""A deployment as the ledger knows it: its name, its entries, and the plan of the one that is open."""

import secrets
from datetime import datetime
from typing import Any

from release.deployment.plan import Plan, parse_plan
from release.errors import Refused
from release.ledger.head import Head, Open, State
from release.ledger.ledger import Entry, Ledger


def deployment_id(environment: str, now: datetime) -> str:
    """A new deployment's name: environment, UTC time, and a few random digits against two in one second."""
    return f"{environment}-{now:%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"


def entry(plan: Plan, kind: str, state: State, step: str, details: dict[str, Any] | None = None) -> Entry:
    """What is recorded of a deployment, with the state that it leads to."""
    return Entry(kind=kind, state=state, deployment=plan.deployment, step=step, details=details or {})


def open_deployment(ledger: Ledger, head: Head) -> tuple[Plan, Open]:
    """The deployment that is open by HEAD: its plan, and how far it came. Refused when there is none."""
    opened = head.state.open
    if opened is None:
        raise Refused(f"no deployment is open in {head.environment}", hint=f"see: release status {head.environment}")
    return parse_plan(ledger.event(opened.requested).details["plan"]), opened
