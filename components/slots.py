"""Slots: every server runs up to two releases side by side, and one of them is live.

The ledger says what the slots hold. Here are the plain values that the components are declared from, so that tests,
parity and previews can give their own.
"""

from dataclasses import dataclass

from contract.commands import BY_NAME, Commands
from contract.slots import SLOTS, SlotName, idle, other


@dataclass(frozen=True, kw_only=True)
class SlotContent:
    """A release in a slot, or none in one that a deployment emptied, and the sha256 of what it runs with.

    A new `deployment` installs again, also where the release is the same, and empties again. With `reuse` a server
    whose slot holds these very bytes, run by the same `commands`, keeps them and only notes the deployment.
    """

    release: str | None
    digest: str | None
    deployment: str
    commands: Commands = BY_NAME
    configuration: str | None = None
    reuse: bool = False


@dataclass(frozen=True, kw_only=True)
class Slots:
    """What each slot holds and which one the live listener shall point at. None: no deployment touched the slot."""

    blue: SlotContent | None = None
    green: SlotContent | None = None
    declared: SlotName | None = None

    def __post_init__(self) -> None:
        if self.declared is not None and not self._holds_release(self.declared):
            raise ValueError(
                f"slot {self.declared} is declared live but holds no release; repair the ledger's HEAD first"
            )

    @property
    def idle(self) -> SlotName:
        """The slot that is not live: where the next release goes and where the preview listener points."""
        return idle(self.declared)

    @property
    def public(self) -> SlotName:
        """The slot that users get, or that they would not get either while nothing is live: the one not in preview."""
        return other(self.idle)

    @property
    def filled(self) -> tuple[tuple[SlotName, SlotContent], ...]:
        """The slots that the servers are told about, with what they shall hold."""
        return tuple((slot, content) for slot in SLOTS if (content := self.content(slot)) is not None)

    def _holds_release(self, slot: SlotName) -> bool:
        content = self.content(slot)
        return content is not None and content.release is not None

    def content(self, slot: SlotName) -> SlotContent | None:
        """What a slot holds."""
        return self.blue if slot == "blue" else self.green
