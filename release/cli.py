"""The ``release`` command: its verbs, their options, and how a verb ends.

A verb's module is imported when the verb is called, so that ``release --help`` needs neither boto3 nor pulumi.
"""

import os
import signal
import sys
import traceback
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NoReturn

import click

from release.errors import Interrupted, StagelineError, WrongUsage
from release.output import Progress, show
from release.text import bounded, without_login
from settings.permissions.identities import PARTIES, Party

if TYPE_CHECKING:
    from release.deployment.executor import Deployed, Order
    from release.ledger.search import Wanted

CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 100}
CI_RUN_VARIABLES = ("STAGELINE_CI_RUN", "CI_RUN_URL", "BUILD_URL")

GROUPS = {
    "Start": ("init",),
    "Move": ("publish", "promote", "rollback", "resume", "abort", "accept", "stop", "redeploy"),
    "Decide": ("hold", "freeze", "veto"),
    "Look": ("status", "history", "show", "parity", "drift", "verify", "policies"),
    "Keep": ("prune", "tick", "rotate-key", "database-login"),
    "Mend": ("replace-server", "mark-out", "adopt-listener", "unlock"),
}

NO_FILTERS = ("environment", "file", "as_json")  # of `history`

json_option = click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
plan_option = click.option("--plan", "only_plan", is_flag=True, help="Show gates and steps, and change nothing.")


def _reason(context: click.Context, parameter: click.Parameter, value: str) -> str:
    """A reason as the ledger keeps it, whoever gives it for what: one printable line of bounded length."""
    from release.ledger.stops import MOST_REASON
    from release.text import bounded, printable

    source = context.get_parameter_source(parameter.name or "")
    if source is not click.core.ParameterSource.DEFAULT and not value.strip():
        raise WrongUsage("a reason says why", hint="give --reason WHY")
    if len(value) > MOST_REASON:
        raise WrongUsage(f"a reason has {MOST_REASON} characters at most, this one {len(value)}")
    if value != printable(value):
        raise WrongUsage("a reason is one line of what prints", hint=f"give: {bounded(value, MOST_REASON)}")
    return value


reason_option = click.option("--reason", required=True, callback=_reason, help="Why, for the ledger.")
lift_option = click.option("--lift", is_flag=True, help="End it instead.")


class Verbs(click.Group):
    """The verbs, shown by what they are for."""

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        """A section for each group, as wide as the longest verb of all."""
        width = formatter.width - max(map(len, self.commands)) - 6  # what click leaves for a short help
        for group, names in GROUPS.items():
            with formatter.section(group):
                formatter.write_dl([(name, self.commands[name].get_short_help_str(width)) for name in names])


@click.group(cls=Verbs, context_settings=CONTEXT)
@click.option(
    "--project",
    type=click.Path(file_okay=False, path_type=Path),
    envvar="STAGELINE_PROJECT",
    default=".",
    help="The folder with Pulumi.yaml and the stack files.  [env: STAGELINE_PROJECT; default: .]",
)
@click.option("--verbose", is_flag=True, help="Show a traceback when something fails.")
@click.pass_context
def release(context: click.Context, project: Path, verbose: bool) -> None:
    """Carry one tested artifact from environment to environment, and back.

    \b
    Exit codes: 0 done, 1 broken, 2 usage, 3 refused, 4 inconclusive,
    5 someone else holds the lease, 130/143 interrupted.
    """
    context.obj = project


@release.command()
@click.argument("environment")
@json_option
@click.pass_obj
def init(project: Path, environment: str, as_json: bool) -> None:
    """Make what must exist before ENVIRONMENT's first `pulumi up`.

    The secrets key of its state, the ledger with HEAD, the deploy key and host key, the Pulumi stack. What is there
    already stays as it is.
    """
    from release.verbs.init import init as run

    done = run(project, environment, ci=_ci(), progress=Progress())
    show({"environment": environment, "done": done}, _listed(done), as_json=as_json)


