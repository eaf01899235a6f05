"""Every kind of deployment, in every way in which one may go, and what is right after its end, resumed or aborted."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import cache

from release.environment import Environment
from release.process.canonical import sha256_hex
from release.process.errors import Broken, Inconclusive, NotBegun, StagelineError, VerificationFailed
from release.rules.lanes import Kind, forward
from release.rules.plan import content_of
from release.verbs.rollback import Request, go_back
from release.work.executor import Proposal, deploy
from release.work.orders import InstallFailed
from tests.release.crash.memory import Points
from tests.release.crash.outside import Outside, Steps, new_outside, open_process, publish
from tests.release.world import OPS, Clock

Spoil = Callable[[Outside], None]


@dataclass(frozen=True, kw_only=True)
class Deployment:
    """A deployment of ``version`` where ``history`` was deployed before, and how it ends when nobody kills it.

    ``resumed`` is what is live at the end when it is resumed; None stands for what was live before, as it is after
    every abort. In ``history`` a version may end with @ and the name of a configuration, as ``configuration`` is one.
    ``stops``: it ends with a hold of the environment and a veto of the release.
    """

    name: str
    kind: Kind
    version: str
    configuration: str = ""
    history: tuple[tuple[Kind, str], ...] = ()
    pause: bool = False
    spoil: Spoil = lambda outside: None
    ends: type[StagelineError] | None = None
    stays_open: bool = False
    stops: bool = False

    @property
    def former(self) -> str | None:
        """What is live before."""
        return self.history[-1][1].partition("@")[0] if self.history else None

    @property
    def resumed(self) -> str | None:
        """What is live at the end, once it had begun and was resumed."""
        return self.version if self.ends is None else self.former

    def begin(self) -> Outside:
        """What is outside before it begins."""
        outside = after(self.history).copy()
        self.spoil(outside)
        return outside

    def run(self, environment: Environment, points: Points) -> None:
        """The deployment, in one process."""
        put(environment, self.kind, f"{self.version}@{self.configuration}", points, pause=self.pause)


def put(environment: Environment, kind: Kind, what: str, points: Points, *, pause: bool = False) -> None:
    """Deploy a release, published before: back as the verb does it, forward without asking the gates."""
    version, _, configuration = what.partition("@")
    if kind == "rollback":
        go_back(environment, Request(version=version), OPS, Steps(points))
        return
    manifest, head = environment.releases.get(version), environment.ledger.head()
    proposal = Proposal(
        kind=kind,
        release=content_of(manifest, sha256_hex(configuration.encode()) if configuration else None),
        steps=forward(pause=pause),
        head=head,
        gates=(),
        manifest=manifest,
        reason="because",
    )
    deploy(environment, proposal, OPS, Steps(points))


@cache
def after(history: tuple[tuple[Kind, str], ...]) -> Outside:
    """What is outside of dev after these deployments, with all versions published."""
    outside = new_outside("dev")
    environment = open_process(outside, "dev", Clock())
    for version in ("1.0.0", "1.1.0", "1.2.0"):
        publish(environment, version)
    for kind, version in history:
        put(environment, kind, version, Points())
    return outside


def _fails_to_install(outside: Outside) -> None:
    outside.servers["dev"].fails_to_install = {"1.1.0"}


def _crashes(outside: Outside) -> None:
    outside.servers["dev"].crashes = {"1.1.0"}


def _fails_to_install_with_pulumi_broken(outside: Outside) -> None:
    _fails_to_install(outside)
    _pulumi_broken(outside)


def _rollback_fails_to_install(outside: Outside) -> None:
    outside.servers["dev"].fails_to_install = {"1.0.0"}


def _fails_smoke(outside: Outside) -> None:
    outside.servers["dev"].fails_smoke = {"1.1.0"}


def _fails_live(outside: Outside) -> None:
    outside.servers["dev"].fails_smoke_live = {"1.1.0"}


def _restarts(outside: Outside) -> None:
    outside.servers["dev"].restarts_in_watch = {"1.1.0"}


def _unreachable(outside: Outside) -> None:
    outside.servers["dev"].unreachable = {"1.1.0"}


def _rollback_fails_live(outside: Outside) -> None:
    outside.servers["dev"].fails_smoke_live = {"1.0.0"}


def _rollback_is_unreachable(outside: Outside) -> None:
    outside.servers["dev"].unreachable = {"1.0.0"}


def _idle_process_ended(outside: Outside) -> None:
    outside.servers["dev"].stopped = {"blue"}


def _idle_process_ended_and_crashes(outside: Outside) -> None:
    outside.servers["dev"].stopped = {"blue"}
    outside.servers["dev"].crashes = {"1.0.0"}


def _next_one_open_and_former_ended(outside: Outside) -> None:
    """Users are on 1.2.0, of which nothing could be told behind its switch; the live one runs no more."""
    servers = outside.servers["dev"]
    servers.unreachable = {"1.2.0"}
    with suppress(Inconclusive):
        put(open_process(outside, "dev", Clock()), "promotion", "1.2.0", Points())
    servers.unreachable, servers.stopped = set(), {"green"}


def _pulumi_broken(outside: Outside) -> None:
    outside.servers["dev"].pulumi_is_broken = True


def _one_server_dead(outside: Outside) -> None:
    outside.servers["dev"].dead = {"i-2"}


def _former_crashes(outside: Outside) -> None:
    outside.servers["dev"].crashes = {"1.1.0"}
    outside.servers["dev"].fails_smoke = {"1.2.0"}


def _role_refused(outside: Outside) -> None:
    outside.servers["dev"].role_is_refused = True


def _no_snapshot(outside: Outside) -> None:
    outside.cloud.snapshots_fail = True


ONE: tuple[tuple[Kind, str], ...] = (("promotion", "1.0.0"),)
TWO: tuple[tuple[Kind, str], ...] = (*ONE, ("promotion", "1.1.0"))
THREE: tuple[tuple[Kind, str], ...] = (*TWO, ("promotion", "1.2.0"))
WARM: tuple[tuple[Kind, str], ...] = (*ONE, ("redeployment", "1.0.0@warm"))
BACK: tuple[tuple[Kind, str], ...] = (*TWO, ("rollback", "1.0.0"))

KINDS = (
    Deployment(name="first promotion", kind="promotion", version="1.0.0"),
    Deployment(name="second promotion", kind="promotion", version="1.1.0", history=ONE),
    Deployment(name="third promotion", kind="promotion", version="1.2.0", history=TWO),
    Deployment(name="hotfix", kind="hotfix", version="1.1.0", history=ONE),
    Deployment(name="redeployment", kind="redeployment", version="1.1.0", history=TWO),
    Deployment(name="another configuration", kind="redeployment", version="1.0.0", configuration="cold", history=WARM),
    Deployment(
        name="rollback of a configuration",
        kind="rollback",
        version="1.0.0",
        history=(*WARM, ("redeployment", "1.0.0@cold")),
    ),
    Deployment(
        name="rollback to a configuration with installation",
        kind="rollback",
        version="1.0.0",
        history=(*WARM, ("promotion", "1.1.0"), ("promotion", "1.2.0@cold")),
    ),
    Deployment(name="rollback in place", kind="rollback", version="1.0.0", history=TWO),
    Deployment(name="rollback of a rollback", kind="rollback", version="1.1.0", history=BACK),
    Deployment(name="rollback with installation", kind="rollback", version="1.0.0", history=THREE),
    Deployment(
        name="without its role", kind="promotion", version="1.1.0", history=ONE, spoil=_role_refused, ends=Broken
    ),
    Deployment(
        name="without its snapshot", kind="promotion", version="1.1.0", history=ONE, spoil=_no_snapshot, ends=Broken
    ),
    Deployment(
        name="failed installation",
        kind="promotion",
        version="1.1.0",
        history=ONE,
        spoil=_fails_to_install,
        ends=InstallFailed,
    ),
    Deployment(
        name="first and failed installation",
        kind="promotion",
        version="1.1.0",
        spoil=_fails_to_install,
        ends=InstallFailed,
    ),
    Deployment(
        name="failed installation of the canary",
        kind="promotion",
        version="1.1.0",
        history=ONE,
        spoil=_crashes,
        ends=InstallFailed,
    ),
    Deployment(
        name="failed installation with Pulumi broken",
        kind="promotion",
        version="1.1.0",
        history=ONE,
        spoil=_fails_to_install_with_pulumi_broken,
        ends=InstallFailed,
    ),
    Deployment(
        name="failed behind the preview",
        kind="promotion",
        version="1.1.0",
        history=ONE,
        spoil=_fails_smoke,
        ends=VerificationFailed,
    ),
    Deployment(
        name="failed behind the switch",
        kind="promotion",
        version="1.1.0",
        history=ONE,
        spoil=_fails_live,
        ends=VerificationFailed,
        stops=True,
    ),
    Deployment(
        name="first and failed behind the switch",
        kind="promotion",
        version="1.1.0",
        spoil=_fails_live,
        ends=VerificationFailed,
        stops=True,
    ),
    Deployment(
        name="failed in the watch",
        kind="hotfix",
        version="1.1.0",
        history=ONE,
        spoil=_restarts,
        ends=VerificationFailed,
        stops=True,
    ),
    Deployment(
        name="inconclusive behind the switch",
        kind="promotion",
        version="1.1.0",
        history=ONE,
        spoil=_unreachable,
        ends=Inconclusive,
        stays_open=True,
    ),
    Deployment(name="promotion that waits to be looked at", kind="promotion", version="1.1.0", history=ONE, pause=True),
    Deployment(
        name="failed where the former release crashes",
        kind="promotion",
        version="1.2.0",
        history=BACK,
        spoil=_former_crashes,
        ends=VerificationFailed,
    ),
    Deployment(
        name="failed with a dead server",
        kind="promotion",
        version="1.1.0",
        history=ONE,
        spoil=_one_server_dead,
        ends=NotBegun,
    ),
    Deployment(
        name="rollback whose watch finds something",
        kind="rollback",
        version="1.0.0",
        history=TWO,
        spoil=_rollback_fails_live,
    ),
    Deployment(name="rollback with Pulumi broken", kind="rollback", version="1.0.0", history=TWO, spoil=_pulumi_broken),
    Deployment(
        name="rollback with a dead server", kind="rollback", version="1.0.0", history=TWO, spoil=_one_server_dead
    ),
    Deployment(
        name="rollback to what does not run", kind="rollback", version="1.0.0", history=TWO, spoil=_idle_process_ended
    ),
    Deployment(
        name="rollback to what does not come up",
        kind="rollback",
        version="1.0.0",
        history=TWO,
        spoil=_idle_process_ended_and_crashes,
        ends=InstallFailed,
    ),
    Deployment(
        name="rollback from what is open to what does not run",
        kind="rollback",
        version="1.1.0",
        history=TWO,
        spoil=_next_one_open_and_former_ended,
    ),
    Deployment(
        name="rollback with installation and Pulumi broken",
        kind="rollback",
        version="1.0.0",
        history=THREE,
        spoil=_pulumi_broken,
    ),
    Deployment(
        name="rollback with installation that one server refuses",
        kind="rollback",
        version="1.0.0",
        history=THREE,
        spoil=_rollback_fails_to_install,
        ends=Inconclusive,
    ),
    Deployment(
        name="rollback that cannot be seen",
        kind="rollback",
        version="1.0.0",
        history=TWO,
        spoil=_rollback_is_unreachable,
        ends=Inconclusive,
        stays_open=True,
    ),
    Deployment(
        name="rollback with installation that cannot be seen",
        kind="rollback",
        version="1.0.0",
        history=THREE,
        spoil=_rollback_is_unreachable,
        ends=Inconclusive,
        stays_open=True,
    ),
)
