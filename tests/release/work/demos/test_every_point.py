"""Killed at any point, a demo is gone on with: whatever was called last, the same command, or its end, finishes it."""

from dataclasses import replace
from typing import Any, TypeVar, cast

import pytest

from release.process.output import Progress
from release.process.processes import Processes
from release.records.ledger.ledger import Writer
from release.work.demos.ending import take_down
from tests.aws_clients import aws_client
from tests.release.demos import ANA, BRANCH, Demos

pytestmark = pytest.mark.moto
Door = TypeVar("Door")

MAKING = (
    *("registry.add", "artifacts.upload_new", "secrets.create", "secrets.create", "secrets.create", "stack.create"),
    *("secrets.create", "database.make", "registry.change", "stack.up", "registry.change"),
)
ENDING = (
    *("registry.change", "database.drop", "stack.destroy", *4 * ("secrets.remove",)),
    *("artifacts.remove", "stack.remove", "registry.forget"),
)


class Killed(BaseException):
    """Nothing in Python outlives it, as after a kill -9."""


class Killing:
    """Something whose calls are counted with those of others, and one of which is the last: before it, or behind it."""

    def __init__(self, of: Any, name: str, calls: "Calls") -> None:
        self._of, self._name, self._calls = of, name, calls

    def __getattr__(self, attribute: str) -> Any:
        found = getattr(self._of, attribute)
        name = f"{self._name}.{attribute}"
        return self._calls.counted(found, name) if name in (*MAKING, *ENDING) else found


class Calls:
    """Which call is the last, and whether it is still done; 0 for none."""

    def __init__(self, last: int = 0, *, done: bool = False) -> None:
        self.last, self.done = last, done
        self.names: list[str] = []

    def counted(self, call: Any, name: str) -> Any:
        def called(*given: Any, **named: Any) -> Any:
            self.names.append(name)
            is_last = len(self.names) == self.last
            if is_last and not self.done:
                raise Killed
            answer = call(*given, **named)
            if is_last:
                raise Killed
            return answer

        return called


def killing(of: Door, name: str, calls: "Calls") -> Door:
    """The same door, as far as anybody sees."""
    return cast(Door, Killing(of, name, calls))


def watched(demos: Demos, calls: Calls) -> None:
    """Count the calls of this base from now on."""
    base, stack = demos.base, demos.stack()
    demos.base = replace(
        base,
        registry=killing(base.registry, "registry", calls),
        secrets=killing(base.secrets, "secrets", calls),
        artifacts=killing(base.artifacts, "artifacts", calls),
        database=killing(base.database, "database", calls),
        stack_of=lambda demo: killing(stack, "stack", calls),
    )


def dead() -> Writer:
    """Ana, by a process of this machine that has ended: another one has its number by now."""
    process = Processes().find(1)
    assert process is not None
    return replace(ANA, process=replace(process, began=process.began + 1))


def end(demos: Demos) -> None:
    take_down(demos.base, demos.entry(), dead(), Progress())


def nothing_is_left(demos: Demos) -> bool:
    secrets = aws_client("secretsmanager").list_secrets(IncludePlannedDeletion=True)["SecretList"]
    stack = demos.stack()
    objects = demos.base.artifacts.keys("demos/")
    return not (
        secrets or objects or demos.database.made or stack.is_there or stack.is_up or demos.registry.all().entries
    )


def test_these_are_the_calls(demos: Demos) -> None:
    calls = Calls()
    watched(demos, calls)
    demos.up(by=dead())
    made = len(calls.names)
    end(demos)
    assert tuple(calls.names[:made]) == MAKING
    assert tuple(calls.names[made:]) == ENDING


POINTS = [
    pytest.param(number, done, id=f"{'behind' if done else 'before'} {number}")
    for number in range(1, len(MAKING) + 1)
    for done in (False, True)
]


@pytest.mark.parametrize(("last", "done"), POINTS)
@pytest.mark.parametrize("then", ["made again", "ended"])
def test_one_that_was_killed_while_it_was_made(demos: Demos, last: int, done: bool, then: str) -> None:
    base = demos.base
    watched(demos, Calls(last, done=done))
    with pytest.raises(Killed):
        demos.up(by=dead())
    demos.base = base
    if then == "made again":
        assert demos.up().state == "up"
    if demos.registry.all().entries:
        end(demos)
    assert nothing_is_left(demos)


@pytest.mark.parametrize(("last", "done"), POINTS[: 2 * len(ENDING)])
def test_one_that_was_killed_while_it_was_ended(demos: Demos, last: int, done: bool) -> None:
    demos.up(by=dead())
    base = demos.base
    watched(demos, Calls(last, done=done))
    with pytest.raises(Killed):
        end(demos)
    demos.base = base
    if demos.registry.all().entries:
        end(demos)
    assert nothing_is_left(demos)
    assert demos.up(BRANCH).state == "up"
