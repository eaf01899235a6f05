"""Deployments in the small world: forward without asking the gates, and back as the verb does it."""

import io

from release.artifacts.manifest import Manifest
from release.deployment.executor import Deployed, Order, deploy
from release.deployment.lanes import Kind, forward
from release.ledger.head import State
from release.output import Progress
from release.verbs.promote import content_of
from release.verbs.rollback import Request, go_back
from tests.release.world import OPS, World


class Silent(Progress):
    """Progress that nobody reads."""

    def __init__(self) -> None:
        super().__init__(io.StringIO())


def put(world: World, version: str, kind: Kind = "promotion", *, pause: bool = False, force: bool = False) -> Deployed:
    """Deploy a release to dev, published now if it was not yet."""
    manifest = world.dev.releases.find(version) or world.publish(version)
    if kind == "rollback":
        reason = "rather one server than none" if force else ""
        return go_back(world.dev, Request(version=version, force=force, reason=reason), OPS, Silent())
    return deploy(world.dev, order(world, manifest, kind, pause=pause), OPS, Silent())


def order(world: World, manifest: Manifest, kind: Kind = "promotion", *, pause: bool = False) -> Order:
    """The order of a deployment forward, on HEAD as it is."""
    head = world.dev.ledger.head()
    release, steps = content_of(manifest), forward(pause=pause)
    return Order(kind=kind, release=release, steps=steps, head=head, gates=(), manifest=manifest)


def state(world: World) -> State:
    """What HEAD of dev says."""
    return world.dev.ledger.head().state