@release.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--version", "version", required=True, help="The version that this artifact is, for ever.")
@click.option("--tag", help="The git tag it was built from; it must exist here and name the version.")
@click.option("--commit", help="The git commit it was built from.  [default: the tag's]")
@click.option("--notes", default="", help="What is new, in a sentence or two.")
@click.option("--schema", help="The database schema it brings, and the oldest it lets work: 3:2.")
@click.option("--evidence", multiple=True, metavar="NAME=FILE", help="A file that speaks for it; its sha256 is kept.")
@click.option("--smoke", type=click.Path(path_type=Path), help="Its smoke checks, where the artifact has none.")
@click.option("--builder", help="What built it.  [default: GitHub's workflow]")
@click.option("--source", help="Where its sources are.  [default: GitHub's repository]")
@json_option
@click.pass_obj
def publish(
    project: Path,
    file: Path,
    version: str,
    tag: str | None,
    commit: str | None,
    notes: str,
    schema: str | None,
    evidence: tuple[str, ...],
    smoke: Path | None,
    builder: str | None,
    source: str | None,
    as_json: bool,
) -> None:
    """Store the artifact FILE under its digest, and sign what it is."""
    from release.artifacts.provenance import provenance
    from release.verbs.publish import Publication, parsed_evidence, parsed_schema
    from release.verbs.publish import publish as run

    request = Publication(
        path=file,
        version=version,
        tag=tag,
        notes=notes,
        repository=Path.cwd(),
        commit=commit,
        schema=parsed_schema(schema) if schema is not None else None,
        provenance=provenance(os.environ, builder=builder, source=source, run=_ci()),
        evidence=parsed_evidence(evidence),
        smoke=smoke,
    )
    manifest, new = run(project, request, ci=_ci(), progress=Progress())
    said = "published" if new else "was published before, its bytes are stored"
    show({"release": asdict(manifest), "new": new}, f"{version} {said} (sha256 {manifest.digest})", as_json=as_json)


@release.command()
@click.argument("version")
@click.option("--to", "target", required=True, help="The environment where it shall be live.")
@click.option("--from", "source", help="Where it is live and verified.  [default: the environment before]")
@click.option("--hotfix", is_flag=True, help="Skip the environments in between; needs --from and --reason.")
@click.option("--reason", default="", callback=_reason, help="Why this hotfix must not wait, for the ledger.")
@click.option("--until", type=click.Choice(["verified"]), help="Stop before users get it, for people to look at it.")
@click.option(
    "--wait",
    is_flag=False,
    flag_value=10.0,
    type=click.FloatRange(min=0),
    metavar="[MINUTES]",
    help="Wait for whoever is at work, 10 minutes or as many.",
)
@plan_option
@json_option
@click.pass_obj
def promote(
    project: Path,
    version: str,
    target: str,
    source: str | None,
    hotfix: bool,
    reason: str,
    until: str | None,
    wait: float | None,
    only_plan: bool,
    as_json: bool,
) -> None:
    """Make the release VERSION live in the next environment, without rebuilding it.

    Backs up, installs into the idle slot of every server, verifies it behind the preview listener, then moves the
    live listener. Whatever fails before that, users never see it.
    """
    from release.verbs.promote import Route, promotion_order
    from release.verbs.promote import promote as run

    if hotfix != bool(reason) or (hotfix and not source):
        raise click.UsageError("a hotfix needs --hotfix, --reason and --from; a promotion has no reason")
    route = Route(source=source, target=target, hotfix=reason, pause=until is not None, wait=60 * (wait or 0))
    if only_plan:
        _show_plan(project, target, promotion_order(project, version, route, Progress()), as_json)
        return
    _show_deployed(run(project, version, route, ci=_ci(), progress=Progress()), as_json)


