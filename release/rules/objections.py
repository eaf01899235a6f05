"""What speaks against a release: answers and target health, judged as values."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from contract.health import HEALTH_PATH, HEALTHY, stated_version
from release.doors.aws.balancer import TargetHealth
from release.doors.probe import LIMIT, Answer, Request
from release.process.errors import MOST_MESSAGE, Inconclusive, StagelineError, VerificationFailed
from release.process.text import bounded, listed, quoted
from release.records.artifacts.manifest import LONGEST_MS, Check

SMOKE_LIMIT = 600.0  # seconds: smoke tests are done within 10 minutes
MOST_ASKED = 200  # characters of a name or a path in what is said of a check
HEALTH = Request(path=HEALTH_PATH)


@dataclass(frozen=True, kw_only=True)
class Objection:
    """Why something is not verified. ``failed``: the release is to blame; else it could not be told.

    ``server_ill``: it could not, because a server is ill with the other slot's release too.
    """

    why: str
    failed: bool = True
    server_ill: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "why", bounded(self.why))  # much of it is what others said


@dataclass(frozen=True, kw_only=True)
class Group:
    """Where a release runs, as the balancer knows it: the target group (ARN) of its slot, and how many servers it has.

    ``beside`` is the group of the other slot where a release runs in it, too: a server that is ill in both is ill
    itself. ``out`` are the instances that are marked out: what becomes of them counts for nothing.
    """

    arn: str
    servers: int
    beside: str | None = None
    out: frozenset[str] = frozenset()


def as_error(objections: Sequence[Objection], when_failed: str, when_untold: str) -> StagelineError:
    """All objections as one error: *failed* when the release is to blame for one of them, else *inconclusive*.

    What speaks against the release comes first; of very many objections the last are only counted.
    """
    failed = any(objection.failed for objection in objections)
    context = when_failed if failed else when_untold
    whys = [objection.why for objection in sorted(objections, key=lambda objection: not objection.failed)]
    text = f"{context}: {listed(whys, MOST_MESSAGE - len(context) - len(': ; and 1000 more'))}"
    return VerificationFailed(text) if failed else Inconclusive(text)


def as_request(check: Check) -> Request:
    """What a check asks. It is waited for at least as long as it may take, and no longer than balancers wait."""
    seconds = max(LIMIT, min(check.max_ms, LONGEST_MS) / 1000)
    return Request(path=check.path, method=check.method, headers=check.headers, body=check.body, seconds=seconds)


def healthy_in(targets: Collection[TargetHealth]) -> frozenset[str]:
    """The instances that are healthy in a group."""
    return frozenset(target.instance for target in targets if target.state == "healthy")


def unhealthy_in(targets: Collection[TargetHealth]) -> frozenset[str]:
    """The instances that the balancer finds unhealthy in a group. The other states are of targets that are new, leave,
    or are not looked at: they say nothing.
    """
    return frozenset(target.instance for target in targets if target.state == "unhealthy")


def unhealthy_objection(
    targets: Collection[TargetHealth],
    servers: int,
    elsewhere: Collection[TargetHealth] = (),
    out: frozenset[str] = frozenset(),
) -> Objection | None:
    """Why not each of ``servers`` is healthy among these targets of a slot, but for those that are ``out``.

    Only ``unhealthy`` speaks against the release, and only of a server that is not unhealthy ``elsewhere`` as well, in
    the other slot: such a server is ill with whatever release.
    """
    counted = [target for target in targets if target.instance not in out]
    ill = [target for target in counted if target.state != "healthy"]
    itself = unhealthy_in(ill) & unhealthy_in(elsewhere)
    if ill:
        said = "; ".join(_ill(target, itself) for target in ill)
        return Objection(
            why=f"the balancer says: {said}", failed=bool(unhealthy_in(ill) - itself), server_ill=bool(itself)
        )
    if len(counted) != servers - len(out):
        return Objection(why=f"the balancer has {len(counted)} of {servers - len(out)} targets", failed=False)
    return None


def _ill(target: TargetHealth, itself: frozenset[str]) -> str:
    reason = f" ({bounded(target.reason, MOST_ASKED)})" if target.reason else ""
    if target.instance in itself:
        return f"{target.instance} is unhealthy in both slots{reason}: the server is ill, not the release"
    return f"{target.instance} is {target.state}{reason}"


def excused(objections: Sequence[Objection]) -> tuple[Objection, ...]:
    """These objections while a server is ill itself: its share of the requests went wrong with whatever release."""
    return tuple(replace(objection, failed=False) for objection in objections)


def version_of(answer: Answer) -> str | None:
    """The version that an answer states; None where it is no good answer, or states none."""
    return stated_version(answer.body) if answer.status == HEALTHY else None


def version_objection(answer: Answer, version: str) -> Objection | None:
    """Why this is not an answer of ``version``."""
    if answer.status != HEALTHY:
        return _no_answer(HEALTH_PATH, answer) or Objection(
            why=f"{HEALTH_PATH} answered {answer.status}: {quoted(answer.body)}"
        )
    found = stated_version(answer.body)
    if found == version:
        return None
    said = f"without a version ({quoted(answer.body)})" if found is None else f"with version {quoted(found)}"
    return Objection(why=f"{HEALTH_PATH} answered {said} instead of {quoted(version)}")


def out_of_time(check: Check, before: Sequence[Objection]) -> Objection:
    """The smoke checks took too long for this one: slow answers did, unless nothing came through at all."""
    why = f"{bounded(check.name, MOST_ASKED)}: the {SMOKE_LIMIT:.0f} s for all smoke checks were over"
    return Objection(why=why, failed=all(objection.failed for objection in before))


def check_objection(check: Check, answer: Answer) -> Objection | None:
    """Why a smoke check did not pass."""
    objection = content_objection(check, answer)
    if objection is None and answer.milliseconds > check.max_ms:
        return Objection(why=f"{_asked(check)} took {answer.milliseconds} ms, {check.max_ms} are allowed")
    return objection


def content_objection(check: Check, answer: Answer) -> Objection | None:
    """Why this is not what the check asks for, however long it took."""
    asked = _asked(check)
    if answer.status != check.status:
        return _no_answer(asked, answer) or Objection(why=f"{asked} answered {answer.status} instead of {check.status}")
    if check.contains is not None and check.contains not in answer.body:
        return Objection(why=f"{asked} does not contain {quoted(check.contains)}")
    return None


def _asked(check: Check) -> str:
    return f"{bounded(check.name, MOST_ASKED)}: {check.method} {bounded(check.path, MOST_ASKED)}"


def _no_answer(asked: str, answer: Answer) -> Objection | None:
    if answer.late:
        return Objection(why=f"{asked} was not answered within {answer.milliseconds} ms")
    if answer.torn:
        return Objection(why=f"{asked} answered only in part: {bounded(answer.body, MOST_ASKED)}")
    if answer.reached:
        return None
    return Objection(why=f"{asked} could not be reached: {bounded(answer.body, MOST_ASKED)}", failed=False)
