"""The metrics of one account and region. They are kept on moto's backend, so they are kept when it is kept."""

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from moto.cloudwatch.models import cloudwatch_backends

from local.watching.samples import Sample

LONGEST = 20_000  # samples of one metric, however many somebody puts


@dataclass(frozen=True, kw_only=True)
class Metric:
    """A metric's full name."""

    namespace: str
    name: str
    dimensions: tuple[tuple[str, str], ...]

    def fits(self, namespace: str | None, name: str | None, dimensions: Sequence[Mapping[str, str]]) -> bool:
        """Whether `ListMetrics` with these would show it."""
        own = dict(self.dimensions)
        return (
            namespace in (None, "", self.namespace)
            and name in (None, "", self.name)
            and all(each["Name"] in own for each in dimensions)
            and all(each.get("Value") in (None, own[each["Name"]]) for each in dimensions)
        )


Samples = dict[Metric, deque[Sample]]


def metric(namespace: str, name: str, dimensions: Sequence[Mapping[str, str]] = ()) -> Metric:
    """As the API names it; the order of dimensions says nothing."""
    pairs = sorted((each["Name"], each["Value"]) for each in dimensions)
    return Metric(namespace=namespace, name=name, dimensions=tuple(pairs))


def samples_of(backend: Any) -> Samples:
    """All that this account and region keeps."""
    kept: Samples = vars(backend).setdefault("local_samples", {})
    return kept


def keep(backend: Any, key: Metric, sample: Sample) -> None:
    samples_of(backend).setdefault(key, deque(maxlen=LONGEST)).append(sample)


def read(backend: Any, key: Metric) -> list[Sample]:
    """The samples of one metric, as they are now."""
    return list(samples_of(backend).get(key, ()))


def forget(backend: Any, before: float) -> None:
    """Drop what is older, and metrics of which nothing is left."""
    kept = samples_of(backend)
    for key, samples in list(kept.items()):
        while samples and samples[0].at < before:
            samples.popleft()
        if not samples:
            del kept[key]


def backends() -> Iterator[Any]:
    """CloudWatch of every account and region in use."""
    for account in list(cloudwatch_backends.values()):
        yield from list(account.values())