@release.command()
@click.argument("environment")
@click.option("--to", "version", help="The release to go back to.  [default: the last verified one before]")
@click.option(
    "--force",
    is_flag=True,
    help="Overrule a veto, no verification, or fewer healthy servers; with --reason.",
)
@click.option("--despite-schema", is_flag=True, help="Overrule what the database's schema says; with --reason.")
@click.option("--reason", default="", callback=_reason, help="Why a rule is overruled, for the ledger.")
@plan_option
@json_option
@click.pass_obj
def rollback(
    project: Path,
    environment: str,
    version: str | None,
    force: bool,
    despite_schema: bool,
    reason: str,
    only_plan: bool,
    as_json: bool,
) -> None:
    """Make an earlier verified release live again, in seconds where a slot still runs it.

    It needs the environment's ledger and its load balancer, and nothing else. Data stays as it is.
    """
    from release.verbs.rollback import Request, rollback_order
    from release.verbs.rollback import rollback as run

    request = Request(version=version, force=force, despite_schema=despite_schema, reason=reason)
    if only_plan:
        _show_plan(project, environment, rollback_order(project, environment, request, Progress()), as_json)
        return
    _show_deployed(run(project, environment, request, ci=_ci(), progress=Progress()), as_json, how="live again")


@release.command()
@click.argument("environment")
@plan_option
@json_option
@click.pass_obj
def redeploy(project: Path, environment: str, only_plan: bool, as_json: bool) -> None:
    """Install the live release of ENVIRONMENT again, in the other slot, and move the listener to it.

    Backs up and verifies like a promotion. For servers that lost it, or releases that shall read their secrets anew.
    """
    from release.verbs.redeploy import redeploy as run
    from release.verbs.redeploy import redeployment_order

    if only_plan:
        _show_plan(project, environment, redeployment_order(project, environment), as_json)
        return
    done = run(project, environment, ci=_ci(), progress=Progress())
    _show_deployed(done, as_json, how="live, deployed again,")


@release.command()
@click.argument("environment")
@plan_option
@json_option
@click.pass_obj
def resume(project: Path, environment: str, only_plan: bool, as_json: bool) -> None:
    """Go on with a deployment whose process died, that paused, or that stopped because it could not tell how it went.

    What the dead process left running on this machine is ended first. `abort` puts the deployment back instead.
    """
    from release.verbs.resume import resume as run
    from release.verbs.resume import resume_plan

    if only_plan:
        from release.verbs.plan import report, report_text

        planned = report(*resume_plan(project, environment))
        show(planned, report_text(planned), as_json=as_json)
        return
    _show_deployed(run(project, environment, ci=_ci(), progress=Progress()), as_json)


@release.command()
@click.argument("environment")
@json_option
@click.pass_obj
def abort(project: Path, environment: str, as_json: bool) -> None:
    """Put back what a deployment changed whose process died, or which waits for a person.

    The listener first, then what its process left running, then the idle slot as far as it goes.
    """
    from release.verbs.abort import abort as run
    from release.verbs.abort import abort_text

    report = run(project, environment, ci=_ci(), progress=Progress())
    show(report, abort_text(report), as_json=as_json)


@release.command()
@click.argument("environment")
@reason_option
@json_option
@click.pass_obj
def accept(project: Path, environment: str, reason: str, as_json: bool) -> None:
    """Close a deployment behind its switch as a person judged it: users keep the release that they have."""
    from release.verbs.accept import accept as run
    from release.verbs.accept import accept_text

    report = run(project, environment, reason=reason, ci=_ci(), progress=Progress())
    show(report, accept_text(report), as_json=as_json)


@release.command()
@click.argument("environment")
@reason_option
@json_option
@click.pass_obj
def stop(project: Path, environment: str, reason: str, as_json: bool) -> None:
    """Ask the deployment that is at work in ENVIRONMENT to end at its next safe point. It is put back then."""
    from release.verbs.stop import stop as run
    from release.verbs.stop import stop_text

    report = run(project, environment, reason=reason, ci=_ci())
    show(report, stop_text(report), as_json=as_json)


