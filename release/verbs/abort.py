"""``release abort ENV``: put back what a deployment changed whose process died, or that waits for a person."""

from typing import Any

import click

from release.call import Call, environment_argument, pass_call
from release.work import executor
from release.work.users import what_users_see


@click.command("abort")
@environment_argument
@pass_call
def command(call: Call, name: str) -> None:
    """Put back what a deployment changed that died or waits.

    For one whose process died, that waits for a person, or that could not tell how it went. The listener moves first,
    then what its process left running is ended, then the idle slot is put back as far as it goes; the report says what
    could not be done. Data stays as it is.

    Refused (3) where none is open, and where a rollback installs over what users would get back. Lease held (5) while
    somebody is at work: `stop` asks that one to end. Inconclusive (4) where users are back, and what they have does not
    answer.

    \b
    Example: release abort prod
    """
    report = abort(call, name)
    call.show(report, abort_text(report))


def abort(call: Call, name: str) -> dict[str, Any]:
    """The deployment that was put back, what could not be done, and what users see now."""
    environment, writer = call.at_work(name, tolerant=True)
    opened, undone = executor.abort(environment, writer, call.progress)
    return {
        "environment": name,
        "deployment": opened.deployment,
        "version": opened.release,
        "not_done": list(undone),
        "users": what_users_see(environment).words,
    }


def abort_text(report: dict[str, Any]) -> str:
    """The same in a line or more."""
    first = "deployment {deployment} of {version} was put back in {environment}; {users}".format(**report)
    return "\n".join((first, *(f"not done: {one}" for one in report["not_done"])))
