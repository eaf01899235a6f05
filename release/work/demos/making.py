"""A demo brought up: requested, made and installed by one `pulumi up`, and seen to answer.

Its lane is short: no backup, no watch, no second slot. Each step goes on where an earlier try stopped, so whatever
fails or is killed is mended by asking for the demo again.
"""

import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

import yaml

from contract import outputs
from contract.artifacts import artifact_key, demo_folder
from contract.health import HEALTH_PATH, HEALTHY, stated_version
from contract.migration import ONCE
from release.doors.aws.balancer import Balancer
from release.doors.probe import Probe, Request
from release.process.errors import Broken, Refused, StagelineError
from release.process.interruption import INTERRUPTION
from release.process.output import Progress
from release.records.artifacts.archive import Artifact
from release.records.artifacts.manifest import Manifest
from release.records.commands import KeptCommands
from release.records.demos.demo import Content, Cost, Demo
from release.records.demos.registry import Entry
from release.records.ledger.ledger import Writer
from release.rules.demos import (
    refuse_another,
    refuse_crowded,
    refuse_dying,
    refuse_no_seed,
    refuse_other_owner,
    stamp,
)
from release.rules.owners import owner_of
from release.work.demos.base import Base, change_stack
from release.work.demos.data import make_database
from release.work.keys import make_keys
from settings import demos

SLOT = "blue"  # the one that a demo uses
ANSWER_LIMIT, ANSWER_PAUSE = 60.0, 0.25  # seconds until it has to answer, and between two looks


