"""Deployments in the small world: forward without asking the gates, back as the verb does it, and cut short."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from release.call import Call
from release.environment import Environment, open_environment
from release.process.errors import Broken
from release.process.output import Progress
from release.records.artifacts.manifest import Manifest
from release.records.ledger.head import Live, State
from release.records.ledger.ledger import Entry, Ledger
from release.records.ledger.stops import parse_change
from release.rules.consents import Consent
from release.rules.lanes import Kind, forward
from release.rules.plan import content_of
from release.verbs.promote import Route, proposal_into
from release.verbs.rollback import Request, go_back
from release.work.executor import Deployed, Proposal, deploy
from settings.stackfile import Project
from tests.project import PROJECT
from tests.release.world import OPS, World
from tests.there import there


class Silent(Progress):
    """Progress that nobody reads."""

    def __init__(self) -> None:
        super().__init__(io.StringIO())


def call_in(project: Path) -> Call:
    """A call of the command in a project, which tells nobody what it does."""
    return Call(project=Project(project), progress=Silent())


CALL = call_in(PROJECT)


def put(
    world: World, version: str, kind: Kind = "promotion", *, pause: bool = False, despite: tuple[Consent, ...] = ()
) -> Deployed:
    """Deploy a release to dev, published now if it was not yet."""
    manifest = world.dev.releases.find(version) or world.publish(version)
    if kind == "rollback":
        reason = "rather one server than none" if despite else ""
        return go_back(world.dev, Request(version=version, despite=despite, reason=reason), OPS, Silent())
    return deploy(world.dev, proposal(world.dev, manifest, kind, pause=pause), OPS, Silent())


def proposal(
    environment: Environment, manifest: Manifest, kind: Kind = "promotion", *, pause: bool = False
) -> Proposal:
    """What a deployment forward proposes, on HEAD as it is."""
    head = environment.ledger.head()
    release, steps = content_of(manifest), forward(pause=pause)
    return Proposal(kind=kind, release=release, steps=steps, head=head, gates=(), manifest=manifest)


@contextmanager
def at_work(project_dir: Path, name: str, kind: str = "promotion requested") -> Iterator[None]:
    """Somebody deploys into this environment, and gives a sign of life whenever anybody looks for one."""
    environment = open_environment(Project(project_dir), name)  # by the clock that verbs go by
    ledger, events = environment.ledger, environment.session.client("dynamodb").meta.events
    head = ledger.head()
    with ledger.begin(Entry(kind=kind, state=head.state), head, OPS) as holder:
        events.register("before-call.dynamodb.GetItem", lambda **_: holder.beat(), unique_id="at work")
        yield
        events.unregister("before-call.dynamodb.GetItem", unique_id="at work")


def state(world: World) -> State:
    """What HEAD of dev says."""
    return world.dev.ledger.head().state


def users_have(world: World) -> Live:
    """What HEAD of dev says that users get."""
    return there(state(world).live)


def to_qa(version: str = "1.0.0") -> Proposal:
    """What a promotion proposes from dev to qa, with its gates as they are judged now."""
    return proposal_into(CALL.opened("qa"), version, Route(source=None, target="qa"), Silent())


def refused(proposal: Proposal) -> list[str]:
    """The gates that say no."""
    return [gate.name for gate in proposal.gates if not gate.passed]


def kinds(ledger: Ledger) -> list[str]:
    """The last two changes of what is stopped."""
    return [parse_change(item.body, item.seq).kind for item in ledger.table.items("STOP")][-2:]


class Killed(BaseException):
    """Stands for kill -9: the lease is not given back either, so somebody has to see that it does not change."""


def kill_while_installing(world: World, version: str) -> None:
    def killed() -> None:
        world.dev.ledger.is_killed = True
        raise Killed

    world.dev.fleet.before_install = killed
    with pytest.raises(Killed):
        put(world, version)
    world.dev.ledger.is_killed = False
    world.dev.fleet.before_install = lambda: None


def die_after(world: World, kind: str, step: str) -> None:
    """Kill what is at work once it has recorded this event."""

    def dying(entry: Entry) -> None:
        if (entry.kind, entry.step) == (kind, step):
            world.dev.ledger.after_append, world.dev.ledger.is_killed = lambda entry: None, True
            raise Killed

    world.dev.ledger.after_append = dying


def unreachable(world: World, url: str) -> None:
    """From here the listener cannot be reached: nothing is known of the release."""
    world.dev.probe.cut_off = url


def reachable_again(world: World) -> None:
    world.dev.probe.cut_off = ""


def could_not_be_put_back(world: World, version: str) -> None:
    """It failed behind its switch, and the listener could not be moved: HEAD says that users are back."""
    servers = world.servers["dev"]
    servers.fails_smoke_live = {version}
    world.dev.listeners.after_move = lambda: setattr(servers, "listener_is_stuck", True)
    with pytest.raises(Broken, match="could not be moved back"):
        put(world, version)
    world.dev.listeners.after_move = lambda: None
    servers.listener_is_stuck = False
