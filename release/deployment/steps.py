"""The work of each step of a deployment. A step returns its evidence, or raises and leaves the undoing to others."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

from release.artifacts.manifest import Manifest, Verdict
from release.deployment.backup import take_backup
from release.deployment.plan import Plan, StepName
from release.engine.stack import outputs_of
from release.environment import Environment
from release.errors import Broken
from release.ledger.ledger import Holder
from release.verification.watch import Subject

Evidence = dict[str, Any]


@dataclass(frozen=True)
class Work:
    """One deployment at work: its plan, the release, the environment, and the lease in hand.

    ``requested`` is the number of the event that holds the plan.
    """

    plan: Plan
    manifest: Manifest
    environment: Environment
    holder: Holder
    requested: int

    @cached_property
    def stack_state(self) -> bytes:
        """The stack's state as it was found, asked for once: Pulumi takes half a second to tell it."""
        return self.environment.stack.export()

    @cached_property
    def outputs(self) -> Mapping[str, Any]:
        """The stack's outputs; they do not change during a deployment."""
        outputs = outputs_of(self.stack_state)
        if not outputs:
            raise Broken(
                f"{self.environment.name} has not come up yet", hint=f"run: pulumi up --stack {self.environment.name}"
            )
        return outputs

    def up(self) -> None:
        """Make AWS what HEAD says, under this lease."""
        self.environment.stack.up(fence=self.holder.lease.fence, deployment=self.plan.deployment)


def preflight(work: Work) -> Evidence:
    """Find out that it cannot work before anything changes. What the release logs in to its database as, is made."""
    work.environment.releases.refuse_other_bytes(work.manifest)
    role = work.environment.database_role.ensure(work.outputs)
    return {"database": work.outputs["database_id"], "role": role, "live_url": work.outputs["live_url"]}


def back_up(work: Work) -> Evidence:
    """Take the way back for data before anything changes."""
    return asdict(take_backup(work.environment, work.plan.deployment, work.outputs["database_id"], work.stack_state))


def install(work: Work) -> Evidence:
    """Put the release into the idle slot of every server. The live slot is not touched."""
    work.up()
    return {"slot": work.plan.slot, "servers": len(work.outputs["servers"])}


def verify(work: Work) -> Evidence:
    """See the release healthy and passing its smoke checks behind the preview listener."""
    return _verified_behind(work, work.outputs["preview_url"])


def switch(work: Work) -> Evidence:
    """Move the live listener, and see it answer with the release."""
    work.up()
    work.environment.verification.wait_until_answering(work.outputs["live_url"], work.plan.version)
    return {"live_url": work.outputs["live_url"]}


def watch(work: Work) -> Evidence:
    """See the release pass its smoke checks where the users are, and stay good for a while."""
    url = work.outputs["live_url"]
    smoke = work.environment.verification.smoke(url, work.manifest)
    subject = Subject(url=url, manifest=work.manifest, slot=work.plan.slot, outputs=work.outputs)
    return {"smoke_ms": smoke, **work.environment.watch.run(subject)}


def sign_verdict(work: Work) -> Evidence:
    """Sign this environment's verdict over the artifact: the next environment asks for it."""
    verdict = Verdict(
        version=work.plan.version,
        digest=work.plan.digest,
        environment=work.environment.name,
        deployment=work.plan.deployment,
        outcome="passed",
        at=work.environment.ledger.now().isoformat(timespec="seconds"),
    )
    work.environment.releases.sign_verdict(verdict)
    return {"verdict": verdict.outcome}


def _verified_behind(work: Work, url: str) -> Evidence:
    verification = work.environment.verification
    group = work.outputs["target_groups"][work.plan.slot]
    verification.wait_until_healthy(group, len(work.outputs["servers"]))
    verification.wait_until_answering(url, work.plan.version)
    return {"url": url, "smoke_ms": verification.smoke(url, work.manifest)}


STEPS: Mapping[StepName, Callable[[Work], Evidence]] = {
    "preflight": preflight,
    "backed up": back_up,
    "installed": install,
    "verified": verify,
    "switched": switch,
    "watched": watch,
    "live": sign_verdict,
}
