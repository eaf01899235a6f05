"""One server replaced: under the lease, and only while the others answer."""

import io
import json
from collections.abc import Callable
from typing import Any

import pytest

from release.doors.aws.balancer import TargetHealth
from release.process.errors import Broken, LeaseHeld, Refused, WrongUsage
from release.process.output import Progress
from release.records.ledger.head import Former, Open, Out
from release.records.ledger.ledger import Entry
from release.verbs.replace_server import Replaced, instance_urn, replace_one
from tests.release.deploying import Silent, kill_while_installing, put, state
from tests.release.world import OPS, FakeStack, HastyVerification, World
from tests.there import there

URN = "urn:pulumi:dev::stageline::stageline:components:Servers$aws:ec2/instance:Instance::env-servers-2"


class Machines(FakeStack):
    """Two machines of a stack; the second one can be replaced."""

    def __init__(self, world: World) -> None:
        super().__init__(world.servers["dev"], world.dev.ledger)
        self.second = "i-2"
        self.ill: set[str] = set()
        self.replaced: list[tuple[str, int]] = []
        self.fails = ""
        self.before_replacing: Callable[[], None] = lambda: None

    def replace(self, urn: str, *, fence: int, wait: float = 0.0, told: Callable[[str], None] = print) -> None:
        told(f"waiting at most {wait:.0f} s")
        self.replaced.append((urn, fence))
        self.before_replacing()
        if self.fails:
            raise Broken(self.fails)
        self.second = "i-3"

    def outputs(self) -> dict[str, Any]:
        servers = [{"name": "env-servers-1", "id": "i-1"}, {"name": "env-servers-2", "id": self.second}]
        return {**super().outputs(), "servers": servers}

    def export(self) -> bytes:
        kind = "aws:ec2/instance:Instance"
        left = {"type": kind, "id": "i-2", "urn": "left behind", "delete": True}
        return json.dumps({"deployment": {"resources": [left, {"type": kind, "id": "i-2", "urn": URN}]}}).encode()

    def targets(self, target_group: str) -> tuple[TargetHealth, ...]:
        """What the balancer says of them."""
        return tuple(
            TargetHealth(instance=name, state="unhealthy" if name in self.ill else "healthy", reason="")
            for name in ("i-1", self.second)
        )


@pytest.fixture
def machines(world: World) -> Machines:
    """dev with a live release."""
    put(world, "1.0.0")
    return machines_of(world)


def machines_of(world: World) -> Machines:
    machines = Machines(world)
    verification = HastyVerification(world.dev.probe, machines, pause=lambda seconds: None)
    object.__setattr__(world.dev, "stack", machines)
    object.__setattr__(world.dev, "verification", verification)
    return machines


def replace(world: World, server: str = "env-servers-2") -> Replaced:
    return replace_one(world.dev, server, world.dev.ledger.head(), OPS, Silent())


def kinds(world: World, count: int) -> list[str]:
    """The newest events, oldest first."""
    return [event.kind for event in world.dev.ledger.events()][-count:]


def test_the_instance_of_that_server_is_replaced_under_the_lease(world: World, machines: Machines) -> None:
    before = world.dev.ledger.head()
    done = replace(world)
    assert (done.server, done.before, done.now) == ("env-servers-2", "i-2", "i-3")
    assert machines.replaced == [(URN, before.fence + 1)]
    assert not there(world.dev.ledger.lease()).held


