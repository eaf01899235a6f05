"""A demo as the registry keeps it. Times are UTC, ISO 8601."""

from datetime import datetime
from typing import Literal

from pydantic import Field

from release.process.form import FORMAT, Form, Unreadable, read_form, stored
from release.process.processes import Process
from release.process.text import quoted, utc_of
from release.records.commands import BY_NAME, KeptCommands
from settings.demos import is_creation, is_demo_branch, stack_of
from settings.model import DemoDatabase

Standing = Literal["creating", "up", "failed", "dying"]


class Content(Form):
    """What its server runs, and the deployment that put it there."""

    release: str
    digest: str
    deployment: str
    commands: KeptCommands = BY_NAME


class Pin(Form):
    """Who keeps it without an end, why, and since when."""

    by: str
    reason: str
    since: str


class Held(Form):
    """Who works on it. A process that has ended here, or a time that has passed, lets the next one in."""

    by: str
    host: str
    until: str
    process: Process | None = None


class Cost(Form):
    """What it costs a day: US cents, and the things that are not in them because nobody could look up their prices."""

    cents: int = Field(ge=0, le=10_000_000)
    unknown: tuple[str, ...] = ()


class Demo(Form):
    """One creation of a branch's demo. `creation` is what everything of it is named and tagged by.

    `owner` is whose it is (`release.rules.owners`), `open_to` the addresses that may see it, `renewed` when it was last
    said how long it lives, `database` what it was made with, whatever the stack file says by now, and `seed` how
    example data are asked for. `why` tells what went wrong last, `warned` of which end its owner was told.
    """

    stack: str
    branch: str
    creation: str
    base: str
    owner: str
    made: str
    renewed: str
    expires: str
    open_to: tuple[str, ...]
    state: Standing
    cost: Cost
    database: DemoDatabase
    content: Content | None = None
    seed: str = ""
    url: str = ""
    why: str = ""
    warned: str = ""
    pinned: Pin | None = None
    held: Held | None = None
    format: int = FORMAT

    @property
    def expires_at(self) -> datetime:
        """When it is to go, unless it is pinned."""
        return utc_of(self.expires)

    @property
    def renewed_at(self) -> datetime:
        """When it was last said how long it lives."""
        return utc_of(self.renewed)


def demo_text(demo: Demo) -> str:
    """A demo as it is stored."""
    return stored(demo)


def parse_demo(text: str, stack: str) -> Demo:
    """A demo as it was stored; Unreadable when it is spoilt, or speaks of anything but this branch's own stack: what is
    destroyed is what it says.
    """
    demo = read_form(Demo, text, what := f"the registry's item of {stack}")
    if why := _spoilt(demo, stack):
        raise Unreadable(f"{what} is not readable: {why}")
    return demo


def _spoilt(demo: Demo, stack: str) -> str:
    """What cannot be in a demo; empty where all is well."""
    for name, time in (("made", demo.made), ("renewed", demo.renewed), ("expires", demo.expires)):
        try:
            utc_of(time)
        except ValueError as error:
            return f"{name}: {error}"
    if not is_demo_branch(demo.branch) or not demo.stack == stack == stack_of(demo.branch):
        return f"it is of {quoted(demo.stack)}, of {quoted(demo.branch)}"
    return "" if is_creation(demo.creation) else f"creation: {quoted(demo.creation)}"
