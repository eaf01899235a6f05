"""Faults are made, listed and mended, and refused in one line when they make no sense."""

from dataclasses import dataclass, field
from typing import Any

import pytest

from local.errors import CloudError
from local.faults import KINDS, Fault, Faults, fault_handler


@dataclass
class Injector:
    """Knows one target, and remembers what is broken."""

    target: str = "web-1"
    broken: list[str] = field(default_factory=list)
    mended: list[str] = field(default_factory=list)

    def inject(self, fault: Fault) -> None:
        if fault.target not in ("", self.target):
            raise CloudError(f"there is no server {fault.target!r}: there is {self.target}")
        self.broken.append(fault.id)

    def lift(self, fault: Fault) -> None:
        self.mended.append(fault.id)


@dataclass
class OnlyOnce:
    """Acts as soon as it is made, and is spent."""

    faults: list[Faults] = field(default_factory=list)

    def inject(self, fault: Fault) -> None:
        self.faults[0].spent(fault.id)

    def lift(self, fault: Fault) -> None:
        raise AssertionError("a spent fault is not there to be lifted")


@pytest.fixture
def injector() -> Injector:
    return Injector()


@pytest.fixture
def faults(injector: Injector) -> Faults:
    return Faults(dict.fromkeys(KINDS, injector))


def test_faults_are_listed_in_the_order_they_were_made(faults: Faults) -> None:
    made = (faults.add("stop", "web-1"), faults.add("clock", seconds=-7200), faults.add("throttle", "web-1", times=3))
    assert faults.list() == made
    assert [fault.id for fault in made] == ["f1", "f2", "f3"]


def test_clearing_one_mends_that_one(faults: Faults, injector: Injector) -> None:
    first, second = faults.add("stop", "web-1"), faults.add("fill", "web-1")
    assert faults.clear("f1") == (first,)
    assert (faults.list(), injector.mended) == ((second,), ["f1"])


def test_clearing_all_mends_the_newest_first(faults: Faults, injector: Injector) -> None:
    faults.add("stop", "web-1")
    faults.add("fill", "web-1")
    faults.clear()
    assert (faults.list(), injector.mended) == ((), ["f2", "f1"])


def test_a_cleared_fault_is_mended_once(faults: Faults, injector: Injector) -> None:
    faults.add("stop", "web-1")
    faults.clear()
    with pytest.raises(CloudError, match=r"there is no fault 'f1' \(it may be spent\): there are none"):
        faults.clear("f1")
    assert injector.mended == ["f1"]


def test_an_id_that_is_not_there_is_told_with_those_that_are(faults: Faults) -> None:
    faults.add("stop", "web-1")
    with pytest.raises(CloudError, match=r"no fault 'f9' .*: there are f1$"):
        faults.clear("f9")


def test_what_the_injector_refuses_is_not_listed(faults: Faults) -> None:
    with pytest.raises(CloudError, match="there is no server 'db': there is web-1"):
        faults.add("stop", "db")
    assert faults.list() == ()


def test_a_fault_that_is_spent_while_it_is_made_does_not_stay() -> None:
    injector = OnlyOnce()
    faults = Faults({"drop": injector})
    injector.faults.append(faults)
    faults.add("drop", "s3", times=1)
    assert (faults.list(), faults.clear()) == ((), ())


def test_an_unknown_kind_is_told_with_those_that_there_are() -> None:
    faults = Faults({"stop": Injector(), "hang": Injector()})
    with pytest.raises(CloudError, match="there is no fault of kind 'explode': there are stop, hang"):
        faults.add("explode", "web-1")


@pytest.mark.parametrize(
    ("kind", "given", "said"),
    [
        pytest.param("stop", {}, "kind stop needs a target: an instance's id or Name tag", id="no target"),
        pytest.param("clock", {"target": "s3", "seconds": 1}, "kind clock has no target, not 's3'", id="a target"),
        pytest.param("delay", {"target": "s3"}, "kind delay needs seconds: how late", id="no seconds"),
        pytest.param("delay", {"target": "s3", "seconds": -1}, "cannot have -1 seconds", id="time backwards"),
        pytest.param("drop", {"target": "s3", "seconds": 1}, "kind drop has no seconds: it stays until", id="seconds"),
        pytest.param("hang", {"target": "web-1", "times": 1}, "kind hang cannot act a number of times", id="times"),
        pytest.param("drop", {"target": "s3", "times": 0}, "must act once at least, not 0 times", id="never"),
    ],
)
def test_what_a_kind_cannot_be_is_refused_in_one_line(
    faults: Faults, injector: Injector, kind: str, given: dict[str, Any], said: str
) -> None:
    with pytest.raises(CloudError, match=said) as refused:
        faults.add(kind, **given)
    assert ("\n" in str(refused.value), injector.broken, faults.list()) == (False, [], ())


def test_the_control_request_adds_lists_and_clears(faults: Faults) -> None:
    def ask(**request: Any) -> dict[str, Any]:
        return fault_handler(faults)(request, connection)

    connection: Any = None  # faults need none
    fault = {"id": "f1", "kind": "throttle", "target": "web-1", "seconds": 0.0, "times": 2}
    assert ask(action="add", kind="throttle", target="web-1", seconds=None, times=2) == {"fault": fault}
    assert ask(action="list") == {"faults": [fault]}
    assert ask(action="clear", id=None) == {"cleared": [fault]}