Data = Literal["none", "seed", "again"]


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What somebody wants to show: a branch, for how long, to whom, and what runs: a file, or a release of the base.

    `data`: example data by its bin/seed, where there are none yet (`seed`) or once more (`again`).
    """

    branch: str
    life: timedelta
    open_to: tuple[str, ...] | None
    version: str
    shown: Artifact | Manifest
    data: Data = "none"


def bring_up(base: Base, request: Wanted, writer: Writer, progress: Progress) -> Demo:
    """Make a branch's demo, or give the one that there is another content; it lives from now on.

    Refused where there may be no more, and where it is somebody else's; LeaseHeld while somebody works on it.
    """
    entry = _claimed(base, request, writer)
    with _kept_on_failure(base, lambda: entry):
        with progress.step(entry.demo.stack, "artifact stored"):
            _store(base, entry.demo, request.shown)
        base.registry.refuse_overtaken(entry)
        with progress.step(entry.demo.stack, "keys and Pulumi stack"):
            _prepare(base, entry.demo)
        make_database(base, entry, progress)
        entry = base.registry.change(entry, content=_content(base, entry.demo, request))
        with progress.step(entry.demo.stack, "made and installed"):
            change_stack(base, entry.demo, progress, fence=entry.version)
        with progress.step(entry.demo.stack, "answers"):
            url = _answering(base, entry.demo, request.version)
        entry = base.registry.change(entry, state="up", url=url, held=None)
    return entry.demo


def _claimed(base: Base, request: Wanted, writer: Writer) -> Entry:
    """The demo, recorded before anything of it is made; from now on it is ours."""
    found = base.registry.find(demos.stack_of(request.branch))
    entry = _renewed(base, found, request, writer) if found else _added(base, request, writer)
    if entry.demo.content is None:
        _refuse_one_too_many(base, entry, is_new=found is None)
    return entry


def _renewed(base: Base, entry: Entry, request: Wanted, writer: Writer) -> Entry:
    refuse_other_owner(entry.demo, writer.principal)
    base.refuse_other_base(entry.demo)
    refuse_dying(entry.demo)
    base.refuse_held(entry.demo)
    refuse_no_seed(request.data, entry.demo.database, has_seed=_has_seed(request.shown))
    open_to, held, times = request.open_to or entry.demo.open_to, base.hold(writer), base.from_now(request.life)
    cost, seed = base.cost_of(entry.demo), _seed(request)
    return base.registry.change(
        entry, **times, open_to=open_to, held=held, cost=cost, state="creating", why="", seed=seed
    )


def _added(base: Base, request: Wanted, writer: Writer) -> Entry:
    demo = _new(base, request, writer)
    refuse_no_seed(request.data, demo.database, has_seed=_has_seed(request.shown))
    refuse_another(base.limits, base.registry.all().demos, demo)
    if demo.database == "shared":
        refuse_crowded(base.limits, base.environment.name, base.database.crowd(), base.database.free_share())
    return base.registry.add(demo)


def _refuse_one_too_many(base: Base, entry: Entry, *, is_new: bool) -> None:
    """Asked before the first content, behind the item: of several that ask at once each sees the others, so that no
    more than there may be ever go on. All may step back then, and one that asks again is let in.
    """
    others = [demo for demo in base.registry.all().demos if demo.stack != entry.demo.stack]
    try:
        refuse_another(base.limits, others, entry.demo)
    except Refused:
        if is_new:
            base.registry.forget(entry)
        else:
            base.registry.change(entry, held=None)
        raise


def _new(base: Base, request: Wanted, writer: Writer) -> Demo:
    default = base.limits.open_to or base.environment.settings.load_balancer.preview_sources
    times = base.from_now(request.life)
    demo = Demo(
        stack=demos.stack_of(request.branch),
        branch=request.branch,
        creation=secrets.token_hex(4),
        base=base.environment.name,
        owner=owner_of(writer.principal),
        made=stamp(base.registry.now()),
        renewed=times["renewed"],
        expires=times["expires"],
        open_to=request.open_to or default,
        state="creating",
        cost=Cost(cents=0),
        database=base.limits.database,
        seed=_seed(request),
        held=base.hold(writer),
    )
    return demo.but(cost=base.cost_of(demo))


def _seed(request: Wanted) -> str:
    """How the installer is asked for example data: `again` by a word that it never followed before."""
    return {"none": "", "seed": ONCE, "again": f"again-{secrets.token_hex(4)}"}[request.data]


def _has_seed(shown: Artifact | Manifest) -> bool:
    """Of a release only its server knows, and refuses it there."""
    return isinstance(shown, Manifest) or shown.has_seed


def _content(base: Base, demo: Demo, request: Wanted) -> Content:
    """Named anew each time, so that a server that was left half-way is looked at again."""
    time = base.registry.now().strftime("%Y%m%d-%H%M%S")
    return Content(
        release=request.version,
        digest=request.shown.digest,
        commands=KeptCommands.of(request.shown.commands),
        deployment=f"{demo.creation}-{time}-{secrets.token_hex(2)}",
    )


def _store(base: Base, demo: Demo, shown: Artifact | Manifest) -> None:
    """The bytes in a place of the demo's own in the base's bucket: whatever is pruned, they stay while it lives."""
    key = artifact_key(demo_folder(demo.creation), shown.digest)
    if isinstance(shown, Manifest):
        base.artifacts.copy_new_from(base.artifacts, shown.artifact_key, shown.digest, shown.parts, to=key)
    else:
        base.artifacts.upload_new(key, shown.path, shown.digest, shown.parts)


def _prepare(base: Base, demo: Demo) -> None:
    """What has to be there before Pulumi can make it; what is there already stays."""
    settings, stack = base.settings_of(demo), base.stack_of(demo)
    tags = demos.tags(settings, creation=demo.creation, owner=demo.owner)
    make_keys(settings.names, tags, base.secrets, bastion=False)
    write_stack_file(base, demo)
    if not stack.exists():
        names = base.environment.settings.names
        stack.create(f"awskms://{names.state_alias}?region={names.region}")


def write_stack_file(base: Base, demo: Demo) -> None:
    """Pulumi asks a stack file for the keys that Pulumi.yaml states. It is tracked nowhere, and the program reads none
    of it: what a demo is follows from its base and the registry. One that is there already stays: Pulumi wrote into it
    how the state is encrypted.
    """
    file = base.environment.project.folder / f"Pulumi.{demo.stack}.yaml"
    if not file.exists():
        stated = base.settings_of(demo).model_dump(mode="json", exclude={"project", "environment"})
        config = {f"{base.environment.settings.project}:{key}": value for key, value in stated.items()}
        file.write_text(yaml.safe_dump({"config": config}, sort_keys=False), encoding="utf-8")


def _answering(base: Base, demo: Demo, version: str) -> str:
    """Its URL, once it answers there with the version that was asked for."""
    said = base.stack_of(demo).outputs()
    url, group = str(said[outputs.LIVE_URL]), str(said[outputs.TARGET_GROUPS][SLOT])
    wait_for_answer(base.environment.probe, base.environment.balancer, url, group, version)
    return url


def wait_for_answer(
    probe: Probe,
    balancer: Balancer,
    url: str,
    group: str,
    version: str,
    *,
    pause: Callable[[float], None] = time.sleep,
    ticks: Callable[[], float] = time.monotonic,
) -> None:
    """Return once a page answers with this version; where it cannot be reached from here, once the balancer says that
    its target is healthy. Broken after ANSWER_LIMIT seconds.
    """
    ends = ticks() + ANSWER_LIMIT
    while True:
        answer = probe.send(url, Request(path=HEALTH_PATH))
        if answer.status == HEALTHY and stated_version(answer.body) == version:
            return
        if not answer.reached and {target.state for target in balancer.targets(group)} == {"healthy"}:
            return
        if ticks() > ends:
            raise Broken(f"{url} does not answer as {version}: {answer.status or answer.body}", hint="look at its log")
        pause(ANSWER_PAUSE)


@contextmanager
def _kept_on_failure(base: Base, entry: Callable[[], Entry]) -> Iterator[None]:
    """Of a demo that failed it is recorded why, and nobody holds it. That this cannot be recorded hides no failure."""
    again = "release demo up again goes on, release demo down takes it away"
    with INTERRUPTION.watched(way_on=again):
        try:
            yield
        except Exception as error:
            with suppress(StagelineError):
                base.registry.change(entry(), state="failed", why=str(error), held=None)
            raise
