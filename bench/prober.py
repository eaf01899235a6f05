"""When users were on which release, to a hundredth of a second, and who of them was not answered."""

from bench.figure import Figure, NotMeasured
from local.traffic import Traffic

EVERY = 0.01  # seconds between two requests


class Prober(Traffic):
    """Requests for the health of an application, from ``with`` to its end."""

    def __init__(self, url: str) -> None:
        super().__init__(f"{url}/health", EVERY)

    def moment(self, version: str) -> float:
        """When users came to the release that they are on now, by ``time.monotonic()``: it has to be this one."""
        if self.versions[-1:] != [version]:
            raise NotMeasured(f"users are not on {version}: {' -> '.join(self.versions) or 'nobody was answered'}")
        return self.since[-1]

    def dropped(self, meanwhile: str) -> Figure:
        """The requests that failed."""
        return Figure(
            what=f"requests dropped by {meanwhile}",
            value=len(self.failed),
            unit="",
            bound=0,
            detail="\n".join((f"    of {self.sent} sent", *(f"    {failure}" for failure in self.failed[:5]))),
        )
