"""What a server says of itself: its slots, what its files are, who may log in. Nothing on it is changed on purpose.

A server may say anything: what it says of its slots has the shape that its installer gives it, or it could not tell.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from contract.layout import AUTHORIZED_KEYS, INSTALLER
from contract.slots import SLOTS, SlotName
from contract.unit import UNIT_FILES
from release.doors.servers.ssh import Ssh
from release.process.errors import Inconclusive
from release.process.text import bounded, read_json

STATUS = f"python3 {INSTALLER} status"  # puts back, like each of its verbs, what a killed install left
DIGESTS = f"sha256sum -- {INSTALLER} {' '.join(UNIT_FILES.values())}"  # of missing files it complains and goes on
KEYS = f"cat {AUTHORIZED_KEYS}"


@dataclass(frozen=True, kw_only=True)
class Inspection:
    """A server's answers. `status` is what its installer says, `digests` the sha256 of each file that is there."""

    status: Mapping[str, Any]
    digests: Mapping[str, str]
    authorized_keys: str


@dataclass(frozen=True, kw_only=True)
class UnitState:
    """A slot's unit in systemd's words: `active` is its state; `restarts`, how often it died and was started again."""

    active: str
    restarts: int


class _Said(BaseModel):
    """What is read here, or compared with the ledger; an installer of tomorrow may say more."""

    model_config = ConfigDict(strict=True, extra="allow", frozen=True)


class _Content(_Said):
    release: str
    digest: str
    configuration: str | None
    deployment: str


class _Health(_Said):
    status: int | None
    version: str | None


class _Slot(_Said):
    content: _Content | None
    unit: str
    restarts: int = Field(ge=0)
    health: _Health | None
    busy: bool
    problem: str | None


class _Status(_Said):
    blue: _Slot
    green: _Slot


def unit(ssh: Ssh, address: str, slot: SlotName) -> UnitState:
    """How a slot's unit is. Raises NotReached, and Inconclusive when the server's installer cannot tell."""
    status = _status(ssh.run(address, STATUS).out, address)[slot]
    return UnitState(active=bounded(status["unit"]), restarts=status["restarts"])


def inspect(ssh: Ssh, address: str) -> Inspection:
    """Ask a server. Raises NotReached, and Inconclusive when its installer cannot tell."""
    digests = _digests(ssh.run(address, DIGESTS).out)
    return Inspection(
        status=_status(ssh.run(address, STATUS).out, address) if INSTALLER in digests else {},
        digests=digests,
        authorized_keys=ssh.run(address, KEYS).out,
    )


def _status(text: str, address: str) -> dict[str, Any]:
    status = _said(text)
    if any(name not in status for name in SLOTS):
        raise Inconclusive(f"{address} cannot tell what its slots hold: {bounded(str(status.get('why', 'unknown')))}")
    try:
        _Status.model_validate(status)
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in problem["loc"])
        raise Inconclusive(f"{address} cannot tell what its slots hold: {where}: {problem['msg']}") from None
    if busy := [name for name in SLOTS if status[name]["busy"]]:
        raise Inconclusive(f"{address} is installing into {' and '.join(busy)} now", hint="ask again when it is done")
    return status


def _said(text: str) -> dict[str, Any]:
    """The object that a server said; why not, where it said none."""
    try:
        status = read_json(text)
    except ValueError:
        status = None
    return status if isinstance(status, dict) else {"why": "its installer did not answer"}


def _digests(text: str) -> dict[str, str]:
    lines = (line.split(maxsplit=1) for line in text.splitlines())
    return {words[1]: words[0] for words in lines if len(words) == 2}
