"""``release init ENV``: make, once, what must exist before the environment's first ``pulumi up``."""

import os

import click

from release.call import Call, environment_argument, pass_call
from release.doors.aws.demos_table import DemosTable
from release.doors.aws.identity import GithubProvider
from release.doors.aws.keys import StateKeys
from release.doors.aws.secrets import Secrets
from release.doors.aws.state_bucket import ensure_state_bucket
from release.environment import Environment
from release.process.errors import Refused
from release.records.ledger.ledger import Entry, Writer
from release.work.keys import make_keys

MADE, THERE = "made", "was there"


@click.command("init")
@environment_argument
@pass_call
def command(call: Call, name: str) -> None:
    """Make what must exist before ENVIRONMENT's first `pulumi up`.

    The secrets key of its state, the ledger with HEAD, the deploy key and host key, the Pulumi stack. What is there
    already stays as it is. Of an environment that was destroyed it empties the slots in the ledger.

    Refused (3) where ENVIRONMENT has come up before and its ledger is not there: it never makes a second one.

    \b
    Example: release init dev
    """
    done = init(call, name)
    call.show({"environment": name, "done": done}, "\n".join(f"{how:<9}  {what}" for what, how in done.items()))


def init(call: Call, name: str) -> dict[str, str]:
    """Make what is missing and leave the rest as it is; what was done for each thing."""
    environment, writer = call.at_work(name, engine=True)
    names, progress = environment.settings.names, call.progress
    done = {}
    with progress.step(name, "state backend and secrets key"):
        done["state backend"] = _state_bucket(environment)
        _refuse_lost_ledger(environment)  # before anything is made: the region may be the wrong one
        done[names.state_alias] = _said(
            StateKeys(environment.session).ensure(names.state_alias, environment.settings.tags)
        )
    with progress.step(name, "ledger"):
        done[names.ledger_table] = _ledger_table(environment)
        environment.ledger.create(writer)
        if empty_destroyed(environment, writer):
            done["slots"] = "emptied, because the environment was destroyed"
    with progress.step(name, "deploy key and host key"):
        bastion, secrets = environment.settings.servers.bastion is not None, Secrets(environment.session)
        keys = make_keys(names, environment.settings.tags, secrets, bastion=bastion)
        done |= {key: _said(made) for key, made in keys.items()}
    with progress.step(name, "database login"):
        logins = environment.database_role.ensure_secrets()
        done |= {login: _said(made) for login, made in logins.items()}
    if environment.settings.demo:
        with progress.step(name, "registry of demos"):
            registry = DemosTable(environment.session, names.demos_table)
            done[registry.name] = _said(registry.ensure(_tags_of_project(environment)))
    if environment.settings.access.repository:
        with progress.step(name, "GitHub as an identity provider"):
            provider = GithubProvider(environment.session)
            done[provider.arn] = _said(provider.ensure())
    with progress.step(name, "Pulumi stack"):
        done[f"stack {name}"] = _stack(environment)
    if any(logins.values()) and (outputs := environment.stack.outputs()):
        with progress.step(name, "roles in the database"):
            environment.database_role.keep(outputs)  # it came up without one: the next up tells servers to use it
    return done


def empty_destroyed(environment: Environment, writer: Writer) -> bool:
    """Empty the slots of an environment that was destroyed, or the next up would look for lost artifacts; whether so.

    Nothing else looks like that: the stack is empty, and the bucket of the artifacts, which Pulumi makes, is gone.
    LeaseHeld while somebody is at work; a deployment that was open has nothing left to put back.
    """
    head = environment.ledger.head()
    if head.state.blue is None and head.state.green is None:
        return False
    if environment.releases.exist() or (environment.stack.exists() and environment.stack.outputs()):
        return False
    nothing = {"blue": None, "green": None, "declared": None, "live": None, "previous": None, "open": None}
    state = head.state.but(**nothing, brought=None, out=(), behind="")
    environment.ledger.note(Entry(kind="destroyed", state=state, ends="destroyed"), head, writer)
    return True


def _state_bucket(environment: Environment) -> str:
    backend = os.environ.get("PULUMI_BACKEND_URL", "")
    if not backend.startswith("s3://"):
        return THERE
    bucket = backend.removeprefix("s3://").split("?")[0].split("/")[0]
    return _said(ensure_state_bucket(environment.session, bucket))


def _tags_of_project(environment: Environment) -> dict[str, str]:
    return {name: text for name, text in environment.settings.tags.items() if name != "environment"}


def _ledger_table(environment: Environment) -> str:
    table = environment.ledger.table
    made = not table.exists()
    if made:
        table.create(environment.settings.tags)
    table.protect()
    return _said(made)


def _refuse_lost_ledger(environment: Environment) -> None:
    """A new ledger says that nothing is live, and the next up would make it so: never for what has come up before."""
    if environment.ledger.table.exists():
        return
    if environment.stack.exists() and environment.stack.outputs():
        raise Refused(
            f"{environment.name} has come up before, but its ledger {environment.ledger.table.name} is not in "
            f"{environment.settings.region}",
            hint="check the region in the stack file, or restore the table from its point-in-time recovery",
        )


def _stack(environment: Environment) -> str:
    if environment.stack.exists():
        return THERE
    settings = environment.settings
    environment.stack.create(f"awskms://{settings.names.state_alias}?region={settings.region}")
    return MADE


def _said(made: bool) -> str:
    return MADE if made else THERE
