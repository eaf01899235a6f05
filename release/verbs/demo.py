"""``release demo``: a branch shown for a while, on a stack of its own that goes by itself."""

from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from release.call import Call, checked_reason, lift_option, pass_call
from release.process.errors import Broken, WrongUsage
from release.process.output import table
from release.process.text import quoted
from release.records.artifacts.archive import inspect_artifact
from release.records.artifacts.manifest import checked_version
from release.records.demos.demo import Cost, Demo, Pin
from release.records.demos.registry import Entry
from release.records.ledger.ledger import Writer
from release.rules import budget
from release.rules import demos as rules
from release.work.demos.base import Base, open_base
from release.work.demos.ending import take_down
from release.work.demos.making import Data, Wanted, bring_up
from release.work.demos.reaping import reap
from settings.demos import WORLD, stack_of
from settings.machine import machine_of

UNKNOWN_VERSION = "0.0.0"  # of an artifact that states none: its pages are to tell what RELEASE_VERSION says


@click.group("demo")
def command() -> None:
    """Show a branch for a while; it goes by itself.

    Each has a stack of its own on the environment that states a section `demo`. No environment knows of it, and nothing
    of it can be promoted.

    \b
    Example: release demo list
    """


@command.command("up")
@click.argument("branch")
@click.option("--artifact", type=click.Path(path_type=Path), help="The built file to show.")
@click.option("--version", help="What its health page says, where its release.json does not.")
@click.option("--release", "release_version", metavar="VERSION", help="Or a release that was published.")
@click.option("--ttl", help="How long it lives from now on, like 12h or 3d.  [default: the stack file's]")
@click.option(
    "--open-to",
    multiple=True,
    metavar="CIDR|world",
    help="Who may see it.  [default: as before, else the stack file's]",
)
@click.option(
    "--data",
    type=click.Choice(("none", "seed", "again")),
    default="none",
    help="Example data by the artifact's bin/seed, once (seed) or once more (again).",
)
@pass_call
def up(
    call: Call,
    branch: str,
    artifact: Path | None,
    version: str | None,
    release_version: str | None,
    ttl: str | None,
    open_to: tuple[str, ...],
    data: Data,
) -> None:
    """Make BRANCH's demo, or give it another content and renew it.

    Prints where it answers, until when, whose it is (yours), and what it costs a day. Run it again where it failed or
    was killed.

    Refused (3) beyond the limits of the stack file, and for somebody else's demo. Lease held (5) while another command
    works on it.

    \b
    Example: release demo up feature-demo/map --artifact app.tar.gz --version 1.4.0
    """
    rules.refuse_branch(branch)
    asked, blocks = checked_ttl(ttl), checked_blocks(open_to)
    base, writer = _at_work(call)
    life, shown = rules.lifetime(base.limits, asked), _shown(base, artifact, version, release_version)
    wanted = Wanted(branch=branch, life=life, open_to=blocks, data=data, **shown)
    base.environment.stack.refuse_missing_engine()
    demo = bring_up(base, wanted, writer, call.progress)
    near = budget.near(base.limits, base.registry.all().demos) if base.limits.daily_budget else ""
    said = (demo.url, f"until {until(demo)}, owned by {demo.owner}", f"costs {budget.a_day(demo.cost)}", near)
    call.show({"demo": described(demo, base.registry.now())}, "\n".join(filter(None, said)))


@command.command("list")
@pass_call
def list_(call: Call) -> None:
    """Show every demo of the project.

    Whose each is, since when, until when, what it has cost, and how it stands.

    \b
    Example: release demo list
    """
    base = open_base(call.project)
    listing, now = base.registry.all(), base.registry.now()
    demos = [rules.believed(demo, now, base.limits) for demo in listing.demos]
    rows = [_row(demo, now) for demo in demos]
    spoilt = [(stack, "", "", "", "", "", "not readable", why) for stack, why in listing.unread.items()]
    heads = ("branch", "owner", "age", "until", "USD so far", "a day", "state", "where, or why not")
    together, near = budget.all_of(demos), budget.near(base.limits, demos)
    report = {
        "demos": [described(demo, now) for demo in demos],
        "unread": listing.unread,
        "cost": {**_cost(together), "daily_budget": base.limits.daily_budget},
    }
    said = (table(heads, [*rows, *spoilt]), near or f"all demos cost {budget.a_day(together)}")
    call.show(report, "\n".join(said))


@command.command("extend")
@click.argument("branch")
@click.option("--ttl", help="How long it lives from now on, like 12h or 3d.  [default: the stack file's]")
@pass_call
def extend(call: Call, branch: str, ttl: str | None) -> None:
    """Let BRANCH's demo live longer, or shorter: from now on.

    Refused (3) beyond the stack file's limit, and for somebody else's demo. Lease held (5) while another command works
    on it.

    \b
    Example: release demo extend feature-demo/map --ttl 7d
    """
    base, writer = _at_work(call)
    entry = _own(base, branch, writer)
    life = rules.lifetime(base.limits, checked_ttl(ttl))
    _changed(call, base, entry, **base.from_now(life))


@command.command("pin")
@click.argument("branch")
@click.option("--reason", callback=checked_reason, default="", help="Why, for all who list demos.")
@lift_option
@pass_call
def pin(call: Call, branch: str, reason: str, lift: bool) -> None:
    """Keep BRANCH's demo without an end, until that is lifted.

    Refused (3) for whoever demo.pinned_by of the stack file does not name. Lease held (5) while another command works
    on it.

    \b
    Example: release demo pin feature-demo/map --reason "shown at the fair until May"
    """
    base, writer = _at_work(call)
    entry = _found(base, branch)
    rules.refuse_pinning(base.limits, writer.principal)
    if not (reason or lift):
        raise WrongUsage("a pin says why", hint="give --reason WHY, or --lift")
    since = rules.stamp(base.registry.now())
    _changed(call, base, entry, pinned=None if lift else Pin(by=writer.principal, reason=reason, since=since))