@release.command("adopt-listener")
@click.argument("environment")
@reason_option
@json_option
@click.pass_obj
def adopt_listener(project: Path, environment: str, reason: str, as_json: bool) -> None:
    """Take over in the ledger where somebody moved the live listener of ENVIRONMENT by hand."""
    from release.verbs.adopt_listener import adopt_listener as run
    from release.verbs.adopt_listener import adopt_text

    report = run(project, environment, reason=reason, ci=_ci(), progress=Progress())
    show(report, adopt_text(report), as_json=as_json)


@release.command("mark-out")
@click.argument("environment")
@click.argument("server")
@reason_option
@lift_option
@json_option
@click.pass_obj
def mark_out(project: Path, environment: str, server: str, reason: str, lift: bool, as_json: bool) -> None:
    """Let nothing in ENVIRONMENT wait for a dead SERVER, until it is replaced."""
    from release.verbs.mark_out import mark_in, mark_text
    from release.verbs.mark_out import mark_out as run

    verb = mark_in if lift else run
    report = verb(project, environment, server, reason=reason, ci=_ci(), progress=Progress())
    show(report, mark_text(report), as_json=as_json)


@release.command()
@click.argument("environment")
@reason_option
@lift_option
@json_option
@click.pass_obj
def hold(project: Path, environment: str, reason: str, lift: bool, as_json: bool) -> None:
    """Keep promotions out of ENVIRONMENT until a person lifts that. A rollback is let through."""
    from release.verbs.hold import hold as run
    from release.verbs.hold import lift_hold

    (lift_hold if lift else run)(project, environment, reason=reason, ci=_ci())
    text = f"{environment} is {'no longer ' if lift else ''}on hold"
    show({"environment": environment, "hold": not lift, "reason": reason}, text, as_json=as_json)


@release.command()
@click.argument("environment")
@reason_option
@click.option("--until", help="When it ends, with its zone, such as 2026-12-24T18:00+01:00.")
@lift_option
@json_option
@click.pass_obj
def freeze(project: Path, environment: str, reason: str, until: str | None, lift: bool, as_json: bool) -> None:
    """Keep promotions out of ENVIRONMENT until a time. A rollback is let through."""
    from release.verbs.freeze import freeze as run
    from release.verbs.freeze import lift_freeze

    if lift == (until is not None):
        raise click.UsageError("give either --until or --lift")
    if until is None:
        lift_freeze(project, environment, reason=reason, ci=_ci())
    else:
        run(project, environment, until=until, reason=reason, ci=_ci())
    text = f"{environment} is frozen until {until}" if until else f"{environment} is no longer frozen"
    show({"environment": environment, "frozen_until": until, "reason": reason}, text, as_json=as_json)


@release.command()
@click.argument("version")
@reason_option
@lift_option
@json_option
@click.pass_obj
def veto(project: Path, version: str, reason: str, lift: bool, as_json: bool) -> None:
    """Keep the release VERSION out of every environment until a person lifts that.

    It is written wherever it can be. Broken (1), naming the others, when it could not be everywhere.
    """
    from release.verbs.veto import lift_veto, refuse_failed, veto_text
    from release.verbs.veto import veto as run

    report = (lift_veto if lift else run)(project, version, reason=reason, ci=_ci())
    show(report, veto_text(report, lifted=lift), as_json=as_json)
    refuse_failed(report)


@release.command()
@click.argument("environment", required=False)
@json_option
@click.pass_obj
def status(project: Path, environment: str | None, as_json: bool) -> None:
    """Show what is live and what the slots hold, in ENVIRONMENT or in all."""
    from release.verbs.status import refuse_unreadable, status_text
    from release.verbs.status import status as run

    report = run(project, environment)
    show(report, status_text(report), as_json=as_json)
    refuse_unreadable(report)


