"""Two people at one ledger: Ann, who holds the lease, and somebody else who would take it."""

from collections.abc import Callable

from release.process.processes import Process
from release.records.ledger.lease import IMPATIENT, LOOK, Patience
from release.records.ledger.ledger import Free, Holder, Writer
from tests.release.troubled import TroubledLedger
from tests.release.world import World

PROCESS = Process(pid=7, began=1, boot="b", space="s")
ANN = Writer(principal="arn:aws:iam::123456789012:user/ann", host="desk", ci="https://ci/7", process=PROCESS)


class Taker:
    """Somebody else at dev's ledger, with a time of their own; ``meanwhile`` happens at each pause of theirs."""

    def __init__(self, world: World, meanwhile: Callable[[], object] = lambda: None, *, pauses: float = LOOK) -> None:
        self.world = world
        self.seconds = 1_000_000.0
        self._meanwhile = meanwhile
        self._pauses = pauses
        self.ledger = TroubledLedger(
            world.dev.ledger.table,
            project="stageline",
            environment="dev",
            account="123456789012",
            now=world.clock,
            ticks=lambda: self.seconds,
            pause=self._pause,
            ended=lambda process: process in world.ended,
        )

    @property
    def waited(self) -> float:
        return self.seconds - 1_000_000

    def free(self, patience: Patience = IMPATIENT) -> Free:
        return self.ledger.free_lease(patience)

    def _pause(self, seconds: float) -> None:
        self.seconds += self._pauses
        self._meanwhile()


def beating(world: World, holder: Holder) -> Callable[[], None]:
    def beat() -> None:
        holder.lease = world.dev.ledger.beat(holder.lease) or holder.lease

    return beat