@command.command("reap")
@click.option("--dry-run", is_flag=True, help="Show which are due, and change nothing.")
@pass_call
def reap_(call: Call, dry_run: bool) -> None:
    """Take down the demos whose time is over.

    A few in one run, whoever they belong to. Owners of those that go soon are warned, once. Broken (1) where one could
    not be taken down: it says why, and the next run goes on.

    \b
    Example: release demo reap --dry-run
    """
    base, writer = _at_work(call)
    if not dry_run:
        base.environment.stack.refuse_missing_engine()
    reaped = reap(base, writer, call.progress, really=not dry_run)
    rows = [(one.branch, one.owner, one.how, one.why) for one in reaped]
    call.show({"reaped": [asdict(one) for one in reaped]}, table(("branch", "owner", "how it ended", "why"), rows))
    if failed := [one.branch for one in reaped if one.how == "failed"]:
        raise Broken(f"not all could be taken down: {', '.join(failed)}", hint="mend what it says, run it again")


@command.command("down")
@click.argument("branch")
@pass_call
def down(call: Call, branch: str) -> None:
    """Take BRANCH's demo down for good, and all that is left of it.

    Run it again where it failed or was killed: its item in the registry stays until nothing is left.

    Refused (3) for somebody else's demo. Lease held (5) while another command works on it.

    \b
    Example: release demo down feature-demo/map
    """
    base, writer = _at_work(call)
    entry = _own(base, branch, writer)
    base.environment.stack.refuse_missing_engine()
    take_down(base, entry, writer, call.progress)
    call.show({"stack": entry.demo.stack, "down": True}, f"nothing is left of {branch}'s demo")


def described(demo: Demo, now: datetime) -> dict[str, Any]:
    """A demo as `--json` shows it. What nobody knows the price of costs null, not 0."""
    cost = {**_cost(demo.cost), "usd_so_far": _usd(demo.cost, budget.cents_so_far(demo, now))}
    return {**demo.model_dump(exclude={"format", "held"}), "cost": cost}


def _cost(cost: Cost) -> dict[str, Any]:
    return {"usd_a_day": _usd(cost, cost.cents), "unknown": cost.unknown}


def _usd(cost: Cost, cents: int) -> str | None:
    return budget.usd(cents) if budget.is_known(cost) else None


def until(demo: Demo) -> str:
    """When it goes."""
    return f"it is unpinned (by {demo.pinned.by}: {demo.pinned.reason})" if demo.pinned else demo.expires


def staying(demo: Demo, now: datetime) -> str:
    """How long it stays; of a pin that is lifted the time may be over."""
    return "goes with the next release tick" if rules.is_due(demo, now) else f"stays until {until(demo)}"


def checked_ttl(text: str | None) -> str | None:
    """A time as an option states it."""
    if text is not None and not rules.is_span(text):
        raise WrongUsage(f"{quoted(text)} is no time", hint="give hours or days, like 12h or 3d")
    return text


def checked_blocks(texts: tuple[str, ...]) -> tuple[str, ...] | None:
    """Address blocks as an option states them; None where it does not."""
    blocks = tuple(WORLD if text == "world" else text for text in texts)
    for text in blocks:
        if not rules.is_block(text):
            raise WrongUsage(f"{quoted(text)} is no address block", hint="give world, or blocks like 203.0.113.0/24")
    return tuple(dict.fromkeys(blocks)) or None


def _at_work(call: Call) -> tuple[Base, Writer]:
    base = open_base(call.project)
    return base, base.environment.identify(call.ci)


def _own(base: Base, branch: str, writer: Writer) -> Entry:
    entry = _found(base, branch)
    rules.refuse_other_owner(entry.demo, writer.principal)
    return entry


def _changed(call: Call, base: Base, entry: Entry, **changes: Any) -> None:
    """Record something of a demo that nobody works on."""
    rules.refuse_dying(entry.demo)
    base.refuse_held(entry.demo)
    demo = base.registry.change(entry, **changes).demo
    call.show({"demo": described(demo, base.registry.now())}, f"{demo.branch} {staying(demo, base.registry.now())}")


def _found(base: Base, branch: str) -> Entry:
    """A branch's demo; WrongUsage where there is none."""
    rules.refuse_branch(branch)
    entry = base.registry.find(stack_of(branch))
    if entry is None:
        raise WrongUsage(f"{branch} has no demo", hint="see: release demo list")
    return entry


def _shown(base: Base, artifact: Path | None, version: str | None, release: str | None) -> dict[str, Any]:
    """What it shows, and by which version that is known."""
    if (artifact is None) == (release is None):
        raise WrongUsage("a demo shows one thing", hint="give --artifact FILE, or --release VERSION")
    if artifact is not None:
        found = inspect_artifact(artifact, machine=machine_of(base.limits.instance_type))
        return {"shown": found, "version": checked_version(version or found.build.version or UNKNOWN_VERSION)}
    manifest = base.environment.releases.get(checked_version(release or ""))
    return {"shown": manifest, "version": manifest.version}


def _row(demo: Demo, now: datetime) -> tuple[str, ...]:
    cost = (_usd(demo.cost, cents) or budget.UNKNOWN for cents in (budget.cents_so_far(demo, now), demo.cost.cents))
    more = "+" if demo.cost.unknown else ""
    return (
        *(demo.branch, demo.owner, rules.age(demo, now), until(demo)),
        *(f"{usd}{more}" if usd != budget.UNKNOWN else usd for usd in cost),
        *(demo.state, demo.why or demo.url),
    )
