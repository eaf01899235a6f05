"""The list of what is measured: the name for the command line, and the function that measures it."""

from collections.abc import Callable, Iterable, Mapping

from bench.commands import cloud_up, demo, help_start
from bench.engine import engine_seconds, four_environments
from bench.figure import Figure
from bench.flat import against_flat
from bench.nothing import nothing_seconds

FIGURES: Mapping[str, Callable[[], Iterable[Figure]]] = {
    "help": help_start,
    "cloud": cloud_up,
    "demo": demo,
    "engine": engine_seconds,
    "four": four_environments,
    "nothing": nothing_seconds,
    "flat": against_flat,
}
