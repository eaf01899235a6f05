"""``release tick [ENV]``: what is due and needs nobody to decide, for all environments or one.

Meant for a clock: each duty judges anew what is due, so it may be run twice, at any time, by anyone who may. Where
somebody is at work it is left for the next time, and one environment that fails does not stop the others.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Literal

import click

from release.call import Call, any_environment_argument, pass_call
from release.doors.aws.session import is_not_found
from release.environment import Environment
from release.process.errors import Broken, Interrupted, LeaseHeld, LeaseLost, Refused
from release.process.output import Progress, table
from release.process.text import listed
from release.project import names_in
from release.records.ledger.head import Head
from release.records.ledger.ledger import Writer
from release.work.demos.base import open_base, registry_of
from release.work.demos.reaping import Reaped, reap
from release.work.door import shut_what_is_over
from release.work.maintenance import idle_head
from release.work.snapshot_pruning import prune_snapshots

How = Literal["done", "due", "nothing due", "skipped", "failed"]


@dataclass(frozen=True, kw_only=True)
class Shift:
    """One environment, and who works in it now; without ``really`` nothing is changed."""

    environment: Environment
    head: Head
    writer: Writer
    progress: Progress
    really: bool


@dataclass(frozen=True, kw_only=True)
class Duty:
    """Something that is due now and then: its name, and what does it and says to what it was (or would be) done.

    ``at_rest``: only where nobody is at work and no deployment is open.
    """

    name: str
    do: Callable[[Shift], tuple[str, ...]]
    at_rest: bool = True


@dataclass(frozen=True, kw_only=True)
class Done:
    """How a duty ended in an environment: ``what`` it did or would do, or ``why`` it did not."""

    environment: str
    duty: str
    how: How
    what: tuple[str, ...] = ()
    why: str = ""


class AtWork(Exception):
    """Somebody deploys, a hold keeps all that is there, or nothing was ever deployed: no failure, nothing to do now."""


def delete_old_snapshots(shift: Shift) -> tuple[str, ...]:
    """Delete the snapshots of deployments that nothing keeps, by age and count."""
    try:
        return prune_snapshots(shift.environment, shift.head, shift.writer, shift.progress, really=shift.really)
    except Refused as error:  # a hold keeps all that is there: whoever set it lifts it
        raise AtWork(str(error)) from error


def shut_old_doors(shift: Shift) -> tuple[str, ...]:
    """Keep out again what `--open-door` let in and whoever did that could not shut."""
    return shut_what_is_over(shift.environment, shift.environment.ledger.now(), really=shift.really)


REAPING = "take down demos"
DUTIES: tuple[Duty, ...] = (
    Duty(name="delete old snapshots", do=delete_old_snapshots),
    Duty(name="shut old doors", do=shut_old_doors, at_rest=False),
)


@click.command("tick")
@any_environment_argument
@click.option("--plan", "only_plan", is_flag=True, help="Show what is due, and change nothing.")
@pass_call
def command(call: Call, name: str | None, only_plan: bool) -> None:
    """Do what is due and needs nobody to decide.

    In ENVIRONMENT or in all: delete old database snapshots, shut doors that `--open-door` left open, take down demos
    whose time is over. For a clock, as often as you like. Where somebody is at work, or a hold keeps what is there, it
    is left for the next time. Broken (1) when it failed anywhere: the others are done.

    \b
    Example: release tick --plan
    """
    report = tick(call, name, really=not only_plan)
    call.show(report, tick_text(report))
    refuse_failed(report)


def tick(call: Call, name: str | None, *, really: bool) -> dict[str, Any]:
    """How every duty ended in every environment, or in ``name``."""
    names = (name,) if name else names_in(call.project)
    done = [_done(call, one, duty, really) for one in names for duty in DUTIES]
    reaped = [_reaped(call, base, really) for base in call.project.demo_bases if base in names]
    homeless = [] if call.project.demo_bases else _homeless(call, names[0])
    return {"duties": [asdict(one) for one in (*done, *reaped, *homeless)]}


def tick_text(report: dict[str, Any]) -> str:
    """The report as a table."""
    rows = [(one["environment"], one["duty"], one["how"], one["why"] or ", ".join(one["what"])) for one in _of(report)]
    return table(("environment", "duty", "how it ended", "what, or why not"), rows)


def refuse_failed(report: dict[str, Any]) -> None:
    """Raise Broken when a duty failed in an environment."""
    failed = [one for one in _of(report) if one["how"] == "failed"]
    if failed:
        names = ", ".join(dict.fromkeys(one["environment"] for one in failed))
        raise Broken(
            f"not all that was due could be done: {names} failed", hint="mend what the table says, run it again"
        )


def _done(call: Call, name: str, duty: Duty, really: bool) -> Done:
    """Whatever goes wrong in an environment, also in reading its file, is told and leaves the others alone."""
    try:
        what = duty.do(_shift(call, name, duty, really))
    except Interrupted:
        raise
    except (AtWork, LeaseHeld, LeaseLost) as error:
        return Done(environment=name, duty=duty.name, how="skipped", why=str(error))
    except Exception as error:
        return Done(environment=name, duty=duty.name, how="failed", why=str(error) or type(error).__name__)
    how: How = "nothing due" if not what else "done" if really else "due"
    return Done(environment=name, duty=duty.name, how=how, what=what)


def _reaped(call: Call, base: str, really: bool) -> Done:
    """The demos that are due, a part of its own: a base that is at work, or frozen, is none of theirs."""
    try:
        opened = open_base(call.project)
        writer = opened.environment.identify(call.ci)
        found = reap(opened, writer, call.progress, really=really, searching=False)
    except Interrupted:
        raise
    except Exception as error:
        how: How = "skipped" if isinstance(error, Broken) and is_not_found(error) else "failed"
        return Done(environment=base, duty=REAPING, how=how, why=str(error) or type(error).__name__)
    return _told(base, found, really)


def _homeless(call: Call, name: str) -> list[Done]:
    """Demos of a project that has no section for them any more: nobody else would tell of them, or end them."""
    try:
        found = registry_of(call.opened(name)).all().demos
    except Interrupted:
        raise
    except Exception as error:
        is_none = isinstance(error, Broken) and is_not_found(error)
        why = str(error) or type(error).__name__
        return [] if is_none else [Done(environment=name, duty=REAPING, how="skipped", why=why)]
    why = f"no stack file has the section demo, and there are demos: {listed([one.branch for one in found], 400)}"
    bases = ", ".join(sorted({one.base for one in found}))
    hint = f"{why}; write it into that of {bases} until they are gone"
    return [Done(environment=name, duty=REAPING, how="failed", why=hint)] if found else []


def _told(base: str, found: tuple[Reaped, ...], really: bool) -> Done:
    """Many demos in one line: one that failed counts for all."""
    left = [one for one in found if one.how in ("skipped", "failed")]
    what = tuple(_what(one) for one in found if one not in left)
    failed = any(one.how == "failed" for one in left)
    how: How = "failed" if failed else "skipped" if left else "nothing due" if not what else "done" if really else "due"
    why = "; ".join(f"{one.branch}: {one.why}" for one in left)
    return Done(environment=base, duty=REAPING, how=how, what=what, why=why)


def _what(one: Reaped) -> str:
    return f"{one.branch} ({one.owner}: {one.why})" if one.why else one.branch


def _shift(call: Call, name: str, duty: Duty, really: bool) -> Shift:
    environment, writer = call.at_work(name)
    head = _head(environment, at_rest=duty.at_rest)
    return Shift(environment=environment, head=head, writer=writer, progress=call.progress, really=really)


def _head(environment: Environment, *, at_rest: bool) -> Head:
    """HEAD, where it has to be of an environment where nobody is at work; AtWork else, and without a ledger."""
    try:
        return idle_head(environment) if at_rest else environment.ledger.head()
    except Refused as error:
        raise AtWork(str(error)) from error
    except Broken as error:
        if is_not_found(error):
            raise AtWork("not initialised") from error
        raise


def _of(report: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = report["duties"]
    return found
