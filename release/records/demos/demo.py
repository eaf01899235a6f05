"""A demo as the registry keeps it. Times are UTC, ISO 8601."""

from datetime import datetime
from typing import Literal

from release.process.form import FORMAT, Form, Unreadable, read_form, stored
from release.process.processes import Process
from release.process.text import utc_of

Standing = Literal["creating", "up", "failed", "dying"]


class Content(Form):
    """What its server runs, and the deployment that put it there."""

    release: str
    digest: str
    deployment: str


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


class Demo(Form):
    """One creation of a branch's demo. `creation` is what everything of it is named and tagged by.

    `owner` is the ARN of who asked for it, `open_to` the addresses that may see it. `why` tells what went wrong last.
    """

    stack: str
    branch: str
    creation: str
    base: str
    owner: str
    made: str
    expires: str
    open_to: tuple[str, ...]
    state: Standing
    content: Content | None = None
    url: str = ""
    why: str = ""
    pinned: Pin | None = None
    held: Held | None = None
    format: int = FORMAT

    @property
    def expires_at(self) -> datetime:
        """When it is to go, unless it is pinned."""
        return utc_of(self.expires)


def demo_text(demo: Demo) -> str:
    """A demo as it is stored."""
    return stored(demo)


def parse_demo(text: str, stack: str) -> Demo:
    """A demo as it was stored; Unreadable when it is spoilt, or is another one's."""
    demo = read_form(Demo, text, what := f"the registry's item of {stack}")
    try:
        utc_of(demo.expires)
    except ValueError as error:
        raise Unreadable(f"{what} is not readable: expires: {error}") from None
    if demo.stack != stack:
        raise Unreadable(f"{what} is of {demo.stack}")
    return demo
