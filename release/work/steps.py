"""The work of each step of a deployment. A step returns its evidence, or raises and leaves the undoing to others."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property, partial
from typing import Any

from contract.outputs import DATABASE, LIVE_URL, PREVIEW_URL, SERVERS
from contract.slots import SlotName
from release.doors.aws.listeners import Entrance
from release.doors.engine.stack import outputs_of
from release.environment import Environment
from release.process.errors import Broken, Inconclusive, LeaseLost, Refused, StagelineError, ToldToEnd
from release.process.interruption import INTERRUPTION
from release.process.output import Progress
from release.records.artifacts.manifest import Manifest, Verdict
from release.records.ledger.event import Details
from release.records.ledger.ledger import Holder
from release.rules.consents import to_overrule
from release.rules.lanes import StepName
from release.rules.plan import Plan
from release.work.backup import take_backup, try_backup
from release.work.preflight import refuse_other_changes, refuse_users_in
from release.work.seats import ids_of, not_healthy, seat_holders, seat_told, seat_told_before, unseat
from release.work.snapshot_room import refuse_without_room
from release.work.users import move_users
from release.work.verification.verification import HEALTH_LIMIT
from release.work.verification.watch import Subject
from release.work.wanted import refuse_unwanted

SWITCH_LIMIT = 30.0  # seconds: every node of a balancer knows within a few of them where a listener leads
LATER = 20.0  # seconds for which a rollback waits to tell Pulumi's state: the next `up` by anyone does that as well
TELLING = 300.0  # seconds that this `up` may take: users are back, and the lease is held meanwhile


@dataclass(frozen=True)
class Work:
    """One deployment at work: its plan, the release, the environment, and the lease in hand.

    ``manifest`` is None where it is read only when it is needed. ``requested`` is the number of the event that holds
    the plan.
    """

    plan: Plan
    manifest: Manifest | None
    environment: Environment
    holder: Holder
    requested: int
    progress: Progress
    resumed: bool = False

    @cached_property
    def noted(self) -> set[str]:
        """What was noted already."""
        return set()

    def note_once(self, text: str) -> None:
        """Say something that is found at every look, and need not be said at each."""
        if text not in self.noted:
            self.noted.add(text)
            self.progress.note(text)

    @cached_property
    def entrance(self) -> Entrance:
        """Where users come in, as AWS says."""
        return self.environment.listeners.find()

    @cached_property
    def live_url(self) -> str:
        """Where users go."""
        return self.environment.live_url(self.entrance)

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

    @cached_property
    def release(self) -> Manifest:
        """The signed manifest. A rollback does not read it before users are back."""
        return self.manifest or manifest_of(self.environment, self.plan)

    @cached_property
    def out(self) -> frozenset[str]:
        """The instances of the servers that are marked out: nothing waits for them.

        Only Pulumi knows them. Who goes back without it waits for them like for others, and is told.
        """
        if not (names := self.holder.head.state.out_names):
            return frozenset()
        try:
            return ids_of(self.outputs, names)
        except ToldToEnd:
            raise
        except StagelineError as error:
            if self.plan.kind != "rollback":
                raise
            self.progress.note(f"which instances {', '.join(sorted(names))} have is not known: {error.args[0]}")
            return frozenset()

    @property
    def silent(self) -> frozenset[str]:
        """The names of the servers that do not answer now; nobody expects that of those that are marked out."""
        return self.environment.fleet.silent(self.outputs, self.holder.head.state.out_names)

    def up(
        self, *, passed_over: frozenset[str] = frozenset(), wait: float | None = None, limit: float | None = None
    ) -> None:
        """Make AWS what HEAD says, under this lease; somebody else's ``up`` is waited for."""
        fence, deployment = self.holder.lease.fence, self.plan.deployment
        self.environment.up(fence, deployment, self.progress, passed_over=passed_over, wait=wait, limit=limit)
        seat_told(self.environment, self.outputs, passed_over | self.holder.head.state.out_names)


def manifest_of(environment: Environment, plan: Plan) -> Manifest:
    """The signed manifest of a plan's release; Refused when it speaks of other bytes than the plan."""
    manifest = environment.releases.get(plan.version)
    if manifest.digest != plan.digest:
        raise Refused(
            f"{plan.version} has other bytes than when {plan.deployment} began (sha256 {manifest.digest[:12]} instead "
            f"of {plan.digest[:12]})",
            hint=f"put it back with: release abort {environment.name}",
        )
    return manifest


