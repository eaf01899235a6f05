"""A demo taken down for good: destroyed, swept, its stack removed, and only then forgotten.

Killed anywhere it goes on: each step is over where it has nothing left to do.
"""

from contextlib import suppress

from contract.artifacts import demo_folder
from release.doors.aws.leftovers import Leftovers
from release.process.errors import Refused, StagelineError
from release.process.interruption import INTERRUPTION
from release.process.output import Progress
from release.records.demos.registry import Entry
from release.records.ledger.ledger import Writer
from release.work.demos.base import Base, change_stack
from release.work.demos.sweep import sweep
from settings import demos
from settings.permissions.identities import Identities


def take_down(base: Base, entry: Entry, writer: Writer, progress: Progress) -> None:
    """End a demo. What fails is recorded with it, and it is not forgotten; LeaseHeld while somebody works on it."""
    base.refuse_other_base(entry.demo)
    base.refuse_held(entry.demo)
    entry = base.registry.change(entry, state="dying", held=base.hold(writer))
    with INTERRUPTION.watched(way_on="release demo down, or reap, goes on"):
        try:
            _end(base, entry, progress)
        except Exception as error:
            with suppress(StagelineError):
                base.registry.change(entry, why=str(error), held=None)
            raise
    base.registry.forget(entry)


def _end(base: Base, entry: Entry, progress: Progress) -> None:
    demo, stack = entry.demo, base.stack_of(entry.demo)
    is_there = stack.exists()
    if demo.database == "shared":
        base.registry.refuse_overtaken(entry)
        with progress.step(demo.stack, "database dropped"):
            base.database.drop(demos.database_of(demo.creation))
    if is_there:
        base.registry.refuse_overtaken(entry)
        with progress.step(demo.stack, "destroyed"):
            change_stack(base, demo, progress, fence=None)
    with progress.step(demo.stack, "swept"):
        sweep(leftovers_of(base, demo.creation), progress.note)
        _remove_what_pulumi_did_not_make(base, entry, progress)
    if is_there:
        base.registry.refuse_overtaken(entry)
        stack.remove()


def _remove_what_pulumi_did_not_make(base: Base, entry: Entry, progress: Progress) -> None:
    """Its secrets and artifacts; what the bucket's lock keeps stays for as long as that says, and only that."""
    names = base.settings_of(entry.demo).names
    for secret in (names.deploy_key, names.host_key, names.authorized_keys, names.database_login):
        base.secrets.remove(secret)
    if base.artifacts.exists():
        for key in base.artifacts.keys(f"{demo_folder(entry.demo.creation)}/"):
            try:
                base.artifacts.remove(key)
            except Refused as error:
                progress.note(str(error))


def leftovers_of(base: Base, creation: str) -> Leftovers:
    """What may be left of this creation of a demo, and of nothing else: its tags also name it where others name an
    environment, so what belongs to one is never touched, whatever other tags it was given.
    """
    settings = demos.derived(base.environment.settings, base.limits, creation=creation, open_to=())
    own = {"project": settings.project, "environment": settings.environment, **demos.kind_of(creation)}
    path = Identities(names=settings.names).machine_path
    return Leftovers(base.environment.session, own, path)
