"""systemd unit files, read into values. Pure: text in, a `Unit` or `InvalidUnit` out.

Only what changes what runs, and when, is read. Directives that protect or limit a process are passed over, as nothing
here depends on them; a `Type` or a condition that could not be kept is refused, so that nothing works here and fails on
a real server.
"""

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass

TYPES = ("simple", "exec", "oneshot")
RESTARTS = ("no", "on-success", "on-failure", "on-abnormal", "on-abort", "always")
CONDITIONS = {"ConditionPathExists", "ConditionPathIsDirectory", "ConditionFileNotEmpty"}
_UNIT_SECONDS = {"us": 1e-6, "ms": 0.001, "s": 1, "sec": 1, "m": 60, "min": 60, "h": 3600, "hr": 3600, "d": 86400}


class InvalidUnit(Exception):
    """A unit file that cannot be kept; says which, and why."""


@dataclass(frozen=True, kw_only=True)
class Command:
    """A program to start; its failure is passed over where the unit file said so with `-`."""

    argv: tuple[str, ...]
    may_fail: bool


@dataclass(frozen=True, kw_only=True)
class Condition:
    """What must be so for the unit to start: something about a path, or with `negated` (`!`) its contrary."""

    directive: str
    path: str
    negated: bool


@dataclass(frozen=True, kw_only=True)
class Unit:
    """A service or a timer. Times are in seconds; `after_boot` and `repeat` are a timer's, which triggers `service`.

    More than `start_limit` starts within `start_limit_within` are refused; 0 of either is no limit.
    """

    name: str
    description: str = ""
    conditions: tuple[Condition, ...] = ()
    start_limit: int = 5
    start_limit_within: float = 10.0
    type: str = "simple"
    exec_start_pre: tuple[Command, ...] = ()
    exec_start: tuple[Command, ...] = ()
    environment: Mapping[str, str]
    user: str | None = None
    working_directory: str | None = None
    restart: str = "no"
    restart_after: float = 0.1
    stop_within: float = 10.0
    remain_after_exit: bool = False
    wanted_by: tuple[str, ...] = ()
    after_boot: float | None = None
    repeat: float | None = None
    service: str = ""

    @property
    def is_timer(self) -> bool:
        return self.name.endswith(".timer")


def parse(name: str, text: str, specifiers: Mapping[str, str]) -> Unit:
    """The unit of that file text; `specifiers` are the values of `%h` and the like, by letter.

    Raises InvalidUnit.
    """
    found = _directives(name, text)
    values = {key: [_expanded(name, value, specifiers) for value in found[key]] for key in found if _is_read(key)}
    unit = Unit(
        name=name,
        description=_last(found, "Unit.Description", name),
        conditions=_conditions(name, found, specifiers),
        start_limit=_start_limit(name, found),
        start_limit_within=_seconds(name, _last(found, "Unit.StartLimitIntervalSec", "10")),
        type=_last(values, "Service.Type", "simple"),
        exec_start_pre=_commands(name, found.get("Service.ExecStartPre", []), specifiers),
        exec_start=_commands(name, found.get("Service.ExecStart", []), specifiers),
        environment=_environment(name, found.get("Service.Environment", []), specifiers),
        user=_last(values, "Service.User", "") or None,
        working_directory=_last(values, "Service.WorkingDirectory", "") or None,
        restart=_last(values, "Service.Restart", "no"),
        restart_after=_seconds(name, _last(values, "Service.RestartSec", "100ms")),
        stop_within=_seconds(name, _last(values, "Service.TimeoutStopSec", "10")),
        remain_after_exit=_last(values, "Service.RemainAfterExit", "no") in ("yes", "true", "on", "1"),
        wanted_by=tuple(" ".join(values.get("Install.WantedBy", [])).split()),
        after_boot=_optional_seconds(name, values, ("Timer.OnBootSec", "Timer.OnStartupSec", "Timer.OnActiveSec")),
        repeat=_optional_seconds(name, values, ("Timer.OnUnitActiveSec", "Timer.OnUnitInactiveSec")),
        service=_last(values, "Timer.Unit", name.removesuffix(".timer") + ".service"),
    )
    _refuse_what_cannot_be_kept(unit, values)
    return unit