def preflight(work: Work) -> Details:
    """Find out that it cannot work before anything changes. What the release logs in to its database as, is made."""
    environment, outputs = work.environment, work.outputs
    refuse_users_in(environment, work.entrance, work.plan.slot)
    environment.releases.refuse_other_bytes(work.release)
    room = refuse_without_room(environment)
    applied = refuse_other_changes(environment, outputs, work.holder.lease.fence, work.plan.deployment)
    role = environment.database_role.ensure(outputs)
    return {
        "database": outputs[DATABASE],
        "role": role,
        "live_url": outputs[LIVE_URL],
        "applied": applied,
        **room,
    }


def back_up(work: Work) -> Details:
    """Take the way back for data before anything changes. A rollback changes none: it starts one, and goes on."""
    environment, deployment = work.environment, work.plan.deployment
    if work.plan.kind == "rollback":
        tried = try_backup(
            environment,
            deployment,
            database=lambda: str(work.outputs[DATABASE]),
            state=lambda: work.stack_state,
        )
        return asdict(tried)
    return asdict(take_backup(environment, deployment, work.outputs[DATABASE], work.stack_state))


def install(work: Work) -> Details:
    """Put the release into the idle slot of every server, by asking their installers. The live slot is not touched.

    Pulumi is told of it by ``applied``. A rollback passes over servers that do not answer, and never migrates.
    """
    environment, plan = work.environment, work.plan
    if plan.kind == "rollback":
        end_superseded(work)
    entrance = environment.listeners.find()
    refuse_users_in(environment, entrance, plan.slot)
    environment.listeners.show(entrance, plan.slot)
    if plan.kind == "rollback":
        return _install_back(work, entrance)
    with environment.migrations.allowed(plan.deployment):
        installed = environment.fleet.install(
            work.outputs,
            plan.slot,
            plan.content,
            out=work.holder.head.state.out_names,
            go_on=partial(_refuse_to_go_on, work),
            still_ours=partial(_refuse_taken_over, work),
            told=work.progress.note,
            resumed=work.resumed,
        )
    _refuse_taken_over(work)
    seat_holders(environment, entrance.groups[plan.slot], work.outputs, installed.results)
    return {"slot": plan.slot, "servers": len(installed.results), "results": installed.results}


def _install_back(work: Work, entrance: Entrance) -> Details:
    """The same for a rollback: on every server at once that answers, as long as one of them takes it."""
    plan, silent = work.plan, work.silent
    _refuse_all_silent(work, silent)
    _refuse_to_go_on(work)
    installed = work.environment.fleet.install_back(
        work.outputs,
        plan.slot,
        plan.content,
        left_out=silent | work.holder.head.state.out_names,
        still_ours=partial(_refuse_taken_over, work),
        told=work.progress.note,
    )
    kept_out, failed = _why_not_seated(work, entrance, installed.results), installed.failed
    if kept_out:
        failed = _emptied(work, failed)
        _refuse_others_healthy(work, entrance, installed.results, kept_out)
    return {
        "slot": plan.slot,
        "servers": len(installed.results),
        "results": installed.results,
        "passed_over": sorted({*silent, *installed.silent, *failed}),
        "failed": failed,
        "kept_out": kept_out,
    }


def _refuse_taken_over(work: Work) -> None:
    """Before each order, and before who takes part is changed. What cannot be read keeps nobody from going back."""
    try:
        work.environment.ledger.head_under(work.holder.lease.fence)
    except LeaseLost:
        raise
    except StagelineError:
        if work.plan.kind != "rollback":
            raise


def _emptied(work: Work, failed: dict[str, str]) -> dict[str, str]:
    """Why servers failed, with their slots emptied: users would get from there what it held before."""
    return work.environment.fleet.empty(
        work.outputs,
        work.plan.slot,
        work.plan.content,
        failed,
        still_ours=partial(_refuse_taken_over, work),
        told=work.progress.note,
    )


def _refuse_others_healthy(work: Work, entrance: Entrance, holding: Collection[str], why: str) -> None:
    """Inconclusive where users would meet another release beside this one, and nobody said: all the same."""
    others = work.environment.verification.healthy(entrance.groups[work.plan.slot]) - ids_of(work.outputs, holding)
    if others and "doubt" not in work.plan.despite:
        raise Inconclusive(
            f"{', '.join(sorted(others))} may serve another release in {work.plan.slot}: {why}",
            hint=f"to go all the same: {to_overrule(work.environment.name, 'doubt')}",
        )


def _why_not_seated(work: Work, entrance: Entrance, holding: Collection[str]) -> str:
    """Let only those who hold the release take part in its slot; why that was refused, which holds up no rollback."""
    _refuse_taken_over(work)
    try:
        seat_holders(work.environment, entrance.groups[work.plan.slot], work.outputs, holding)
    except ToldToEnd:
        raise
    except StagelineError as error:
        return str(error)
    return ""