def test_a_lock_is_waited_for_as_by_a_deployment_and_that_is_told(
    world: World, machines: Machines, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STAGELINE_LOCK_WAIT", "7")
    told = io.StringIO()
    replace_one(world.dev, "env-servers-2", world.dev.ledger.head(), OPS, Progress(told))
    assert "waiting at most 7 s" in told.getvalue()


def test_the_ledger_tells_of_it_and_its_state_stays(world: World, machines: Machines) -> None:
    before = world.dev.ledger.head().state
    replace(world)
    assert kinds(world, 2) == ["server replacement requested", "server replacement done"]
    assert (world.dev.ledger.head().state, world.dev.ledger.faults()) == (before, ())


def test_it_is_refused_while_another_server_is_not_healthy(world: World, machines: Machines) -> None:
    machines.ill = {"i-1"}
    seq = world.dev.ledger.head().seq
    with pytest.raises(Refused, match="the other servers of dev must be healthy: the balancer says: i-1 is unhealthy"):
        replace(world)
    assert (machines.replaced, world.dev.ledger.head().seq) == ([], seq)


def test_an_ill_server_is_itself_replaced(world: World, machines: Machines) -> None:
    machines.ill = {"i-2"}
    assert replace(world).now == "i-3"


def test_one_that_does_not_become_healthy_is_told(world: World, machines: Machines) -> None:
    machines.ill = {"i-3"}
    with pytest.raises(Broken, match="i-3 is unhealthy"):
        replace(world)
    assert kinds(world, 1) == ["server replacement failed"]


def test_a_server_that_is_not_there_is_answered_with_those_that_are(world: World, machines: Machines) -> None:
    with pytest.raises(WrongUsage, match="dev has no server web; its servers are env-servers-1, env-servers-2"):
        replace(world, "web")


def test_it_works_while_a_deployment_is_open_whose_process_is_gone(world: World, machines: Machines) -> None:
    former = Former(declared="blue", content=None)
    opened = Open(
        deployment="d-1",
        kind="promotion",
        release="1.1.0",
        digest="d",
        slot="green",
        step="installed",
        requested=1,
        former=former,
    )
    head = world.dev.ledger.head()
    with world.dev.ledger.begin(Entry(kind="note", state=head.state.but(open=opened)), head, OPS):
        pass
    assert replace(world).now == "i-3"
    assert world.dev.ledger.head().state.open == opened


def test_it_works_while_the_live_release_is_ill_everywhere(world: World, machines: Machines) -> None:
    machines.ill = {"i-1", "i-2", "i-3"}
    assert replace(world).now == "i-3"


def test_a_server_that_is_marked_out_is_in_again_once_it_is_replaced(world: World, machines: Machines) -> None:
    out = Out(server="env-servers-2", reason="dead", by="ops", since="t")
    head = world.dev.ledger.head()
    with world.dev.ledger.begin(Entry(kind="note", state=head.state.but(out=(out,))), head, OPS):
        pass
    machines.ill = {"i-2"}
    replace(world)
    assert world.dev.ledger.head().state.out == ()
    assert "server marked in" in kinds(world, 3)


def test_it_waits_for_nobody_who_holds_the_lease(world: World, machines: Machines) -> None:
    head = world.dev.ledger.head()
    ledger = world.dev.ledger
    with ledger.begin(Entry(kind="note", state=head.state), head, OPS) as holder, pytest.raises(LeaseHeld):
        ledger._pause = lambda seconds: setattr(holder, "lease", ledger.beat(holder.lease))
        replace(world)


def test_a_failed_replacement_says_how_to_go_on_and_is_recorded(world: World, machines: Machines) -> None:
    machines.fails = "installing 1.0.0 failed on env-servers-2"
    with pytest.raises(Broken, match=r"env-servers-2 was not replaced: installing .* goes on .* pulumi up --stack dev"):
        replace(world)
    (event,) = [event for event in world.dev.ledger.events() if event.kind == "server replacement failed"]
    assert (event.details["server"], "installing 1.0.0 failed" in event.details["why"]) == ("env-servers-2", True)
    assert not there(world.dev.ledger.lease()).held


def test_an_instance_that_the_stack_does_not_know_is_not_guessed() -> None:
    with pytest.raises(Broken, match="does not know the instance i-9"):
        instance_urn({"deployment": {"resources": []}}, "i-9")


@pytest.mark.parametrize(
    ("opened", "way"),
    [
        pytest.param(True, "release resume dev, .*release abort dev", id="a-deployment-died-between-head-and-the-call"),
        pytest.param(False, "release adopt-listener dev --reason WHY", id="moved-by-hand"),
    ],
)
def test_it_moves_no_user_where_the_listener_is_not_where_head_says(
    world: World, machines: Machines, opened: bool, way: str
) -> None:
    ledger, head = world.dev.ledger, world.dev.ledger.head()
    former = Former(declared="blue", content=None)
    trying = Open(
        deployment="d-1", kind="promotion", release="1.1.0", digest="d", slot="green", step="switched", requested=1,
        former=former,
    )  # fmt: skip
    ledger.note(Entry(kind="note", state=head.state.but(declared="green", open=trying if opened else None)), head, OPS)
    with pytest.raises(Refused, match=f"an up would move it there.*{way}"):
        replace(world)
    assert (machines.replaced, world.servers["dev"].live) == ([], "blue")


def test_one_of_two_dead_servers_is_replaced_and_the_other_one_is_not_waited_for(
    world: World, machines: Machines
) -> None:
    machines.ill = {"i-1", "i-2"}
    assert replace(world).now == "i-3"


def test_a_replacement_finishes_nothing_that_a_dead_promotion_was_installing(world: World) -> None:
    put(world, "1.0.0")
    put(world, "1.1.0")
    kill_while_installing(world, "1.2.0")
    machines = machines_of(world)
    declared = []
    machines.before_replacing = lambda: declared.append((there(state(world).blue).release, world.dev.migrations.ended))
    replace(world)
    assert declared == [("1.0.0", True)]
    assert (there(state(world).open).release, there(state(world).blue).unsure != "") == ("1.2.0", True)


def test_a_replacement_keeps_what_waits_for_people_to_look_at_it(world: World) -> None:
    put(world, "1.0.0")
    put(world, "1.1.0", pause=True)
    machines_of(world)
    replace(world)
    assert (there(state(world).green).release, there(state(world).green).unsure) == ("1.1.0", "")
