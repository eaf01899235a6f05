"""The ``release`` command: its verbs, their options, and how a verb ends.

A verb's module is imported when the verb is called, so that ``release --help`` needs neither boto3 nor pulumi.
"""

import os
import signal
import sys
import traceback
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, NoReturn

import click

from release.errors import Interrupted, StagelineError, WrongUsage
from release.output import Progress, show
from settings.permissions.identities import PARTIES, Party

CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 100}
CI_RUN_VARIABLES = ("STAGELINE_CI_RUN", "CI_RUN_URL", "BUILD_URL")

json_option = click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")


@click.group(context_settings=CONTEXT)
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
@click.option("--notes", default="", help="What is new, in a sentence or two.")
@json_option
@click.pass_obj
def publish(project: Path, file: Path, version: str, tag: str | None, notes: str, as_json: bool) -> None:
    """Store the artifact FILE under its digest, and sign what it is."""
    from release.verbs.publish import Publication
    from release.verbs.publish import publish as run

    request = Publication(path=file, version=version, tag=tag, notes=notes, repository=Path.cwd())
    manifest, new = run(project, request, ci=_ci(), progress=Progress())
    said = "published" if new else "was published before, nothing to do"
    show({"release": asdict(manifest), "new": new}, f"{version} {said} (sha256 {manifest.digest})", as_json=as_json)


@release.command()
@click.argument("version")
@click.option("--to", "target", required=True, help="The environment where it shall be live.")
@click.option("--from", "source", help="Where it is live and verified.  [default: the environment before]")
@json_option
@click.pass_obj
def promote(project: Path, version: str, target: str, source: str | None, as_json: bool) -> None:
    """Make the release VERSION live in the next environment, without rebuilding it.

    Backs up, installs into the idle slot of every server, verifies it behind the preview listener, then moves the
    live listener. Whatever fails before that, users never see it.
    """
    from release.verbs.promote import promote as run

    done = run(project, version, source_name=source, target_name=target, ci=_ci(), progress=Progress())
    show(asdict(done), f"{done.version} is live in {done.environment}: {done.live_url}", as_json=as_json)


@release.command()
@click.argument("environment")
@click.option("--to", "version", help="The release to go back to.  [default: the last verified one before]")
@json_option
@click.pass_obj
def rollback(project: Path, environment: str, version: str | None, as_json: bool) -> None:
    """Make an earlier verified release live again. Data stays as it is."""
    from release.verbs.rollback import rollback as run

    done = run(project, environment, version=version, ci=_ci(), progress=Progress())
    show(asdict(done), f"{done.version} is live again in {done.environment}: {done.live_url}", as_json=as_json)


@release.command()
@click.argument("environment")
@json_option
@click.pass_obj
def abort(project: Path, environment: str, as_json: bool) -> None:
    """Put back what a deployment changed whose process died."""
    from release.verbs.abort import abort as run

    plan = run(project, environment, ci=_ci(), progress=Progress())
    text = f"deployment {plan.deployment} of {plan.version} was put back in {environment}"
    show({"environment": environment, "deployment": plan.deployment, "version": plan.version}, text, as_json=as_json)


@release.command()
@click.argument("environment", required=False)
@json_option
@click.pass_obj
def status(project: Path, environment: str | None, as_json: bool) -> None:
    """Show what is live and what the slots hold, in ENVIRONMENT or in all."""
    from release.verbs.status import status as run
    from release.verbs.status import status_text

    report = run(project, environment)
    show(report, status_text(report), as_json=as_json)


@release.command()
@click.argument("environment")
@click.option("--limit", type=click.IntRange(min=1), default=50, show_default=True, help="How many events.")
@json_option
@click.pass_obj
def history(project: Path, environment: str, limit: int, as_json: bool) -> None:
    """Show what happened in ENVIRONMENT, newest first."""
    from release.verbs.history import history as run
    from release.verbs.history import history_text

    report = run(project, environment, limit=limit)
    show(report, history_text(report), as_json=as_json)


@release.command()
@click.argument("environment")
@json_option
@click.pass_obj
def verify(project: Path, environment: str, as_json: bool) -> None:
    """Check that no entry of ENVIRONMENT's ledger was cut, edited, reordered or deleted."""
    from release.verbs.verify import verify as run

    count = run(project, environment)
    show(
        {"environment": environment, "events": count}, f"the {count} events of {environment} are whole", as_json=as_json
    )


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

    done = run(project, environment, new_password=new_password, progress=Progress())
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
    return _failed(error, f"unexpected {type(error).__name__}: {error}; run it again with --verbose", 1)


def _failed(error: BaseException, line: str, code: int) -> int:
    if "--verbose" in sys.argv:
        traceback.print_exception(error)
    sys.stderr.write("".join(f"release: {part}\n" for part in line.splitlines()))
    return code


def _ci() -> str:
    """The URL of the CI run, for the record; empty outside CI."""
    github = (os.environ.get(name, "") for name in ("GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_RUN_ID"))
    server, repository, run = github
    if server and repository and run:
        return f"{server}/{repository}/actions/runs/{run}"
    return next((os.environ[name] for name in CI_RUN_VARIABLES if os.environ.get(name)), "")


def _listed(done: dict[str, str]) -> str:
    return "\n".join(f"{how:<9}  {what}" for what, how in done.items())


if __name__ == "__main__":
    main()
