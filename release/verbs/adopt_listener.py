"""``release adopt-listener ENV --reason R``: take over in the ledger where somebody moved the live listener by hand.

For the hour after `release` itself could not run. Until then the ledger calls the slot idle that users are on, and the
next promotion would install into it.
"""

from collections.abc import Iterator
from typing import Any

import click

from release.call import Call, environment_argument, pass_call, reason_option
from release.environment import Environment
from release.process.errors import StagelineError
from release.process.output import Progress
from release.records.ledger.head import Content
from release.records.ledger.lease import Patience
from release.records.ledger.ledger import Entry, Writer
from release.records.ledger.stops import veto_of
from release.rules.adopting import (
    adoptable,
    adopted,
    answering,
    refuse_other_release,
    refuse_unheard,
    taken_from_users,
    was_verified,
)
from release.rules.plan import settled
from release.work.begun_schema import with_begun_schema
from release.work.deployment import deployment_id
from release.work.executor import watched
from release.work.seats import seat_told
from release.work.users import what_users_see
from release.work.wanted import heeding_who_asks


@click.command("adopt-listener")
@environment_argument
@reason_option
@pass_call
def command(call: Call, name: str, reason: str) -> None:
    """Take over in the ledger a listener that was moved by hand.

    For the hour after `release` itself could not run. HEAD then says what users have, an open deployment is closed, and
    a `pulumi up` tells Pulumi's state. The listener stays where it is.

    Refused (3) where HEAD says the same already, where the slot is not known to hold a release, and where it answers
    with another one, or with none where it is not sure what the slot holds. Lease held (5) while somebody is at work.

    \b
    Example: release adopt-listener prod --reason "moved in the console, the network was down"
    """
    environment, writer = call.at_work(name, tolerant=True)
    report = adopt(environment, reason, writer, call.progress)
    call.show(report, adopt_text(report))


def adopt(environment: Environment, reason: str, writer: Writer, progress: Progress) -> dict[str, Any]:
    """Where the listener leads, what HEAD says from now on, and what users see.

    Refused where HEAD says the same already, and where the slot is not known to hold a release.
    """
    free, head = environment.ledger.at_rest(Patience(until_silent=True, told=progress.note))
    entrance = environment.listeners.find()
    slot = environment.listeners.slot_in_use(entrance)
    slot, content = adoptable(environment.name, head.state, slot)
    seen, now = what_users_see(environment), environment.ledger.now()
    content = answering(head.state, slot, content, seen)
    refuse_other_release(environment.name, slot, content, seen)
    refuse_unheard(environment.name, head.state, slot, content, seen)
    verified = was_verified(content, head.state, environment.ledger.lives())
    begun = with_begun_schema(environment, head.state.open, head.state)
    undo = deployment_id(environment.name, now)
    state = adopted(begun, slot, content, now.isoformat(timespec="seconds"), undo, verified=verified)
    told = {
        "reason": reason,
        "slot": slot,
        "release": content.release,
        "users": seen.words,
        "unverified": not verified,
        "vetoed": _vetoed(environment, content),
    }
    entry = Entry(
        kind="listener adopted",
        state=state,
        details={**told, "closed": head.state.open.deployment if head.state.open else None},
        deployment=head.state.open.deployment if head.state.open else None,
        ends="adopted",
        left=taken_from_users(head.state, content),
        adopted=None if verified else content,
    )
    with watched(environment), environment.ledger.begin(entry, head, writer, free) as holder:
        with heeding_who_asks(environment, holder):
            behind = _applied(environment, holder.lease.fence, state.out_names, progress)
        if not behind:
            holder.record(Entry(kind="listener applied", state=settled(state)))
    return {"environment": environment.name, **told, "behind": behind}


def adopt_text(report: dict[str, Any]) -> str:
    """The same in a line."""
    text = "{release} in slot {slot} is live in {environment} by the ledger, too; {users}".format(**report)
    return "\n".join((text, *_remarks(report)))


def _remarks(report: dict[str, Any]) -> Iterator[str]:
    """What somebody should know who moved users there, and how to go on."""
    name, release = report["environment"], report["release"]
    elsewhere = f"go elsewhere with: release rollback {name} --to VERSION"
    if report["behind"]:
        yield f"Pulumi's state does not say so yet: {report['behind']}"
    if report["unverified"]:
        yield (
            f"nobody verified {release} here, and release accept judges only what is open: "
            f"deploy it with all checks by release promote {release} --to {name}, or {elsewhere}"
        )
    if report["vetoed"]:
        yield f"{report['vetoed']}: {elsewhere}"


def _vetoed(environment: Environment, content: Content) -> str:
    """Who says no to what users have already; that nobody can be asked keeps it out of no ledger."""
    try:
        veto = veto_of(environment.stops.read(), content.digest or "")
    except StagelineError as error:
        return f"whether {content.release} is vetoed cannot be told ({error.args[0]})"
    return f"{content.release} is vetoed by {veto.by} ({veto.reason})" if veto else ""


def _applied(environment: Environment, fence: int, out: frozenset[str], progress: Progress) -> str:
    """Why Pulumi's state does not say the same yet; empty when it does."""
    try:
        with progress.step(environment.name, "applied"):
            environment.migrations.end()
            environment.up(fence, "", progress)
            seat_told(environment, environment.stack.outputs(), out)
    except StagelineError as error:
        return str(error)
    return ""
