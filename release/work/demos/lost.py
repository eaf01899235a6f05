"""What is a demo's by its name or its tags, and in no item of the registry: named for a person, and never destroyed by
that alone.
"""

from collections.abc import Collection, Iterator

from release.doors.aws.leftovers import Leftovers
from release.process.errors import NotBegun
from release.records.demos.demo import Demo
from release.work.demos.base import Base
from settings.demos import KIND, is_demo
from settings.names import DEMO, OF_DEMOS


def lost(base: Base) -> dict[str, str]:
    """Stacks and things that no item speaks of, and what to do with each. The registry is read before and behind the
    look: what is made or taken down meanwhile is in one of them.
    """
    before = base.registry.all()
    stacks, things = _stacks(base), _things(base)
    behind = base.registry.all()
    known = (*before.demos, *behind.demos)
    spoilt = before.unread.keys() | behind.unread.keys()
    return {**dict(_lost_stacks(stacks, known, spoilt)), **dict(_lost_things(things, known))}


def _stacks(base: Base) -> tuple[str, ...]:
    """None where there is no Pulumi here to ask."""
    try:
        return tuple(name for name in base.stacks() if is_demo(name))
    except NotBegun:
        return ()


def _things(base: Base) -> tuple[tuple[str, str], ...]:
    """Each with the creation that it says it is of."""
    project = base.environment.settings.project
    found = Leftovers(base.environment.session, {"project": project, KIND: DEMO}, f"/{project}/{OF_DEMOS}").all()
    return tuple((str(left), left.creation) for left in found)


def _lost_stacks(
    stacks: Collection[str], known: Collection[Demo], spoilt: Collection[str]
) -> Iterator[tuple[str, str]]:
    for stack in set(stacks) - {demo.stack for demo in known} - set(spoilt):
        yield stack, f"no demo is recorded of this stack: pulumi destroy --stack {stack}, then pulumi stack rm {stack}"


def _lost_things(things: Collection[tuple[str, str]], known: Collection[Demo]) -> Iterator[tuple[str, str]]:
    creations = {demo.creation for demo in known}
    for thing, creation in things:
        if creation not in creations:
            yield thing, "it has the tags or the path of a demo that is not recorded: look at it, and delete it by hand"
