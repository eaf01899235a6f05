"""Deployments in the small world: forward without asking the gates, and back as the verb does it."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from release.artifacts.manifest import Manifest
from release.deployment.executor import Deployed, Order, deploy
from release.deployment.lanes import Kind, forward
from release.environment import open_environment
from release.ledger.head import State
from release.ledger.ledger import Entry
from release.output import Progress
from release.verbs.promote import content_of
from release.verbs.rollback import Request, go_back
from tests.release.world import OPS, World


class Silent(Progress):
    """Progress that nobody reads."""

    def __init__(self) -> None:
        super().__init__(io.StringIO())


def put(world: World, version: str, kind: Kind = "promotion", *, pause: bool = False) -> Deployed:
    """Deploy a release to dev, published now if it was not yet."""
    manifest = world.dev.releases.find(version) or world.publish(version)
    if kind == "rollback":
        return go_back(world.dev, Request(version=version), OPS, Silent())
    return deploy(world.dev, order(world, manifest, kind, pause=pause), OPS, Silent())


def order(world: World, manifest: Manifest, kind: Kind = "promotion", *, pause: bool = False) -> Order:
    """The order of a deployment forward, on HEAD as it is."""
    head = world.dev.ledger.head()
    release, steps = content_of(manifest), forward(pause=pause)
    return Order(kind=kind, release=release, steps=steps, head=head, gates=(), manifest=manifest)


@contextmanager
def at_work(project_dir: Path, name: str, kind: str = "promotion requested") -> Iterator[None]:
    """Somebody deploys into this environment, and gives a sign of life whenever anybody looks for one."""
    environment = open_environment(project_dir, name)  # by the clock that verbs go by
    ledger, events = environment.ledger, environment.session.client("dynamodb").meta.events
    head = ledger.head()
    with ledger.begin(Entry(kind=kind, state=head.state), head, OPS) as holder:
        events.register("before-call.dynamodb.GetItem", lambda **_: holder.beat(), unique_id="at work")
        yield
        events.unregister("before-call.dynamodb.GetItem", unique_id="at work")


def state(world: World) -> State:
    """What HEAD of dev says."""
    return world.dev.ledger.head().state
