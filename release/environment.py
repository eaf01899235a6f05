"""One environment opened: its settings, and every door that leads to what it holds."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from release.artifacts.releases import Releases
from release.aws.balancer import Balancer
from release.aws.bucket import Bucket
from release.aws.databases import Databases
from release.aws.keys import SigningKey
from release.aws.metrics import Metrics
from release.aws.session import AwsSession
from release.aws.table import LedgerTable
from release.database.role import DatabaseRole
from release.deployment.leftovers import Leftovers
from release.engine.stack import Stack, up_limit
from release.errors import WrongUsage
from release.ledger.ledger import Ledger, Writer, this_host, utc_now
from release.verification.probe import Probe
from release.verification.units import Units
from release.verification.verification import Verification
from release.verification.watch import Watch
from settings.model import Settings
from settings.stackfile import environments, load


@dataclass(frozen=True, kw_only=True)
class Environment:
    """What a verb works with. ``writer`` is asked from AWS by ``identify``, never given."""

    name: str
    settings: Settings
    project_dir: Path
    session: AwsSession
    ledger: Ledger
    releases: Releases
    backups: Bucket
    databases: Databases
    database_role: DatabaseRole
    stack: Stack
    leftovers: Leftovers
    verification: Verification
    watch: Watch

    def identify(self, ci: str) -> Writer:
        """Who is at work here, by sts:GetCallerIdentity; Refused when the credentials are of another account."""
        return Writer(principal=self.session.caller(), host=this_host(), ci=ci)

    @property
    def stack_file(self) -> Path:
        """The stack file that the settings were read from."""
        return self.project_dir / f"Pulumi.{self.name}.yaml"


def open_environment(project_dir: Path, name: str) -> Environment:
    """The environment ``name`` of the project; raises InvalidSettings when its stack file is wrong or missing."""
    settings = load(project_dir, name)
    session = _session(settings.account, settings.region, settings.role)
    names, databases = settings.names, Databases(session)
    return Environment(
        name=settings.environment,
        settings=settings,
        project_dir=project_dir,
        session=session,
        ledger=Ledger(
            LedgerTable(session, names.ledger_table),
            project=settings.project,
            environment=settings.environment,
            account=settings.account,
            now=utc_now,
        ),
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
        ),
        leftovers=Leftovers(),
        verification=Verification(Probe(), Balancer(session)),
        watch=Watch(
            probe=Probe(),
            balancer=Balancer(session),
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


def open_first(project_dir: Path) -> Environment:
    """The environment where releases enter: the one that promotes from none."""
    return open_all(project_dir)[0]


@cache
def _session(account: str, region: str, role: str | None) -> AwsSession:
    """Environments of one account share their clients: making one takes longer than using it."""
    return AwsSession(account=account, region=region, role=role)