def _refuse_to_go_on(work: Work) -> None:
    """Before servers are asked, and once more before all but the canary: nobody takes back what they do then.

    HEAD's fence is read as the program of an ``up`` reads it: installers know of no fence.
    """
    INTERRUPTION.check()
    refuse_unwanted(work)
    _refuse_taken_over(work)


def _refuse_all_silent(work: Work, silent: frozenset[str]) -> None:
    """Inconclusive where an installation would reach nobody, and be waited for in vain."""
    names, out = {one["name"] for one in work.outputs[SERVERS]}, work.holder.head.state.out_names
    if names - out <= silent:
        name = work.environment.name
        others = f"; {', '.join(sorted(out))} out: release mark-out {name} SERVER --lift --reason WHY" if out else ""
        raise NobodyAnswers(
            f"no server of {name} answers: {', '.join(sorted(silent))}",
            hint=f"make one anew: release replace-server {name} {min(silent)}{others}",
        )


class NobodyAnswers(Inconclusive):
    """No server lets anybody in, so none was asked for anything (exit code 4)."""


class NotStarted(Broken):
    """What a slot holds could not be started, and nothing else is wrong: it may be installed again (exit code 1)."""


def start(work: Work) -> Details:
    """Start the release where it does not run, until as many servers are healthy as users need."""
    groups, slot = work.entrance.groups, work.plan.slot
    shown = _shown(work)
    _take_in(work)
    instances = [target.instance for target in work.environment.balancer.targets(groups[slot])]
    try:
        started = _started(work, instances, may_run=shown)
        _see_enough(work, groups[slot])
    except ToldToEnd:
        raise
    except StagelineError as error:
        raise NotStarted(str(error.args[0]), hint=error.hint) from error
    return {"started": started}


def _shown(work: Work) -> bool:
    """Let the preview listener lead to the slot, as no health is told of one that no listener leads to; whether it did
    not. Broken where that listener is gone.
    """
    environment, entrance = work.environment, work.entrance
    try:
        return environment.listeners.show(entrance, work.plan.slot)
    except StagelineError as error:
        if not entrance.preview:
            error.hint = f"to trust the ledger: {to_overrule(environment.name, 'fewer-servers')}; {error.hint}"
            raise
        work.progress.note(f"the health of slot {work.plan.slot} may not be told: {error.args[0]}")
        return False


def _started(work: Work, instances: Sequence[str], *, may_run: bool) -> list[str]:
    """Who said that it runs. Where it may run already, the balancer tells, whoever cannot be asked."""
    try:
        return work.environment.fleet.start(instances, work.plan.slot)
    except ToldToEnd:
        raise
    except StagelineError as error:
        if not may_run:
            raise
        work.progress.note(f"{error.args[0]}: the balancer is asked whether {work.plan.version} runs already")
        return []


def _take_in(work: Work) -> None:
    """Who was left out of this slot when it was filled, and holds it by now. What cannot be asked holds up nothing."""
    if work.holder.head.state.out_names:
        return  # their instances are known to Pulumi only, and they are not to be taken in
    _refuse_taken_over(work)
    try:
        seat_told_before(work.environment, work.entrance.groups, work.plan.slot, work.plan.content)
    except ToldToEnd:
        raise
    except StagelineError as error:
        work.progress.note(f"who else holds {work.plan.version} is not known: {error.args[0]}")


def verify(work: Work) -> Details:
    """See the release healthy and passing its smoke checks behind the preview listener.

    Of a rollback the balancer's word is enough: whoever goes back needs no answer within milliseconds.
    """
    verification, group = work.environment.verification, work.entrance.groups[work.plan.slot]
    if work.plan.kind == "rollback":
        _see_enough(work, group)
        return {"targets": len(work.environment.balancer.targets(group))}
    url = work.outputs[PREVIEW_URL]
    verification.wait_until_healthy(group, len(work.outputs[SERVERS]), beside=_live_group(work), out=work.out)
    verification.wait_until_answering(url, work.plan.version)
    return {"url": url, "smoke_ms": verification.smoke(url, work.release)}


def end_superseded(work: Work) -> None:
    """End what the deployment that this rollback took over from left running, and see that it moved nobody meanwhile:
    its Pulumi knows a HEAD of before.
    """
    if not work.plan.supersedes or not work.environment.leftovers.end(work.plan.supersedes):
        return
    listeners, entrance = work.environment.listeners, work.environment.listeners.find()
    behind = work.holder.head.state.declared == work.plan.slot
    if behind and listeners.slot_in_use(entrance) != work.plan.slot:
        move_users(work.environment, work.holder, entrance, work.plan.slot)


