"""Another deploy key: whatever fails or dies in between, somebody can still log in everywhere."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from release.doors.aws.secrets import Secrets
from release.doors.servers.servers import Server
from release.doors.servers.ssh import Bastion, Door, NotReached, Said, Ssh
from release.process.errors import Broken, LeaseHeld
from release.records.ledger.ledger import Entry
from release.verbs.rotate_key import REFRESH, authorized, machines_of, rotate
from release.work.keys import new_key_pair
from release.work.maintenance import idle_head
from tests.release.deploying import Silent
from tests.release.world import OPS, World
from tests.there import there

DOOR = Door(user="stageline", port=22, host_key="ssh-ed25519 AAAAhost")
COMMENT = "stageline/dev/deploy-key"
PERSON = "ssh-ed25519 AAAAperson ada"


class Killed(BaseException):
    """Stands for kill -9."""


@dataclass
class Machines:
    """Machines that let in the keys which they read from the secret when they were told to."""

    world: World
    let_in: dict[str, str] = field(default_factory=dict)
    deaf: set[str] = field(default_factory=set)
    entered: list[tuple[str, str]] = field(default_factory=list)
    before: Callable[[str, str], None] = lambda address, command: None

    def run(self, private_key: str, address: str, command: str) -> Said:
        self.before(address, command)
        public = publics(self.world)[private_key]
        if public not in self.let_in[address]:
            raise NotReached(f"cannot log in to {address}: Permission denied (publickey).")
        self.entered.append((address, command))
        if command == REFRESH and address not in self.deaf:
            self.let_in[address] = secret(self.world, "authorized_keys")
        return Said(code=0, out="", err="")


@dataclass(frozen=True, kw_only=True)
class FakeSsh(Ssh):
    """SSH to these machines."""

    machines: Machines

    def run(self, address: str, command: str, data: str = "") -> Said:
        return self.machines.run(self.private_key, address, command)


@pytest.fixture
def machines(world: World) -> Machines:
    """Two servers that let in the first deploy key and a person."""
    first, names = new_key_pair(COMMENT), world.dev.settings.names
    PAIRS.clear()
    PAIRS[first.private] = first.public
    text = f"{PERSON}\n{first.public}\n"
    Secrets(world.dev.session).create(names.deploy_key, json.dumps(vars(first)), {})
    Secrets(world.dev.session).create(names.authorized_keys, text, {})
    return Machines(world, let_in={"10.0.0.1": text, "10.0.0.2": text})


PAIRS: dict[str, str] = {}


def publics(world: World) -> dict[str, str]:
    """The public half of every private key that there was."""
    deploy = json.loads(secret(world, "deploy_key"))
    for pair in (deploy, deploy.get("next", deploy)):
        PAIRS[pair["private"]] = pair["public"]
    return PAIRS


def secret(world: World, name: str) -> str:
    return Secrets(world.dev.session).read(getattr(world.dev.settings.names, name)) or ""


def deploy_key(world: World) -> str:
    return str(json.loads(secret(world, "deploy_key"))["public"])


def put(world: World, machines: Machines) -> dict[str, Any]:
    """`release rotate-key dev`, after its doors are open."""
    private = json.loads(secret(world, "deploy_key"))["private"]
    ssh = FakeSsh(servers=DOOR, private_key=private, machines=machines)
    servers = tuple(Server(name=f"env-servers-{at[-1]}", address=at) for at in ("10.0.0.1", "10.0.0.2"))
    there, head = tuple(machines_of(ssh, servers)), idle_head(world.dev)
    return rotate(world.dev, there, head, OPS, Silent())


def test_every_machine_lets_in_the_new_key_and_no_old_one(world: World, machines: Machines) -> None:
    old = deploy_key(world)
    done = put(world, machines)
    assert deploy_key(world) == done["public"] != old
    assert machines.let_in == dict.fromkeys(("10.0.0.1", "10.0.0.2"), f"{PERSON}\n{done['public']}\n")
    assert "next" not in json.loads(secret(world, "deploy_key"))


def test_the_key_is_switched_only_after_each_machine_was_entered_with_the_next_one(
    world: World, machines: Machines
) -> None:
    old, entered_before = deploy_key(world), []
    world.dev.stack.before_up = lambda: entered_before.extend(machines.entered)
    machines.before = lambda address, command: seen.append(deploy_key(world)) if command == "true" else None
    seen: list[str] = []
    put(world, machines)
    assert seen == [old, old]
    assert [entry for entry in entered_before if entry[1] == "true"] == [("10.0.0.1", "true"), ("10.0.0.2", "true")]
    assert world.dev.stack.ups == [1]


def test_a_machine_that_does_not_let_in_the_next_key_keeps_the_current_one(world: World, machines: Machines) -> None:
    old, machines.deaf = deploy_key(world), {"10.0.0.2"}
    with pytest.raises(Broken, match=r"env-servers-2 does not let in the next key: .* the current key stays"):
        put(world, machines)
    assert (deploy_key(world), world.dev.stack.ups) == (old, [])
    assert all(old in text for text in machines.let_in.values())


def test_run_again_it_goes_on_with_the_same_next_key(world: World, machines: Machines) -> None:
    machines.deaf = {"10.0.0.2"}
    with pytest.raises(Broken):
        put(world, machines)
    waiting = json.loads(secret(world, "deploy_key"))["next"]["public"]
    machines.deaf = set()
    assert put(world, machines)["public"] == waiting


@pytest.mark.parametrize("step", range(6))
def test_killed_anywhere_the_current_key_opens_every_machine_and_the_next_run_ends_well(
    world: World, machines: Machines, step: int
) -> None:
    calls = iter(range(6))

    def killed(address: str, command: str) -> None:
        if next(calls, None) == step:
            raise Killed

    machines.before = killed
    with pytest.raises(Killed):
        put(world, machines)
    assert all(deploy_key(world) in text for text in machines.let_in.values())
    machines.before = lambda address, command: None
    done = put(world, machines)
    assert machines.let_in == dict.fromkeys(("10.0.0.1", "10.0.0.2"), f"{PERSON}\n{done['public']}\n")


def test_a_failed_up_leaves_both_keys_let_in(world: World, machines: Machines) -> None:
    old = deploy_key(world)
    world.dev.stack.fail_next = ["AWS is down"]
    with pytest.raises(Broken, match="AWS is down"):
        put(world, machines)
    assert all(old in text and deploy_key(world) in text for text in machines.let_in.values())
    assert [event.kind for event in world.dev.ledger.events()][-1] == "key rotation failed"


def test_it_is_recorded_and_holds_the_lease(world: World, machines: Machines) -> None:
    def another() -> None:
        lease = there(world.dev.ledger.lease())
        world.silence.meanwhile = lambda: world.dev.ledger.beat(lease)
        with pytest.raises(LeaseHeld):
            idle_head(world.dev)

    world.dev.stack.before_up = another
    put(world, machines)
    assert world.dev.stack.ups == [1]
    assert [event.kind for event in world.dev.ledger.events()][-2:] == ["key rotation requested", "key rotation done"]


def test_no_private_key_is_recorded(world: World, machines: Machines) -> None:
    put(world, machines)
    assert not [event for event in world.dev.ledger.events() if "PRIVATE" in repr(event)]


def test_while_somebody_is_at_work_it_is_not_begun(world: World, machines: Machines) -> None:
    head = world.dev.ledger.head()
    with world.dev.ledger.begin(Entry(kind="note", state=head.state), head, OPS) as holder:
        world.silence.meanwhile = holder.beat
        with pytest.raises(LeaseHeld):
            put(world, machines)
    assert machines.entered == []


def test_a_holder_that_died_with_nothing_open_stops_it_only_until_that_is_plain(
    world: World, machines: Machines
) -> None:
    head = world.dev.ledger.head()
    world.dev.ledger.begin(Entry(kind="note", state=head.state), head, OPS)
    put(world, machines)
    assert [event.kind for event in world.dev.ledger.events()][-1] == "key rotation done"


def test_the_bastion_comes_first_and_is_reached_directly() -> None:
    jump = Door(user="jump", port=2222, host_key="ssh-ed25519 AAAAjump")
    ssh = Ssh(servers=DOOR, bastion=Bastion(address="198.51.100.7", door=jump), private_key="P")
    first, second = machines_of(ssh, (Server(name="env-servers-1", address="10.0.0.1"),))
    assert (first.name, first.address, first.ssh.servers, first.ssh.bastion) == ("bastion", "198.51.100.7", jump, None)
    assert (second.name, second.ssh) == ("env-servers-1", ssh)


def test_keys_of_people_stay_and_deploy_keys_that_were_forgotten_go() -> None:
    text = f"# people\n{PERSON}\nssh-ed25519 AAAAolder {COMMENT}\nssh-ed25519 AAAAnone\n"
    pair = new_key_pair(COMMENT)
    assert authorized(text, COMMENT, (pair,)) == f"ssh-ed25519 AAAAnone\n{PERSON}\n{pair.public}\n"
