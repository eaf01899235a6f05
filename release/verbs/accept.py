"""``release accept ENV --reason R``: close a deployment behind its switch whose figures a person judged.

For what a watch could not tell, or what it found and a person takes as it is. Users keep the release that they have.
"""

from typing import Any

import click

from release.call import Call, environment_argument, pass_call, reason_option
from release.environment import Environment
from release.process.errors import Refused, StagelineError
from release.process.output import Progress
from release.records.ledger.head import Head, Open, State
from release.records.ledger.lease import Patience
from release.records.ledger.ledger import Entry, Writer
from release.records.ledger.stops import veto_of
from release.rules.plan import Plan, is_behind_switch, left_behind, made_live
from release.rules.wanted import Unwanted, refuse_vetoed_or_ended
from release.rules.ways_on import way_back, way_on
from release.work.deployment import open_in, plan_of_open
from release.work.executor import watched
from release.work.steps import verdict_of
from release.work.users import what_users_see


@click.command("accept")
@environment_argument
@reason_option
@pass_call
def command(call: Call, name: str, reason: str) -> None:
    """Close a deployment behind its switch as a person judged it.

    Users keep the release that they have. For what the watch could not tell, or what it found and you take as it is.
    HEAD calls the release live, and its verdict says *accepted*: the next environment may take it.

    Refused (3) before the switch, where the live URL answers with another release, while the release is vetoed, and
    where somebody asked its deployment to end. Lease held (5) while somebody is at work.

    \b
    Example: release accept prod --reason "slow answers are those of the bank"
    """
    environment, writer = call.at_work(name, tolerant=True)
    report = accept_open(environment, reason, writer, call.progress)
    call.show(report, accept_text(report))


def accept_open(environment: Environment, reason: str, writer: Writer, progress: Progress) -> dict[str, Any]:
    """What was accepted, and what users see.

    Refused before the switch, where users have nothing to judge, where the live URL answers with another, and while the
    release is vetoed or its deployment asked to end; Broken where that cannot be read.
    """
    free, head = environment.ledger.at_rest(Patience(until_silent=True, told=progress.note))
    opened = open_in(head)
    _refuse_before_switch(environment, head, opened)
    _refuse_other_listener(environment, head.state, opened)
    plan, seen = plan_of_open(environment.ledger, head), what_users_see(environment)
    _refuse_unwanted(environment, plan)
    if seen.heard - {opened.release}:
        raise Refused(
            f"{opened.release} is not what users have: {seen.words}",
            hint=way_back(environment.name, head.state, opened),
        )
    now = environment.ledger.now().isoformat(timespec="seconds")
    told = {"reason": reason, "users": seen.words, "stopped": opened.stopped}
    accepted = Entry(
        kind="deployment accepted",
        state=made_live(plan.but(unverified=False), head.state, now),
        deployment=opened.deployment,
        step=opened.step,
        details=told,
        ends="accepted",
        became_live=opened.release,
        left=left_behind(opened, head.state),
    )
    with watched(environment), environment.ledger.begin(accepted, head, writer, free):
        signed = _signed(environment, plan)
    return {
        "environment": environment.name,
        "release": opened.release,
        "deployment": opened.deployment,
        **told,
        **signed,
    }


def accept_text(report: dict[str, Any]) -> str:
    """The same in a line."""
    text = "{release} is live in {environment} by {deployment}, as a person accepted it; {users}".format(**report)
    return f"{text}; {report['verdict']}" if report["verdict"] != "signed" else text


def _refuse_before_switch(environment: Environment, head: Head, opened: Open) -> None:
    if is_behind_switch(opened, head.state):
        return
    raise Refused(
        f"{opened.deployment} is in step {opened.step!r}: users do not have {opened.release}",
        hint=way_on(environment.name, head.state),
    )


def _refuse_other_listener(environment: Environment, state: State, opened: Open) -> None:
    """Refused where the listener did not move any more before the deployment died, or was moved away: users do not
    have it. A rollback moves them again.
    """
    entrance, name = environment.listeners.find(), environment.name
    back = way_back(name, state, opened)
    there = f"keep users there: release adopt-listener {name} --reason WHY"
    may_move = opened.kind == "rollback" or (opened.step == "switched" and not opened.done)
    if environment.listeners.slot_in_use(entrance) != opened.slot:
        raise Refused(
            f"the live listener of {name} does not lead to slot {opened.slot}, which holds {opened.release}",
            hint=f"go on with: release resume {name}, or {back}" if may_move else f"{back}, or {there}",
        )


def _refuse_unwanted(environment: Environment, plan: Plan) -> None:
    """Who takes it as it is overrules figures, and not another person: that one's word is lifted first."""
    name, stops = environment.name, environment.stops.read()
    try:
        refuse_vetoed_or_ended(stops, plan)
    except Unwanted as refusal:
        lift = f"lift that first: release veto {plan.version} --lift --reason WHY, or "
        back = f"put it back with: release abort {name}, or go elsewhere: release rollback {name} --to VERSION"
        refusal.hint = f"{lift if veto_of(stops, plan.digest) else ''}{back}"
        raise


def _signed(environment: Environment, plan: Any) -> dict[str, str]:
    """The verdict of a person, for the next environment; that it cannot be signed keeps nobody here."""
    try:
        environment.releases.sign_verdict(verdict_of(environment, plan, "accepted"))
    except StagelineError as error:
        return {"verdict": f"its verdict is not signed ({error.args[0]}): promote it from here after release redeploy"}
    return {"verdict": "signed"}