def _refuse_what_cannot_be_kept(unit: Unit, values: Mapping[str, list[str]]) -> None:
    if unit.type not in TYPES:
        raise InvalidUnit(f"{unit.name}: Type={unit.type} is not known on a local server; known are {', '.join(TYPES)}")
    if unit.restart not in RESTARTS:
        raise InvalidUnit(f"{unit.name}: Restart={unit.restart} is not one of {', '.join(RESTARTS)}")
    if "Timer.OnCalendar" in values:
        raise InvalidUnit(f"{unit.name}: OnCalendar is not known on a local server; use OnBootSec and OnUnitActiveSec")
    if not unit.is_timer and len(unit.exec_start) != 1 and unit.type != "oneshot":
        raise InvalidUnit(f"{unit.name}: has {len(unit.exec_start)} ExecStart lines; exactly one is needed")


def _is_read(key: str) -> bool:
    """What a unit depends on decides about the starting order, which changes nothing here; the rest is read apart."""
    return not key.startswith("Unit.")


def _conditions(name: str, found: Mapping[str, list[str]], specifiers: Mapping[str, str]) -> tuple[Condition, ...]:
    asked = [(key.removeprefix("Unit."), value) for key, values in found.items() for value in values]
    asked = [(key, value) for key, value in asked if key.startswith(("Condition", "Assert"))]
    for directive, _ in asked:
        if directive not in CONDITIONS:
            known = ", ".join(sorted(CONDITIONS))
            raise InvalidUnit(f"{name}: {directive} is not known on a local server; known are {known}")
    return tuple(
        Condition(directive=key, path=_expanded(name, value.lstrip("!"), specifiers), negated=value.startswith("!"))
        for key, value in asked
    )


def _start_limit(name: str, found: Mapping[str, list[str]]) -> int:
    text = _last(found, "Unit.StartLimitBurst", "5")
    if not text.isdecimal():
        raise InvalidUnit(f"{name}: StartLimitBurst={text} is not a number")
    return int(text)


def _expanded(name: str, text: str, specifiers: Mapping[str, str]) -> str:
    def value(match: re.Match[str]) -> str:
        letter = match[1]
        if letter == "%":
            return "%"
        if letter not in specifiers:
            raise InvalidUnit(f"{name}: %{letter} is not known on a local server; known are %{', %'.join(specifiers)}")
        return specifiers[letter]

    return re.sub(r"%(.)", value, text)


def _directives(name: str, text: str) -> dict[str, list[str]]:
    """All values by `Section.Key`, in order; an empty value takes back those before it, as in systemd."""
    values: dict[str, list[str]] = {}
    section = ""
    for line in re.sub(r"\\\n", " ", text).splitlines():
        line = line.strip()
        if not line or line[0] in "#;":
            continue
        if line.startswith("[") and line.endswith("]"):
            section = line[1:-1]
            continue
        key, equals, value = line.partition("=")
        if not equals:
            raise InvalidUnit(f"{name}: {line!r} is not KEY=VALUE")
        found = values.setdefault(f"{section}.{key.strip()}", [])
        if value.strip():
            found.append(value.strip())
        else:
            found.clear()
    return values


def _last(values: Mapping[str, list[str]], key: str, default: str) -> str:
    return (values.get(key) or [default])[-1]


def _commands(name: str, lines: list[str], specifiers: Mapping[str, str]) -> tuple[Command, ...]:
    return tuple(
        Command(argv=_words(name, line.lstrip("-@:+!"), specifiers), may_fail=line.startswith("-")) for line in lines
    )


def _environment(name: str, lines: list[str], specifiers: Mapping[str, str]) -> dict[str, str]:
    pairs = (word.partition("=") for line in lines for word in _words(name, line, specifiers))
    return {variable: value for variable, _, value in pairs}


def _words(name: str, line: str, specifiers: Mapping[str, str]) -> tuple[str, ...]:
    """Split first, as systemd does: a home with a space in its path stays one word."""
    return tuple(_expanded(name, word, specifiers) for word in shlex.split(line))


def _optional_seconds(name: str, values: Mapping[str, list[str]], keys: tuple[str, ...]) -> float | None:
    given = [_last(values, key, "") for key in keys if values.get(key)]
    return _seconds(name, given[0]) if given else None


def _seconds(name: str, text: str) -> float:
    """`90`, `5min`, `1min 30s`; `infinity` is a day, which here is as good."""
    if text == "infinity":
        return 86400.0
    parts = re.findall(r"([0-9.]+)\s*([a-z]*)", text)
    known = [(number, unit or "s") for number, unit in parts if (unit or "s") in _UNIT_SECONDS]
    if not parts or len(known) != len(parts):
        raise InvalidUnit(f"{name}: {text!r} is not a time")
    return sum(float(number) * _UNIT_SECONDS[unit] for number, unit in known)