def switch(work: Work) -> Details:
    """Move the live listener, by one call. HEAD says it already, so the next ``up`` by anyone says the same."""
    entrance = work.entrance
    left_out = {} if work.plan.installs else _leave_out_unknown(work, not_healthy)
    not_moved = move_users(work.environment, work.holder, entrance, work.plan.slot)
    return {"listener": entrance.live, **({"preview": not_moved} if not_moved else {}), **left_out}


def _leave_out_unknown(work: Work, unknown: Callable[[Environment, str], frozenset[str]]) -> Details:
    """Where it is not sure what the slot holds, nobody is let in later with what nobody knows. It holds up nothing."""
    held, environment = work.holder.head.state.slot(work.plan.slot), work.environment
    if held is None or not held.unsure:
        return {}
    group, away = work.entrance.groups[work.plan.slot], frozenset[str]()
    _refuse_taken_over(work)
    try:
        away = unknown(environment, group)
        unseat(environment, group, away)
    except ToldToEnd:
        raise
    except StagelineError as error:
        return {"left_out": sorted(away), "kept_out": str(error)}
    return {"left_out": sorted(away)} if away else {}


def _holding_else(plan: Plan, environment: Environment, group: str) -> frozenset[str]:
    """Those who are not healthy in the slot, and do not say that they hold what it should."""
    away = not_healthy(environment, group)
    return away - environment.fleet.holding(sorted(away), plan.slot, plan.content) if away else away


def see_answer(work: Work) -> Details:
    """See the live listener answer with the release: soon, where users could get back what they had."""
    limit = HEALTH_LIMIT if work.plan.kind == "rollback" else SWITCH_LIMIT
    work.environment.verification.wait_until_answering(work.live_url, work.plan.version, limit)
    return {"live_url": work.live_url}


def apply(work: Work) -> Details:
    """Write into Pulumi's state what servers and listener do already, and move the preview listener to the other slot.

    The program gives every installer once more the order that it carried out, which changes nothing there.
    """
    if work.plan.kind == "rollback":
        end_superseded(work)
        _leave_out_unknown(work, partial(_holding_else, work.plan))
        work.up(passed_over=work.silent, wait=LATER, limit=TELLING)
    else:
        work.up()
    return {"slot": work.plan.slot}


def watch(work: Work) -> Details:
    """See the release pass its smoke checks where the users are, and stay good for a while."""
    smoke = work.environment.verification.smoke(work.live_url, work.release)
    subject = Subject(
        url=work.live_url,
        manifest=work.release,
        slot=work.plan.slot,
        outputs=work.outputs,
        beside=_other_slot(work),
        out=work.out,
        still_wanted=partial(refuse_unwanted, work),
    )
    return {"smoke_ms": smoke, **work.environment.watch.run(subject)}


def sign_verdict(work: Work) -> Details:
    """Sign this environment's verdict over the artifact: the next environment asks for it. A rollback needs none."""
    if work.plan.unverified:
        return {"verdict": "not signed: nobody verified it here"}
    try:
        work.environment.releases.sign_verdict(verdict_of(work.environment, work.plan, "passed"))
    except Exception as error:
        if work.plan.kind != "rollback":
            raise
        return {"verdict": f"not signed: {error}"}
    return {"verdict": "passed"}


def verdict_of(environment: Environment, plan: Plan, outcome: str) -> Verdict:
    """What the environment says of a deployment's release."""
    return Verdict(
        version=plan.version,
        digest=plan.digest,
        environment=environment.name,
        deployment=plan.deployment,
        outcome=outcome,
        at=environment.ledger.now().isoformat(timespec="seconds"),
    )


def _see_enough(work: Work, group: str) -> None:
    """Wait for no fewer healthy servers than users have, or for one, where a person said that fewer do."""
    beside = None if "fewer-servers" in work.plan.despite else _live_group(work)
    try:
        work.environment.verification.wait_until_enough(group, beside, work.out)
    except Inconclusive as error:
        error.hint = f"to go with fewer servers: {to_overrule(work.environment.name, 'fewer-servers')}"
        raise


def _live_group(work: Work) -> str | None:
    """The target group of the slot that users are on; None while nothing is live."""
    declared = work.holder.head.state.declared
    return work.entrance.groups[declared] if declared else None


def _other_slot(work: Work) -> SlotName | None:
    """The other slot, where what was live before still runs in it: a server that is ill in both is ill itself."""
    live = work.holder.head.state.live
    return live.slot if live and live.slot != work.plan.slot else None


STEPS: Mapping[StepName, Callable[[Work], Details]] = {
    "preflight": preflight,
    "backed up": back_up,
    "installed": install,
    "started": start,
    "verified": verify,
    "switched": switch,
    "answered": see_answer,
    "applied": apply,
    "watched": watch,
    "live": sign_verdict,
}
