"""The schema that a migration began to bring, by the servers' word: HEAD hears of it once *installed* has ended."""

from release.environment import Environment
from release.process.errors import StagelineError
from release.records.artifacts.schema import Schema, newest
from release.records.ledger.head import Open, State
from release.rules.plan import was_touched


def with_begun_schema(environment: Environment, opened: Open | None, state: State) -> State:
    """The state with the schema that an open deployment began to bring; silence of the servers counts as yes."""
    if opened is None or opened.kind == "rollback" or opened.made_with is None or not was_touched(opened, state):
        return state
    brought: Schema | None = newest(state.brought, opened.made_with)
    if brought == state.brought or _migration_began(environment, opened) is False:
        return state
    return state.but(brought=brought)


def _migration_began(environment: Environment, opened: Open) -> bool | None:
    """Whether a server began to migrate for this deployment; None when that cannot be told.

    Asked are those of both slots: a server that is kept out of the one that it installed into may have begun as well.
    """
    try:
        groups = environment.listeners.find().groups.values()
        instances = frozenset(one.instance for group in groups for one in environment.balancer.targets(group))
    except StagelineError:
        return None
    return environment.fleet.migration_began(sorted(instances), opened.slot, opened.deployment)
