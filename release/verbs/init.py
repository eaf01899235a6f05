"""``release init ENV``: make, once, what must exist before the environment's first ``pulumi up``."""

import json
import os
from dataclasses import dataclass, field

import click
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from release.call import Call, environment_argument, pass_call
from release.doors.aws.identity import GithubProvider
from release.doors.aws.keys import StateKeys
from release.doors.aws.secrets import Secrets
from release.doors.aws.state_bucket import ensure_state_bucket
from release.environment import Environment
from release.process.errors import Refused
from release.records.ledger.ledger import Entry, Writer
from settings.model import Settings

MADE, THERE = "made", "was there"


@dataclass(frozen=True, kw_only=True)
class KeyPair:
    """An ed25519 pair in OpenSSH's formats."""

    private: str = field(repr=False)
    public: str


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
        done |= make_keys(environment.settings, Secrets(environment.session))
    with progress.step(name, "database login"):
        done[names.database_login] = _said(new_login := environment.database_role.ensure_secret())
    if environment.settings.access.repository:
        with progress.step(name, "GitHub as an identity provider"):
            provider = GithubProvider(environment.session)
            done[provider.arn] = _said(provider.ensure())
    with progress.step(name, "Pulumi stack"):
        done[f"stack {name}"] = _stack(environment)
    if new_login and (outputs := environment.stack.outputs()):
        with progress.step(name, "application role in the database"):
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


def new_key_pair(comment: str) -> KeyPair:
    """A fresh ed25519 key pair."""
    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
    )
    public = key.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    return KeyPair(private=private.decode(), public=f"{public.decode()} {comment}")


def make_keys(settings: Settings, secrets: Secrets) -> dict[str, str]:
    """The deploy key and the host keys. Machines may read ``authorized_keys``, never the deploy key itself."""
    names, tags = settings.names, settings.tags
    done = {}
    bastion = [names.bastion_host_key] if settings.servers.bastion else []
    for name in (names.deploy_key, names.host_key, *bastion):
        done[name] = _said(made := secrets.read(name) is None)
        if made:
            pair = new_key_pair(name)
            secrets.create(name, json.dumps({"private": pair.private, "public": pair.public}), tags)
    done[names.authorized_keys] = _said(made := secrets.read(names.authorized_keys) is None)
    if made:
        secrets.create(names.authorized_keys, json.loads(secrets.read(names.deploy_key) or "{}")["public"] + "\n", tags)
    return done


def _state_bucket(environment: Environment) -> str:
    backend = os.environ.get("PULUMI_BACKEND_URL", "")
    if not backend.startswith("s3://"):
        return THERE
    bucket = backend.removeprefix("s3://").split("?")[0].split("/")[0]
    return _said(ensure_state_bucket(environment.session, bucket))


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
