"""What a cloud was started with. It stays as it is while the cloud runs, and is kept with it."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path

from local.addresses import DEFAULT_PORTS, Ports
from local.errors import CloudError
from local.pace import Pace

PORT_NAMES = tuple(field.name for field in fields(Ports))
HIGHEST_PORT = 65535
DEFAULT_PACE = Pace()


@dataclass(frozen=True, kw_only=True)
class Options:
    """The choices of `local-cloud up`."""

    pace: Pace = DEFAULT_PACE
    ports: Ports = DEFAULT_PORTS

    def changed(self, pace: float | None, ports: Mapping[str, int]) -> "Options":
        """With what was chosen now in place of what was. Raises `CloudError` for a pace or port that cannot be."""
        chosen = replace(self.ports, **ports)
        if chosen.live == chosen.preview:
            raise CloudError(f"live and preview cannot both be on port {chosen.live}: choose two ports")
        return Options(pace=self.pace if pace is None else Pace(factor=pace), ports=chosen)

    def difference(self, other: "Options") -> str:
        """What `other` has that this one has not, in words; empty when they are the same."""
        mine, theirs = self._in_words(), other._in_words()
        return ", ".join(f"{name} {theirs[name]} (now {mine[name]})" for name in mine if mine[name] != theirs[name])

    def _in_words(self) -> dict[str, str]:
        return {"pace": f"{self.pace.factor:g}", **{name: str(port) for name, port in asdict(self.ports).items()}}


def read_options(path: Path) -> Options:
    """The options that lie there, or the default ones."""
    if not path.exists():
        return Options()
    content = json.loads(path.read_text())
    return Options(pace=Pace(**content["pace"]), ports=Ports(**content["ports"]))


def write_options(path: Path, options: Options) -> None:
    """In one step: an interrupted `up` must not leave half a file."""
    fresh = path.with_name(f".{path.name}.new")
    fresh.write_text(json.dumps(asdict(options)))
    fresh.replace(path)


def parse_port(text: str) -> tuple[str, int]:
    """`NAME=NUMBER` as it is written in a command line. Raises `CloudError`."""
    name, _, number = text.partition("=")
    if name not in PORT_NAMES or not number.isascii() or not number.isdigit() or not 1 <= int(number) <= HIGHEST_PORT:
        raise CloudError(
            f"{text!r} is not a port: give NAME=NUMBER with one of the names {', '.join(PORT_NAMES)}"
            f" and a number from 1 to {HIGHEST_PORT}"
        )
    return name, int(number)
