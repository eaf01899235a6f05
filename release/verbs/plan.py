"""``--plan``: what a deployment would do, step by step, and what its gates say. Nothing is changed by asking."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

from release.deployment.executor import Order, plan_of
from release.deployment.gates import Gate
from release.deployment.lanes import StepName
from release.deployment.plan import Plan, described
from release.environment import open_environment
from release.text import bounded

MARKS = {True: "yes", False: "NO"}


def order_report(project_dir: Path, name: str, order: Order) -> dict[str, Any]:
    """The plan of an order. Its deployment gets its name when it begins: the one shown is an example."""
    plan = plan_of(open_environment(project_dir, name), order)
    return report(plan, plan.steps, order.gates)


def report(plan: Plan, steps: tuple[StepName, ...], gates: tuple[Gate, ...] = ()) -> dict[str, Any]:
    """A plan's steps, with what each does."""
    return {
        "environment": plan.environment,
        "kind": plan.kind,
        "deployment": plan.deployment,
        "release": plan.version,
        "digest": plan.digest,
        "slot": plan.slot,
        "gates": [asdict(gate) for gate in gates],
        "steps": [{"step": step, "does": does} for step, does in described(plan, steps)],
    }


def report_text(report: dict[str, Any]) -> str:
    """The same as lines for people."""
    gates = [f"  {MARKS[gate['passed']]:<3}  {bounded(gate['evidence'])} ({gate['name']})" for gate in report["gates"]]
    steps = [f"  {number}. {one['step']}: {one['does']}" for number, one in enumerate(report["steps"], start=1)]
    title = f"{report['kind']} of {report['release']} to {report['environment']}"
    return "\n".join([title, *(["gates:", *gates] if gates else []), "steps:", *(steps or ["  none"])])
