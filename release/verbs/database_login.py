"""``release database-login ENV``: make the application's role what its secret says, with a new password if asked to."""

from pathlib import Path

from release.deployment.maintenance import Task, maintenance
from release.environment import open_environment
from release.output import Progress


def database_login(project_dir: Path, name: str, *, new_password: bool, ci: str, progress: Progress) -> dict[str, str]:
    """What was done, under the lease and recorded: a deployment meanwhile would start releases, which log in.

    Killed after the secret was written, the same verb without a new password ends the work.
    """
    environment = open_environment(project_dir, name)
    environment.stack.refuse_missing_engine()
    writer, head = environment.identify(ci), environment.ledger.head()
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
