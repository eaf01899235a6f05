"""Vetoes of the whole project: each stands in the ledger of one environment, and all of them count everywhere."""

from collections.abc import Iterable
from pathlib import Path

from release.aws.session import is_not_found
from release.deployment.stops import StandingVeto
from release.environment import Environment, open_all
from release.errors import Broken, Inconclusive, Refused
from release.ledger.head import Head
from release.ledger.ledger import Ledger


def standing_vetoes(project_dir: Path) -> tuple[StandingVeto, ...]:
    """Every veto, by one read of each ledger. Inconclusive when one cannot be read: it could say no."""
    return vetoes_in(open_all(project_dir))


def vetoes_in(environments: Iterable[Environment]) -> tuple[StandingVeto, ...]:
    """The vetoes in these environments' ledgers."""
    return tuple(
        StandingVeto(environment=environment.name, veto=veto)
        for environment in environments
        if (head := head_of(environment.ledger, environment.name))
        for veto in head.state.vetoes
    )


def refuse_vetoed(digest: str, vetoes: tuple[StandingVeto, ...]) -> None:
    """Refused when one of them is about these bytes."""
    for one in vetoes:
        if one.veto.digest == digest:
            raise Refused(
                f"{one.veto.release} is vetoed by {one.veto.by} in {one.environment}: {one.veto.reason}",
                hint=f"lift it with: release veto {one.veto.release} --lift --reason WHY",
            )


def head_of(ledger: Ledger, environment: str) -> Head | None:
    """HEAD; None where there is no ledger yet. Inconclusive when AWS does not show it."""
    try:
        return ledger.head()
    except Broken as error:
        if is_not_found(error):
            return None  # not initialised: it has no ledger that could say anything
        if error.__cause__ is None:
            raise  # AWS answered, and HEAD is missing or damaged
        raise Inconclusive(
            f"it could not be told whether {environment} vetoes this release: {error}",
            hint=f"whoever releases must be able to read the ledgers of all environments, also that of {environment}",
        ) from error
