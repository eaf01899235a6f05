"""Faults of AWS calls: which are present, and which of them act on a call, exactly as often as they should."""

from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from threading import Lock

from moto.core.utils import get_service_model

from local.errors import CloudError
from local.faults import Fault
from local.gate.calls import SERVICES, Call

ANY = "*"


@dataclass(frozen=True, kw_only=True)
class Acting:
    """What happens to one call: it is late by `delay` seconds, and then `then`: drop, throttle, lose or nothing."""

    delay: float = 0.0
    then: str = ""


class CallFaults:
    """The injector of delay, drop, throttle and lose. Safe under threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._present: dict[str, Fault] = {}
        self._left: dict[str, int] = {}  # of those that act a number of times
        self._spent: Callable[[str], None] = lambda fault_id: None

    def tell(self, spent: Callable[[str], None]) -> None:
        """Call `spent` with the id of each fault that has acted as often as it should."""
        self._spent = spent

    def inject(self, fault: Fault) -> None:
        """Let it act from now on. Raises `CloudError` when there is no such call."""
        check_target(fault.target)
        with self._lock:
            self._present[fault.id] = fault
            if fault.times is not None:
                self._left[fault.id] = fault.times

    def lift(self, fault: Fault) -> None:
        """Let it act no more."""
        with self._lock:
            self._forget(fault.id)

    def act(self, call: Call) -> Acting:
        """What present faults do to this call; counts each that does. Delays add up; of the others the oldest acts."""
        with self._lock:
            meant = [fault for fault in self._present.values() if fault.target in (ANY, call.service, call.name)]
            delays = [fault for fault in meant if fault.kind == "delay"]
            others = [fault for fault in meant if fault.kind != "delay"][:1]
            spent = [fault.id for fault in delays + others if self._is_last_of(fault)]
        for fault_id in spent:
            self._spent(fault_id)
        return Acting(delay=sum(fault.seconds for fault in delays), then=others[0].kind if others else "")

    def _is_last_of(self, fault: Fault) -> bool:
        if fault.id not in self._left:
            return False
        self._left[fault.id] -= 1
        last = self._left[fault.id] == 0
        if last:
            self._forget(fault.id)
        return last

    def _forget(self, fault_id: str) -> None:
        self._present.pop(fault_id, None)
        self._left.pop(fault_id, None)


def check_target(target: str) -> None:
    """Raise `CloudError` unless it is `*`, a service, or a call of one."""
    if target == ANY:
        return
    service, _, operation = target.partition(":")
    if service not in SERVICES.values():
        raise CloudError(
            f"there is no AWS service {service!r} here: there are {', '.join(sorted(SERVICES.values()))}, and * for all"
        )
    if ":" in target:
        _check_operation(service, operation)


def _check_operation(service: str, operation: str) -> None:
    names = get_service_model(service).operation_names
    if operation not in names:
        near = get_close_matches(operation, names, n=3, cutoff=0.5) or names[:1]
        raise CloudError(f"{service} has no call {operation!r}: did you mean {' or '.join(near)}?")