@release.command()
@click.argument("environment")
@click.option("--deployment", help="Only events of this deployment.")
@click.option("--release", "version", help="Only what concerns this release, with its deployments.")
@click.option("--kind", help="Only events of this kind, like `deployment failed`.")
@click.option("--by", help="Only events by this principal: its ARN, or the end of it.")
@click.option("--since", help="Only events from this UTC date or time on, like 2026-11-21.")
@click.option("--until", help="Only events up to this UTC date or time.")
@click.option("--limit", type=click.IntRange(min=1), default=50, show_default=True, help="How many events.")
@click.option(
    "--export",
    "file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write all events into this new file (.jsonl or .csv) and a signed proof beside it.",
)
@json_option
@click.pass_context
def history(context: click.Context, /, environment: str, file: Path | None, as_json: bool, **wanted: Any) -> None:
    """Show what happened in ENVIRONMENT, newest first."""
    from release.verbs.history import export, history_text
    from release.verbs.history import history as run

    if file is not None:
        _refuse_filters(context)
        done = export(context.obj, environment, file, progress=Progress())
        told = f"{done['events']} events and {done['stops']} changes of stops in {file}, the proof in {done['proof']}"
        show(done, told, as_json=as_json)
        return
    report = run(context.obj, environment, _wanted(**wanted), limit=wanted["limit"])
    show(report, history_text(report), as_json=as_json)


def _refuse_filters(context: click.Context) -> None:
    """An export without some of the events could not be checked."""
    given = [
        name for name in context.params if context.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE
    ]
    others = [f"--{'release' if name == 'version' else name}" for name in given if name not in NO_FILTERS]
    if others:
        raise WrongUsage(f"--export writes the whole history, without {', '.join(others)}")


def _wanted(*, version: str | None, since: str | None, until: str | None, limit: int, **same: Any) -> "Wanted":
    from release.ledger.search import Wanted, moment

    return Wanted(
        release=version,
        since=moment(since) if since else None,
        until=moment(until, end_of_day=True) if until else None,
        **same,
    )


@release.command()
@click.argument("environment", required=False)
@click.option(
    "--file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Check this export by the proof beside it; with ENVIRONMENT also against its key and ledger.",
)
@json_option
@click.pass_obj
def verify(project: Path, environment: str | None, file: Path | None, as_json: bool) -> None:
    """Tell which entries of ENVIRONMENT's ledger were cut, edited, reordered or deleted. Nothing is repaired."""
    from release.verbs import verify as verb

    if file is not None:
        report = verb.verify_file(project, environment, file)
        show(report, verb.verify_file_text(report), as_json=as_json)
        verb.refuse_file_faults(report)
    elif environment is not None:
        report = verb.verify(project, environment)
        show(report, verb.verify_text(report), as_json=as_json)
        verb.refuse_faults(report)
    else:
        raise WrongUsage("there is nothing to verify", hint="name an environment, or give a --file")


@release.command()
@click.argument("environment")
@click.option("--only", type=click.Choice(["artifacts", "snapshots"]), help="Leave the other ones alone.")
@click.option("--keep", type=click.IntRange(min=2), help="How many verified stay.  [default: the stack file's]")
@click.option("--yes", "really", is_flag=True, help="Delete what is shown to go.")
@json_option
@click.pass_obj
def prune(
    project: Path,
    environment: str,
    only: Literal["artifacts", "snapshots"] | None,
    keep: int | None,
    really: bool,
    as_json: bool,
) -> None:
    """Show which artifacts and snapshots ENVIRONMENT needs no more, and why others stay; with --yes delete them.

    Of releases only bytes go: manifests, verdicts and the ledger stay.
    """
    from release.verbs.prune import prune as run
    from release.verbs.prune import prune_text

    report = run(project, environment, keep=keep, really=really, ci=_ci(), progress=Progress(), only=only)
    show(report, prune_text(report), as_json=as_json)


