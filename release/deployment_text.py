"""What verbs that deploy show: before, with ``--plan``, the steps and what the gates say; after, what is live."""

from dataclasses import asdict
from typing import Any

from release.call import Call
from release.environment import Environment
from release.process.text import bounded
from release.rules.gates import Gate, refuse_unless_passed
from release.rules.lanes import StepName
from release.rules.plan import Plan, described
from release.work.executor import Deployed, Proposal, plan_of

MARKS = {True: "yes", False: "NO"}


def show_plan(call: Call, environment: Environment, proposal: Proposal) -> None:
    """Refused (3) when a gate says no, as the verb itself would be. Nothing is changed by asking."""
    report = proposal_report(environment, proposal)
    call.show(report, plan_text(report))
    refuse_unless_passed(proposal.gates, f"the {proposal.kind} of {proposal.release.release} to {environment.name}")


def show_deployed(call: Call, done: Deployed, how: str = "live") -> None:
    """What is live now, or waits for people to look; with what could not be done besides, a line each."""
    first = f"{done.version} is {how} in {done.environment}: {done.url}"
    if done.paused:
        first = f"{done.version} waits in {done.environment} for you to look: {done.url}; go on with: release resume"
        first += f" {done.environment}, or put it back with: release abort {done.environment}"
    call.show(asdict(done), "\n".join((first, *(f"warning: {one}" for one in done.warnings))))


def proposal_report(environment: Environment, proposal: Proposal) -> dict[str, Any]:
    """The plan of a proposal. Its deployment gets its name when it begins: the one shown is an example."""
    plan = plan_of(environment, proposal)
    return {**plan_report(plan, plan.steps, proposal.gates), "reconfigured": proposal.reconfigured}


def plan_report(plan: Plan, steps: tuple[StepName, ...], gates: tuple[Gate, ...] = ()) -> dict[str, Any]:
    """A plan's steps, with what each does."""
    return {
        "environment": plan.environment,
        "kind": plan.kind,
        "deployment": plan.deployment,
        "release": plan.version,
        "digest": plan.digest,
        "configuration": plan.content.configuration,
        "slot": plan.slot,
        "gates": [asdict(gate) for gate in gates],
        "steps": [{"step": step, "does": does} for step, does in described(plan, steps)],
    }


def plan_text(report: dict[str, Any]) -> str:
    """The same as lines for people."""
    gates = [f"  {MARKS[gate['passed']]:<3}  {bounded(gate['evidence'])} ({gate['name']})" for gate in report["gates"]]
    steps = [f"  {number}. {one['step']}: {one['does']}" for number, one in enumerate(report["steps"], start=1)]
    changed = [report["reconfigured"]] if report.get("reconfigured") else []
    title = f"{report['kind']} of {report['release']} to {report['environment']}"
    return "\n".join([title, *changed, *(["gates:", *gates] if gates else []), "steps:", *(steps or ["  none"])])
