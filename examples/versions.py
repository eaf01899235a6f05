"""Which versions of fieldmap there are: all from one source tree, each with its changes laid over it."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Version:
    """A version: its number, the folders of `changes/` laid over the source in this order, and its story."""

    number: str
    changes: tuple[str, ...]
    story: str


VERSIONS = {
    version.number: version
    for version in (
        Version(number="1.0.0", changes=(), story="the first version"),
        Version(number="1.1.0", changes=("priority",), story="tasks have a priority; only adds a column"),
        Version(number="1.2.0", changes=("priority", "areas"), story="bad: starts, but /health answers 500"),
        Version(number="1.3.0", changes=("priority", "owner"), story="bad: healthy, but the API answers 500"),
    )
}