@release.command()
@click.argument("environment", required=False)
@click.option("--plan", "only_plan", is_flag=True, help="Show what is due, and change nothing.")
@json_option
@click.pass_obj
def tick(project: Path, environment: str | None, only_plan: bool, as_json: bool) -> None:
    """Do what is due and needs nobody to decide, in ENVIRONMENT or in all: delete old database snapshots.

    For a clock. Where somebody is at work it is left for the next time. Broken (1) when it failed anywhere.
    """
    from release.verbs.tick import refuse_failed, tick_text
    from release.verbs.tick import tick as run

    report = run(project, environment, really=not only_plan, ci=_ci(), progress=Progress())
    show(report, tick_text(report), as_json=as_json)
    refuse_failed(report)


@release.command("show")
@click.argument("version")
@json_option
@click.pass_obj
def show_verb(project: Path, version: str, as_json: bool) -> None:
    """Show what the release VERSION is, and where it was verified and is live."""
    from release.verbs.show import show_release, show_text

    report = show_release(project, version)
    show(report, show_text(report), as_json=as_json)


@release.command()
@click.option("--live", is_flag=True, help="Also compare each stack with its program.")
@json_option
@click.pass_obj
def parity(project: Path, live: bool, as_json: bool) -> None:
    """Show what differs between the environments, and which setting declares it.

    Works on what the program would declare, without an account. Refused (3) when no setting declares a difference.
    """
    from release.verbs.parity import parity as run
    from release.verbs.parity import parity_text, refuse_undeclared

    report = run(project, live=live, progress=Progress())
    show(report, parity_text(report), as_json=as_json)
    refuse_undeclared(report)


@release.command()
@click.argument("environment")
@json_option
@click.pass_obj
def drift(project: Path, environment: str, as_json: bool) -> None:
    """Show what somebody changed by hand in ENVIRONMENT: in AWS, and on its servers.

    Nothing is repaired. Refused (3) when there is any, inconclusive (4) when a part could not be asked.
    """
    from release.verbs.drift import drift as run
    from release.verbs.drift import drift_text, refuse_drift

    report = run(project, environment, progress=Progress())
    show(report, drift_text(report), as_json=as_json)
    refuse_drift(report)


@release.command()
@click.argument("environment")
@click.argument("lock")
@reason_option
@json_option
@click.pass_obj
def unlock(project: Path, environment: str, lock: str, reason: str, as_json: bool) -> None:
    """Remove the LOCK of ENVIRONMENT's stack that a dead Pulumi left behind; no other.

    Be sure that it is dead: two at once would spoil the stack's state. Refused (3) while it lives on this host.
    """
    from release.verbs.unlock import unlock as run

    done = run(project, environment, lock, reason=reason, ci=_ci())
    show(done, f"the stack of {environment} is no longer locked by {done['holder']}", as_json=as_json)


@release.command("replace-server")
@click.argument("environment")
@click.argument("server")
@json_option
@click.pass_obj
def replace_server(project: Path, environment: str, server: str, as_json: bool) -> None:
    """Make SERVER of ENVIRONMENT anew, by what its settings say now.

    The new one is healthy before the old one goes. Refused while another server is not healthy.
    """
    from release.verbs.replace_server import replace_server as run
    from release.verbs.replace_server import replaced_text

    done = run(project, environment, server, ci=_ci(), progress=Progress())
    show(asdict(done), replaced_text(done), as_json=as_json)


@release.command("rotate-key")
@click.argument("environment")
@json_option
@click.pass_obj
def rotate_key(project: Path, environment: str, as_json: bool) -> None:
    """Give ENVIRONMENT another deploy key, and let in the old one no more.

    Machines let in both until each was entered with the new one. Run it again when it stopped.
    """
    from release.verbs.rotate_key import rotate_key as run

    done = run(project, environment, ci=_ci(), progress=Progress())
    text = f"{environment} has another deploy key, and {', '.join(done['machines'])} let in no older one"
    show(done, text, as_json=as_json)


