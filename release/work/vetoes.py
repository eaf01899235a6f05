"""Vetoes of the whole project: one stands in each environment that could be told, and binds there.

An environment depends on no other. So its own word counts, and that of the environment that a release comes from; what
the others say is asked as well, and one that cannot be asked stops nobody.
"""

from collections.abc import Collection, Iterable
from contextlib import suppress

from release.environment import Environment, open_environment
from release.process.errors import StagelineError
from release.project import open_each
from release.records.ledger.stops import Stops, Veto, veto_of
from release.rules.gates import vetoes_in
from settings.stackfile import Project


def vetoes_elsewhere(project: Project, digest: str, known: Collection[str]) -> dict[str, Veto]:
    """The vetoes of these bytes in other environments than ``known``, as far as these can be asked."""
    return {name: veto for name, stops in stops_of(others(project, known)) if (veto := veto_of(stops, digest))}


def vetoes_upstream(environment: Environment, source: str | None, digest: str) -> dict[str, Veto]:
    """The vetoes of what is promoted there, beside its own: its source must be heard, the others as far as they can."""
    upstream = {source: open_environment(environment.project, source).stops.read()} if source else {}
    elsewhere = vetoes_elsewhere(environment.project, digest, {environment.name, *upstream})
    return {**elsewhere, **vetoes_in(upstream, digest)}


def others(project: Project, known: Collection[str]) -> Iterable[Environment]:
    """The other environments of the project whose stack files can be read."""
    opened, _ = open_each(project, (name for name in project.names if name not in known))
    return opened


def stops_of(asked: Iterable[Environment]) -> Iterable[tuple[str, Stops]]:
    """What stands in each of these environments, as far as they can be asked."""
    for environment in asked:
        with suppress(StagelineError):
            yield environment.name, environment.stops.read()
