"""``release rotate-key ENV``: another deploy key, in two phases, so that nobody is locked out.

First every machine lets in the next key beside the current one. Only after each of them was entered with it does it
become the deploy key, and the old one is let in no more. Until then the next key waits in the secret of the current
one: killed anywhere, the verb goes on where it stopped when it is run again.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import click

from contract.layout import BOOT, MACHINE_ROOT
from release.call import Call, environment_argument, pass_call
from release.doors.aws.secrets import Secrets
from release.doors.servers.servers import Server, open_ssh, servers_of
from release.doors.servers.ssh import NotReached, Ssh
from release.environment import Environment
from release.process.errors import Broken
from release.process.interruption import INTERRUPTION
from release.process.output import Progress
from release.records.ledger.head import Head
from release.records.ledger.ledger import Writer
from release.rules.drift import key_lines
from release.work.keys import KeyPair, new_key_pair
from release.work.maintenance import Task, idle_head, maintenance

# The timer of the machine does the same every five minutes. The variable is empty but on a local server.
REFRESH = f'python3 "${MACHINE_ROOT}/{BOOT}" keys'


@dataclass(frozen=True, kw_only=True)
class Machine:
    """One machine that lets in the deploy key, and how it is reached with the current one."""

    name: str
    address: str
    ssh: Ssh


@click.command("rotate-key")
@environment_argument
@pass_call
def command(call: Call, name: str) -> None:
    """Give ENVIRONMENT another deploy key, and shut out the old.

    Machines let in both until each was entered with the new one. Run it again when it stopped: nobody is locked out.

    Refused (3) while a deployment is open. Lease held (5) while somebody is at work. Broken (1) where a machine cannot
    be entered: the current key stays.

    \b
    Example: release rotate-key prod
    """
    done = rotate_key(call, name)
    call.show(done, f"{name} has another deploy key, and {', '.join(done['machines'])} let in no older one")


def rotate_key(call: Call, name: str) -> dict[str, Any]:
    """Give an environment another deploy key; its public half, and the machines that know it."""
    environment, writer = call.at_work(name, engine=True)
    head, outputs = idle_head(environment), environment.stack.outputs()
    ssh = open_ssh(environment.session, environment.settings, outputs)
    machines = tuple(machines_of(ssh, servers_of(environment.settings, outputs)))
    return rotate(environment, machines, head, writer, call.progress)


def rotate(
    environment: Environment, machines: tuple[Machine, ...], head: Head, writer: Writer, progress: Progress
) -> dict[str, Any]:
    """Rotate the key of an environment in which nobody else is at work."""
    name, keys = environment.name, Keys(environment)
    task = Task(what="key rotation", details={"machines": [machine.name for machine in machines]})
    with maintenance(environment, task, head, writer) as holder:
        current, next_pair = keys.pairs()
        with progress.step(name, "next key let in"):
            keys.let_in(current, next_pair)
            for machine in machines:
                _refresh(machine, machine.ssh)
                _enter(machine, next_pair)
        with progress.step(name, "deploy key switched"):
            keys.switch(next_pair)
            environment.stack.up(fence=holder.lease.fence)
        with progress.step(name, "old key let in no more"):
            keys.let_in(next_pair)
            for machine in machines:
                _refresh(machine, _with(machine.ssh, next_pair))
    return {"environment": name, "public": next_pair.public, "machines": [machine.name for machine in machines]}


def machines_of(ssh: Ssh, servers: tuple[Server, ...]) -> Iterator[Machine]:
    """The bastion, where there is one, and the servers."""
    if ssh.bastion is not None:
        to_bastion = replace(ssh, servers=ssh.bastion.door, bastion=None)
        yield Machine(name="bastion", address=ssh.bastion.address, ssh=to_bastion)
    for server in servers:
        yield Machine(name=server.name, address=server.address, ssh=ssh)


def authorized(text: str, comment: str, pairs: tuple[KeyPair, ...]) -> str:
    """`authorized_keys` with these deploy keys (all that carry `comment`) and with every other key that it had."""
    others = sorted(line for line in key_lines(text) if line.split(maxsplit=2)[2:] != [comment])
    return "".join(f"{line}\n" for line in [*others, *(pair.public for pair in pairs)])


class Keys:
    """The deploy key of an environment, the one to follow it, and who is let in, in their secrets."""

    def __init__(self, environment: Environment) -> None:
        self._names = environment.settings.names
        self._secrets = Secrets(environment.session)

    def pairs(self) -> tuple[KeyPair, KeyPair]:
        """The current pair and the next one, which is stored before anybody lets it in."""
        value = json.loads(self._secrets.read(self._names.deploy_key) or "{}")
        if "private" not in value:
            raise Broken(f"the secret {self._names.deploy_key} is missing", hint="run: release init")
        current = KeyPair(private=value["private"], public=value["public"])
        if "next" in value:
            return current, KeyPair(**value["next"])
        next_pair = new_key_pair(self._names.deploy_key)
        self._secrets.write(self._names.deploy_key, json.dumps({**_parts(current), "next": _parts(next_pair)}))
        return current, next_pair

    def let_in(self, *pairs: KeyPair) -> None:
        """Write down that machines let in these deploy keys and no other ones."""
        text = self._secrets.read(self._names.authorized_keys) or ""
        self._secrets.write(self._names.authorized_keys, authorized(text, self._names.deploy_key, pairs))

    def switch(self, pair: KeyPair) -> None:
        """Make a pair the deploy key."""
        self._secrets.write(self._names.deploy_key, json.dumps(_parts(pair)))


def _parts(pair: KeyPair) -> Mapping[str, str]:
    return {"private": pair.private, "public": pair.public}


def _refresh(machine: Machine, ssh: Ssh) -> None:
    INTERRUPTION.check()
    said = ssh.run(machine.address, REFRESH)
    if said.code != 0:
        why = said.err.strip() or "it did not say why"
        raise Broken(f"{machine.name} cannot refresh its keys: {why}", hint="nobody is locked out; run it again")


def _enter(machine: Machine, pair: KeyPair) -> None:
    """Log in with the next key. One that is not let in stays what it is: next."""
    try:
        _with(machine.ssh, pair).run(machine.address, "true")
    except NotReached as error:
        raise Broken(
            f"{machine.name} does not let in the next key: {error}",
            hint="the current key stays the deploy key; run it again",
        ) from error


def _with(ssh: Ssh, pair: KeyPair) -> Ssh:
    return replace(ssh, private_key=pair.private)
