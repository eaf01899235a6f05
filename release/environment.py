"""One environment opened: its settings, and every door that leads to what it holds."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

from release.artifacts.releases import Releases
from release.aws.balancer import Balancer
from release.aws.bucket import Bucket
from release.aws.databases import Databases
from release.aws.keys import SigningKey
from release.aws.listeners import Entrance, Listeners, live_url
from release.aws.metrics import Metrics
from release.aws.parameters import Migrations
from release.aws.session import AwsSession, may_pass
from release.aws.table import LedgerTable
from release.database.role import DatabaseRole
from release.deployment.leftovers import Leftovers
from release.engine.backend import locks_at
from release.engine.stack import Stack, up_limit
from release.errors import Broken, WrongUsage
from release.ledger.ledger import Ledger, Writer, this_host, utc_now
from release.ledger.stoplog import StopLog
from release.output import Progress
from release.processes import Processes
from release.servers.fleet import Fleet
from release.verification.probe import Probe
from release.verification.units import Units
from release.verification.verification import Verification, health_limit
from release.verification.watch import Watch
from settings.errors import InvalidSettings
from settings.model import Settings
from settings.stackfile import environment_names, environments, load

LOCK_WAIT = "STAGELINE_LOCK_WAIT"
UP_WAIT = 120.0  # seconds for which somebody else's `pulumi up` is waited for, where LOCK_WAIT does not say it


@dataclass(frozen=True, kw_only=True)
class Environment:
    """What a verb works with. ``writer`` is asked from AWS by ``identify``, never given."""

    name: str
    settings: Settings
    project_dir: Path
    session: AwsSession
    ledger: Ledger
    stops: StopLog
    releases: Releases
    backups: Bucket
    databases: Databases
    database_role: DatabaseRole
    migrations: Migrations
    stack: Stack
    leftovers: Leftovers
    fleet: Fleet
    listeners: Listeners
    balancer: Balancer
    probe: Probe
    verification: Verification
    watch: Watch

    def identify(self, ci: str, *, tolerant: bool = False) -> Writer:
        """Who is at work here, by sts:GetCallerIdentity; Refused when the credentials are of another account.

        ``tolerant``: of whoever goes back it is no more than written down that nobody could be asked.
        """
        return Writer(
            principal=self._principal(tolerant), host=this_host(), ci=ci, process=Processes().find(os.getpid())
        )

    def _principal(self, tolerant: bool) -> str:
        try:
            return self.session.caller()
        except Broken as error:
            if tolerant and may_pass(error):
                return "unknown: STS did not answer"
            raise

    def live_url(self, entrance: Entrance) -> str:
        """Where users go."""
        balancer = self.settings.load_balancer
        return live_url(
            entrance.dns_name, domain=balancer.domain, certificate=balancer.certificate, port=balancer.live_port
        )

    def preview_url(self, entrance: Entrance) -> str:
        """Where the release in the other slot is looked at."""
        balancer = self.settings.load_balancer
        return live_url(
            entrance.dns_name, domain=balancer.domain, certificate=balancer.certificate, port=balancer.preview_port
        )

    def up(
        self,
        fence: int,
        deployment: str,
        progress: Progress,
        *,
        passed_over: frozenset[str] = frozenset(),
        wait: float | None = None,
    ) -> None:
        """Make AWS what HEAD says, under a lease's fence; somebody else's ``up`` is waited for, and that is told."""
        self.stack.up(
            fence=fence,
            deployment=deployment,
            passed_over=passed_over,
            wait=lock_wait(os.environ, wait),
            told=progress.note,
        )

    def replace(self, urn: str, fence: int, progress: Progress) -> None:
        """The same ``up``, which makes the resource ``urn`` anew."""
        self.stack.replace(urn, fence=fence, wait=lock_wait(os.environ), told=progress.note)

    @property
    def stack_file(self) -> Path:
        """The stack file that the settings were read from."""
        return self.project_dir / f"Pulumi.{self.name}.yaml"


def lock_wait(variables: Mapping[str, str], most: float | None = None) -> float:
    """Seconds for which a locked stack is waited for; never more than ``most`` where a caller has less time."""
    text = variables.get(LOCK_WAIT, "")
    if text and not re.fullmatch(r"[0-9]{1,4}", text, re.ASCII):
        raise WrongUsage(f"{LOCK_WAIT} is {text[:80]!r}", hint="give whole seconds, 0 to 9999")
    wait = float(text) if text else UP_WAIT
    return wait if most is None else min(wait, most)


def open_environment(project_dir: Path, name: str) -> Environment:
    """The environment ``name`` of the project; raises InvalidSettings when its stack file is wrong or missing."""
    settings = load(project_dir, name)
    session = _session(settings.account, settings.region, settings.role)
    names, databases, balancer = settings.names, Databases(session), Balancer(session)
    table = LedgerTable(session, names.ledger_table)
    return Environment(
        name=settings.environment,
        settings=settings,
        project_dir=project_dir,
        session=session,
        ledger=Ledger(
            table,
            project=settings.project,
            environment=settings.environment,
            account=settings.account,
            now=utc_now,
            beats=LedgerTable(session, names.ledger_table, hasty=True),
        ),
        stops=StopLog(table, now=utc_now),
        releases=Releases(
            environment=settings.environment,
            bucket=Bucket(session, names.artifact_bucket),
            key=SigningKey(session, names.signing_alias),
        ),
        backups=Bucket(session, names.backup_bucket),
        databases=databases,
        database_role=DatabaseRole(session=session, settings=settings, databases=databases),
        stack=Stack(
            project_dir,
            settings.environment,
            limit=up_limit(
                install_timeout=settings.servers.install_timeout,
                dial_error_limit=settings.servers.dial_error_limit,
            ),
            open_locks=partial(
                locks_at,
                session=session,
                project_dir=project_dir,
                stack=f"{settings.project}/{settings.environment}",
            ),
        ),
        leftovers=Leftovers(),
        migrations=Migrations(session=session, name=names.migration_parameter),
        fleet=Fleet(session=session, settings=settings),
        listeners=Listeners(session, {"project": settings.project, "environment": settings.environment}),
        balancer=balancer,
        probe=Probe(),
        verification=Verification(Probe(), balancer, health_limit=health_limit(settings.load_balancer.health)),
        watch=Watch(
            probe=Probe(),
            balancer=balancer,
            metrics=Metrics(session),
            units=Units(session, settings),
            bounds=settings.watch,
            now=utc_now,
        ),
    )


def open_all(project_dir: Path) -> tuple[Environment, ...]:
    """Every environment of the project, in promotion order."""
    names = environments(project_dir)
    if not names:
        raise WrongUsage(f"there is no stack file in {project_dir}", hint="run it in the project, or give --project")
    return tuple(open_environment(project_dir, name) for name in names)


def open_each(project_dir: Path) -> tuple[tuple[Environment, ...], dict[str, str]]:
    """The environments whose stack files can be read, and why the others cannot be opened: none depends on another.

    In promotion order, or by name where a file does not even say what it promotes from.
    """
    opened: list[Environment] = []
    closed: dict[str, str] = {}
    for name in _names_in_order(project_dir):
        try:
            opened.append(open_environment(project_dir, name))
        except InvalidSettings as error:
            closed[name] = "; ".join(map(str, error.problems))
    return tuple(opened), closed


def _names_in_order(project_dir: Path) -> tuple[str, ...]:
    try:
        names = environments(project_dir)
    except InvalidSettings:
        names = environment_names(project_dir)
    if not names:
        raise WrongUsage(f"there is no stack file in {project_dir}", hint="run it in the project, or give --project")
    return names


def open_first(project_dir: Path) -> Environment:
    """The environment where releases enter: the one that promotes from none."""
    return open_all(project_dir)[0]


@cache
def _session(account: str, region: str, role: str | None) -> AwsSession:
    """Environments of one account share their clients: making one takes longer than using it."""
    return AwsSession(account=account, region=region, role=role)
