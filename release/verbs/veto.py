"""``release veto V --reason R``: keep a release out of every environment until a person lifts that."""

from pathlib import Path

from release.artifacts.manifest import checked_version
from release.deployment.stops import Cause, vetoed, without_veto
from release.deployment.vetoes import standing_vetoes
from release.environment import Environment, open_environment, open_first
from release.errors import Refused
from release.ledger.ledger import Entry, Writer


def veto(project_dir: Path, version: str, *, reason: str, ci: str) -> None:
    """Stands in the ledger of the environment where releases enter. Refused for what was never published."""
    environment = open_first(project_dir)
    writer = environment.identify(ci)
    manifest = environment.releases.get(checked_version(version))
    head = environment.ledger.head()
    cause = Cause(reason=reason, by=writer.principal, at=environment.ledger.now())
    state = vetoed(head.state, cause, release=version, digest=manifest.digest)
    if state == head.state:
        raise Refused(f"{version} is vetoed already", hint="see: release status")
    details = {"release": version, "digest": manifest.digest, "reason": reason}
    environment.ledger.note(Entry(kind="veto set", state=state, details=details), head, writer)


def lift_veto(project_dir: Path, version: str, *, reason: str, ci: str) -> tuple[str, ...]:
    """Lift it wherever it stands; the environments where it did. Refused when it stands nowhere."""
    checked_version(version)
    where = [one.environment for one in standing_vetoes(project_dir) if one.veto.release == version]
    if not where:
        raise Refused(f"{version} is not vetoed", hint="see: release status")
    environments = [open_environment(project_dir, name) for name in where]
    for environment, writer in [(one, one.identify(ci)) for one in environments]:
        _lift(environment, version, reason, writer)
    return tuple(where)


def _lift(environment: Environment, version: str, reason: str, writer: Writer) -> None:
    head = environment.ledger.head()
    details = {"release": version, "reason": reason}
    entry = Entry(kind="veto lifted", state=without_veto(head.state, version), details=details)
    environment.ledger.note(entry, head, writer)
