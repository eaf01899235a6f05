"""Faults on demand: what breaks, until when, and the list of what is broken now.

A kind of fault has an `Injector`, which knows how to break and how to mend; `Faults` gives ids, keeps the list, and
refuses what no kind means. An injector whose faults act a number of times tells `Faults.spent` after the last one.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from threading import Lock
from typing import Any, Protocol

from local.control import Connection, Handler
from local.errors import CloudError


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One thing that is broken on purpose. `times`: how often it acts; None: until it is cleared."""

    id: str
    kind: str
    target: str
    seconds: float = 0.0
    times: int | None = None


class Injector(Protocol):
    """How faults of a kind are made and mended."""

    def inject(self, fault: Fault) -> None:
        """Break it. Raises `CloudError` when the target does not exist or the kind does not fit it."""
        ...

    def lift(self, fault: Fault) -> None:
        """Mend it. A target that is gone meanwhile is no error."""
        ...


@dataclass(frozen=True, kw_only=True)
class Kind:
    """What a kind does, and which of its parts a fault must or must not give."""

    does: str
    target: str = ""  # what the target is; empty: there is none
    seconds: str = ""  # what the seconds are; empty: there are none
    signed: bool = False  # whether the seconds may be below 0
    counted: bool = False  # whether it can act a number of times

    def refuse(self, name: str, fault: Fault) -> None:
        """Raise `CloudError` when the fault does not fit this kind."""
        problem = self._problem_of_target(fault) or self._problem_of_seconds(fault) or self._problem_of_times(fault)
        if problem:
            raise CloudError(f"a fault of kind {name} {problem}")

    def _problem_of_target(self, fault: Fault) -> str:
        if self.target and not fault.target:
            return f"needs a target: {self.target}"
        if fault.target and not self.target:
            return f"has no target, not {fault.target!r}"
        return ""

    def _problem_of_seconds(self, fault: Fault) -> str:
        if self.seconds and not fault.seconds:
            return f"needs seconds: {self.seconds}"
        if fault.seconds and not self.seconds:
            return "has no seconds: it stays until it is cleared"
        if fault.seconds < 0 and not self.signed:
            return f"cannot have {fault.seconds:g} seconds: give more than 0"
        return ""

    def _problem_of_times(self, fault: Fault) -> str:
        if fault.times is None:
            return ""
        if not self.counted:
            return "cannot act a number of times: it stays until it is cleared"
        return "" if fault.times > 0 else f"must act once at least, not {fault.times} times"


CALL = "a service, a call of it (dynamodb:PutItem), or * for all calls"
SERVER = "an instance's id or Name tag"
DATABASE = "a DB instance's identifier"
KINDS: Mapping[str, Kind] = {
    "delay": Kind(does="AWS calls are done SECONDS late", target=CALL, seconds="how late", counted=True),
    "drop": Kind(does="AWS calls are not done, the connection is closed", target=CALL, counted=True),
    "throttle": Kind(does="AWS calls are refused as too many", target=CALL, counted=True),
    "lose": Kind(does="AWS calls are done, but the reply is lost", target=CALL, counted=True),
    "clock": Kind(does="the time of AWS is off", seconds="ahead of this machine, or -SECONDS behind", signed=True),
    "stop": Kind(does="the server has no power, while EC2 says running", target=SERVER),
    "hang": Kind(does="the server accepts connections and answers nothing", target=SERVER),
    "refuse": Kind(does="the server refuses connections", target=SERVER),
    "slow": Kind(does="the server's programs get little CPU, and SSH answers late", target=SERVER),
    "fill": Kind(does="the server's disk is full", target=SERVER),
    "break": Kind(does="PostgreSQL dies and stays dead, while RDS says available", target=DATABASE),
    "busy": Kind(does="RDS says backing-up and takes no snapshot of the database", target=DATABASE),
    "full": Kind(does="RDS says storage-full and takes no snapshot of the database", target=DATABASE),
}


class Faults:
    """What is broken now. Safe under threads."""

    def __init__(self, injectors: Mapping[str, Injector]) -> None:
        self._injectors = injectors
        self._changing = Lock()  # one fault is made or mended at a time, however long that takes
        self._lock = Lock()  # guards the two below; never held while an injector works
        self._present: dict[str, Fault] = {}
        self._last = 0

    def add(self, kind: str, target: str = "", seconds: float = 0.0, times: int | None = None) -> Fault:
        """Break something. Raises `CloudError` and changes nothing when that cannot be."""
        if kind not in self._injectors:
            raise CloudError(f"there is no fault of kind {kind!r}: there are {', '.join(self._injectors)}")
        fault = Fault(id=self._next_id(), kind=kind, target=target, seconds=seconds, times=times)
        KINDS[kind].refuse(kind, fault)
        with self._changing:
            self._inject(fault)
        return fault

    def list(self) -> tuple[Fault, ...]:
        """All that is broken, the oldest first."""
        with self._lock:
            return tuple(self._present.values())

    def clear(self, fault_id: str | None = None) -> tuple[Fault, ...]:
        """Mend one, or all, the newest first; what was mended. Raises `CloudError` for an id that is not there."""
        with self._changing:
            cleared = self._take(fault_id)
            for fault in cleared:
                self._injectors[fault.kind].lift(fault)
        return cleared

    def spent(self, fault_id: str) -> None:
        """Forget a fault that has acted as often as it should."""
        with self._lock:
            self._present.pop(fault_id, None)

    def _next_id(self) -> str:
        with self._lock:
            self._last += 1
            return f"f{self._last}"

    def _inject(self, fault: Fault) -> None:
        with self._lock:
            self._present[fault.id] = fault  # before it can act: it may be spent at once
        try:
            self._injectors[fault.kind].inject(fault)
        except BaseException:
            self.spent(fault.id)
            raise

    def _take(self, fault_id: str | None) -> tuple[Fault, ...]:
        with self._lock:
            if fault_id is None:
                taken = tuple(reversed(self._present.values()))
                self._present.clear()
                return taken
            if fault_id not in self._present:
                there = ", ".join(self._present) or "none"
                raise CloudError(f"there is no fault {fault_id!r} (it may be spent): there are {there}")
            return (self._present.pop(fault_id),)


def fault_handler(faults: Faults) -> Handler:
    """The control request `fault`: `{"action": "add", "kind": …}`, `{"action": "list"}`, `{"action": "clear"}`."""

    def add(request: dict[str, Any]) -> dict[str, Any]:
        made = faults.add(
            request["kind"], request.get("target") or "", request.get("seconds") or 0.0, request.get("times")
        )
        return {"fault": asdict(made)}

    def show(request: dict[str, Any]) -> dict[str, Any]:
        return {"faults": [asdict(fault) for fault in faults.list()]}

    def clear(request: dict[str, Any]) -> dict[str, Any]:
        return {"cleared": [asdict(fault) for fault in faults.clear(request.get("id"))]}

    actions: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {"add": add, "list": show, "clear": clear}

    def handle(request: dict[str, Any], connection: Connection) -> dict[str, Any]:
        return actions[request["action"]](request)

    return handle
