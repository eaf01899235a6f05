"""``release database-login ENV``: make the application's role what its secret says, with a new password if asked to."""

import click

from release.call import Call, environment_argument, pass_call
from release.work.maintenance import Task, maintenance


@click.command("database-login")
@environment_argument
@click.option("--new-password", is_flag=True, help="Make another password first.")
@pass_call
def command(call: Call, name: str, new_password: bool) -> None:
    """Make the application's database role what its secret says.

    Deployments do this when it is needed. By hand: when the database was made anew or restored under releases that run,
    or for a new password. Releases that run use the old password until they are restarted.

    Lease held (5) while somebody deploys. Killed on its way, it is ended by the same verb without --new-password.

    \b
    Example: release database-login prod --new-password
    """
    done = database_login(call, name, new_password=new_password)
    call.show(done, database_login_text(done))


def database_login(call: Call, name: str, *, new_password: bool) -> dict[str, str]:
    """What was done, under the lease and recorded: a deployment meanwhile would start releases, which log in.

    Killed after the secret was written, the same verb without a new password ends the work.
    """
    environment, writer = call.at_work(name, engine=True)
    head, progress = environment.ledger.head(), call.progress
    role, outputs = environment.database_role, environment.stack.outputs()
    with maintenance(environment, Task(what="database login", details={"new_password": new_password}), head, writer):
        if new_password:
            with progress.step(name, "new password stored"):
                role.change_password()
        with progress.step(name, "application role in the database"):
            role.keep(outputs)
    return {"environment": name, "secret": environment.settings.names.database_login, "password": _said(new_password)}


def _said(new_password: bool) -> str:
    return "changed" if new_password else "as it was"


def database_login_text(done: dict[str, str]) -> str:
    """What was done, and what to do next."""
    if done["password"] == "changed":
        return (
            f"{done['environment']} has a new database password; releases that run use the old one until they are"
            " restarted: see the runbook"
        )
    return f"the application's role in {done['environment']} is as the secret {done['secret']} says"