@release.command()
@click.argument("environment")
@click.option("--for", "party", type=click.Choice(PARTIES), help="Only one of them.  [default: all]")
@json_option
@click.pass_obj
def policies(project: Path, environment: str, party: Party | None, as_json: bool) -> None:
    """Show what IAM has to allow in ENVIRONMENT to whom; with --json the very policies, trusts and the boundary.

    `pulumi up` makes these roles for those whom the stack file names. This is for whoever makes them by hand.
    """
    from release.verbs.policies import policies_of as run
    from release.verbs.policies import policies_text

    report = run(project, environment, party)
    show(report, policies_text(report), as_json=as_json)


@release.command("database-login")
@click.argument("environment")
@click.option("--new-password", is_flag=True, help="Make another password first.")
@json_option
@click.pass_obj
def database_login(project: Path, environment: str, new_password: bool, as_json: bool) -> None:
    """Make the application's role in ENVIRONMENT's database what its secret says.

    Deployments do this when it is needed. By hand: when the database was made anew or restored under releases that
    run, or for a new password.
    """
    from release.verbs.database_login import database_login as run
    from release.verbs.database_login import database_login_text

    done = run(project, environment, new_password=new_password, ci=_ci(), progress=Progress())
    show(done, database_login_text(done), as_json=as_json)


def main() -> NoReturn:
    """Run the command and end with the exit code of the design: one line on stderr when it did not end well."""
    sys.exit(_exit_code(lambda: release.main(standalone_mode=False)))


def _exit_code(run: Callable[[], Any]) -> int:
    try:
        result = run()
    except (KeyboardInterrupt, click.Abort):
        return _failed(KeyboardInterrupt(), "interrupted", 128 + signal.SIGINT)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except Interrupted as error:
        return _failed(error, str(error), 128 + error.signal_number)
    except StagelineError as error:
        return _failed(error, str(error), error.exit_code)
    except Exception as error:
        return _unexpected(error)
    return result if isinstance(result, int) else 0


def _unexpected(error: Exception) -> int:
    from settings.errors import InvalidSettings

    if isinstance(error, InvalidSettings):
        return _failed(error, str(error), WrongUsage.exit_code)
    return _failed(error, f"unexpected {type(error).__name__}: {bounded(str(error))}; run it again with --verbose", 1)


def _failed(error: BaseException, line: str, code: int) -> int:
    if "--verbose" in sys.argv:
        traceback.print_exception(error)
    sys.stderr.write("".join(f"release: {part}\n" for part in line.splitlines()))
    return code


def _show_deployed(done: "Deployed", as_json: bool, how: str = "live") -> None:
    """What is live now, or waits for people to look; with what could not be done besides, a line each."""
    first = f"{done.version} is {how} in {done.environment}: {done.url}"
    if done.paused:
        first = f"{done.version} waits in {done.environment} for you to look: {done.url}; go on with: release resume"
        first += f" {done.environment}, or put it back with: release abort {done.environment}"
    show(asdict(done), "\n".join((first, *(f"warning: {one}" for one in done.warnings))), as_json=as_json)


def _show_plan(project: Path, environment: str, order: "Order", as_json: bool) -> None:
    """Refused (3) when a gate says no, as the verb itself would be."""
    from release.deployment.gates import refuse_unless_passed
    from release.verbs.plan import order_report, report_text

    planned = order_report(project, environment, order)
    show(planned, report_text(planned), as_json=as_json)
    refuse_unless_passed(order.gates, f"the {order.kind} of {order.release.release} to {environment}")


def _ci() -> str:
    return ci_run(os.environ)


def ci_run(variables: Mapping[str, str]) -> str:
    """The URL of the CI run, for the record, which keeps it for ever: a line without a login; empty outside CI."""
    github = (variables.get(name, "") for name in ("GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_RUN_ID"))
    server, repository, run = github
    if server and repository and run:
        return without_login(f"{server}/{repository}/actions/runs/{run}")
    return without_login(next((variables[name] for name in CI_RUN_VARIABLES if variables.get(name)), ""))


def _listed(done: dict[str, str]) -> str:
    return "\n".join(f"{how:<9}  {what}" for what, how in done.items())


if __name__ == "__main__":
    main()
