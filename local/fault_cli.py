"""The verb `local-cloud fault`: break something on purpose, see what is broken, mend it.

local-cloud fault throttle dynamodb:PutItem --times 3
local-cloud fault clock +10m
local-cloud fault list
local-cloud fault clear
"""

import json
import re
from collections.abc import Mapping
from typing import Any

import click

from local.control import ask
from local.faults import KINDS, Kind
from local.paths import Paths

UNITS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}
ASK_LIMIT = 60.0  # a server may take its time to break


EXAMPLES = """\b
Examples:
  local-cloud fault throttle dynamodb --times 3
  local-cloud fault lose dynamodb:TransactWriteItems --times 1
  local-cloud fault delay s3:PutObject --seconds 2
  local-cloud fault clock +10m
"""


@click.group(epilog=EXAMPLES)
def fault() -> None:
    """Break something on purpose. It stays broken until it is cleared, or the cloud goes down."""


class Offset(click.ParamType[float]):
    """How far the clock is off: +10m, -2h, 90 (seconds)."""

    name = "offset"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Turn it into seconds."""
        given = re.fullmatch(r"([+-]?\d+(?:\.\d+)?)([smhd]?)", str(value))
        if not given or not float(given[1]):
            self.fail(f"{value!r} is no offset: give one like +10m, -2h or +90 (s, m, h, d)", param, ctx)
        return float(given[1]) * UNITS[given[2]]


def _command(name: str, kind: Kind) -> click.Command:
    """The command of a kind that has a target, with the options that it takes."""
    return click.Command(
        name,
        params=_parameters(kind),
        callback=click.pass_obj(lambda paths, **given: _add(paths, name, given)),
        help=f"{_sentence(kind.does)}\n\nTARGET is {kind.target}.",
        short_help=_sentence(kind.does),
    )


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."


def _parameters(kind: Kind) -> list[click.Parameter]:
    seconds = click.FloatRange(min=0, min_open=True)
    parameters: list[click.Parameter] = [click.Argument(["target"])]
    if kind.seconds:
        parameters.append(click.Option(["--seconds"], type=seconds, required=True, help=_sentence(kind.seconds)))
    if kind.counted:
        parameters.append(click.Option(["--times"], type=click.IntRange(min=1), help="Act this often, then be gone."))
    return parameters


def _add(paths: Paths, kind: str, given: Mapping[str, Any]) -> None:
    made = ask(paths.control, {"do": "fault", "action": "add", "kind": kind, **given}, timeout=ASK_LIMIT)["fault"]
    click.echo(f"{_line(made)}\nto mend it:  local-cloud fault clear {made['id']}")


@fault.command("clock", context_settings={"ignore_unknown_options": True})
@click.argument("offset", type=Offset())
@click.pass_obj
def clock(paths: Paths, offset: float) -> None:
    """The time of AWS is off.

    OFFSET is +10m when it is ahead of this machine, -2h when it is behind (s, m, h, d).
    Requests that are signed more than 5 minutes (S3: 15) away from AWS's time are refused, as they are there.
    """
    _add(paths, "clock", {"seconds": offset})


@fault.command("list")
@click.option("--json", "as_json", is_flag=True, help="As one JSON document.")
@click.pass_obj
def show(paths: Paths, as_json: bool) -> None:
    """Show what is broken."""
    faults = ask(paths.control, {"do": "fault", "action": "list"}, timeout=ASK_LIMIT)["faults"]
    if as_json:
        click.echo(json.dumps(faults, indent=2))
        return
    for one in faults:
        click.echo(_line(one))
    if not faults:
        click.echo("nothing is broken")


@fault.command("clear")
@click.argument("fault_id", metavar="[ID]", required=False)
@click.pass_obj
def clear(paths: Paths, fault_id: str | None) -> None:
    """Mend one fault, or all."""
    request = {"do": "fault", "action": "clear", "id": fault_id}
    cleared = ask(paths.control, request, timeout=ASK_LIMIT)["cleared"]
    for one in cleared:
        click.echo(f"mended: {_line(one)}")
    if not cleared:
        click.echo("nothing was broken")


def _line(one: Mapping[str, Any]) -> str:
    seconds = f"{one['seconds']:+g} s" if one["kind"] == "clock" else f"{one['seconds']:g} s"
    parts = [one["id"], one["kind"], one["target"], seconds if one["seconds"] else ""]
    times = f"{one['times']} times" if one["times"] else ""
    return "  ".join(part for part in [*parts, times] if part)


for _name, _kind in KINDS.items():
    if _kind.target:
        fault.add_command(_command(_name, _kind))
