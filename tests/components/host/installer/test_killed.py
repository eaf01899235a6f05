"""Installers that are killed or told to stop at every step, and several at once.

After a kill one plain `status` puts the slot back; who is told to stop puts it back by itself. All the time somebody
asks the other slot, which must not notice anything.
"""

from __future__ import annotations

import json
import os
import shlex
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.components.host.fake_server import FakeServer, Run, good, loopback
from tests.components.host.visitor import Visitor

PARTS = 4
CONTENT = {
    "bin/migrate": "#!/bin/sh\necho done\n",
    "seen": "",  # the application writes it at some time: removing it must be an effect in any case
}
COMMIT = "os.rename .blue.old .blue.trash"


def every_step(test: Callable[..., None]) -> Callable[..., None]:
    """A test of every PARTS-th step, for each part; two minutes of one processor in all, so with `make test` only."""
    marked: Callable[..., None] = pytest.mark.e2e(pytest.mark.parametrize("part", range(PARTS))(test))
    return marked


def numbered(server: FakeServer, number: int) -> dict[str, Any]:
    """A deployment of a release that exists once, and that is asked to migrate."""
    version = f"2.0.{number}"
    server.let_migrate(f"n{number}")
    return server.request(version, good(version, **CONTENT), deployment=f"n{number}")


def hit(server: FakeServer, number: int, at: int, request: dict[str, Any]) -> Run:
    return server.execute(server.with_effects(number, at, "install"), json.dumps(request))


def steps(server: FakeServer, part: int, verb: str, stdin: str, parts: int = PARTS) -> list[tuple[int, str]]:
    """Every PARTS-th effect of this verb, which is run once for that, with its number."""
    done = server.execute(server.with_effects(0, -1, *verb.split()), stdin)
    assert done.code == 0, done.stderr
    return list(enumerate(server.effects()))[part::parts]


def done_before_the_kill(server: FakeServer, effect: str) -> bool:
    return effect in server.effects()[:-1]


@contextmanager
def green_notices_nothing(server: FakeServer) -> Iterator[None]:
    server.install(server.request("1.0.0", good("1.0.0"), slot="green"))
    before = server.status("green")
    with Visitor(server.ports["green"]) as visitor:
        yield
    assert server.status("green") == before
    assert visitor.answers == {(200, '{"version": "1.0.0"}')}
    assert visitor.asked > 10


def assert_slot(server: FakeServer, deployment: str | None, effect: str) -> None:
    """Blue holds and runs this deployment, and nothing is left of any other."""
    status = server.status_when_answering()
    held = status["content"] and status["content"]["deployment"]
    assert held == deployment, effect
    assert status["unit"] == ("active" if deployment else "inactive"), effect
    assert status["health"] == (deployment and {"status": 200, "version": status["content"]["release"]}), effect
    assert (status["busy"], status["problem"], server.leftovers()) == (False, None, []), effect


@loopback
def test_killed_before_a_rename_the_next_run_finds_the_slot_as_it_was(server: FakeServer) -> None:
    with green_notices_nothing(server):
        server.install(numbered(server, 900))
        renames = [
            at for at, effect in steps(server, 0, "install", json.dumps(numbered(server, 901)), 1) if "rename" in effect
        ]
        assert len(renames) == 5
        for at in renames:
            assert hit(server, signal.SIGKILL, at, numbered(server, at)).code == -signal.SIGKILL
            assert_slot(server, "n901", str(at))


@loopback
@every_step
def test_killed_at_any_step_the_next_run_finds_the_slot_as_it_was_or_installed(server: FakeServer, part: int) -> None:
    with green_notices_nothing(server):
        server.install(numbered(server, 900))
        todo = steps(server, part, "install", json.dumps(numbered(server, 901)))
        held = "n901"
        for at, effect in todo:
            assert hit(server, signal.SIGKILL, at, numbered(server, at)).code == -signal.SIGKILL, effect
            held = f"n{at}" if done_before_the_kill(server, COMMIT) else held
            assert_slot(server, held, effect)


@loopback
@every_step
def test_told_to_stop_at_any_step_the_slot_is_put_back_at_once_and_the_answer_says_so(
    server: FakeServer, part: int
) -> None:
    with green_notices_nothing(server):
        server.install(numbered(server, 900))
        todo = steps(server, part, "install", json.dumps(numbered(server, 901)))
        committed = server.effects().index(COMMIT)
        held = "n901"
        for at, effect in todo:
            run = hit(server, signal.SIGTERM, at, numbered(server, at))
            if at >= committed:
                held = f"n{at}"
                assert (run.code, run.answer["result"]) == (0, "installed"), effect
            else:
                assert (run.code, run.answer["result"]) in ((1, "restored"), (1, "refused")), effect
                assert "stopped by signal 15" in run.answer["why"], effect
            assert server.leftovers() == [], effect
            assert_slot(server, held, effect)


@loopback
@every_step
def test_killed_at_any_step_of_the_first_install_the_slot_is_as_empty_as_before(server: FakeServer, part: int) -> None:
    """From where its unit is written; what comes before does not differ from a later install."""
    with green_notices_nothing(server):
        todo = steps(server, part, "install", json.dumps(numbered(server, 900)))
        unit = server.effects().index("opened stageline-blue.draft")
        for at, effect in (one for one in todo if one[0] >= unit):
            server.execute(server.command("empty"), '{"slot": "blue"}')
            server.unit_file("blue").unlink()
            assert hit(server, signal.SIGKILL, at, numbered(server, at)).code == -signal.SIGKILL, effect
            assert_slot(server, f"n{at}" if done_before_the_kill(server, COMMIT) else None, effect)


@loopback
@every_step
def test_killed_at_any_step_of_putting_back_the_next_run_does_it(server: FakeServer, part: int) -> None:
    """The first one is killed where most is left: the new release stands in the slot and its unit has started."""
    server.install(numbered(server, 900))
    steps(server, part, "install", json.dumps(numbered(server, 901)))
    worst = server.effects().index("started systemctl --user start stageline-blue.service")
    server.execute(server.command("status"))  # makes green's folder, which is no step of putting back
    hit(server, signal.SIGKILL, worst, numbered(server, 902))
    for at, effect in steps(server, part, "status", ""):
        hit(server, signal.SIGKILL, worst, numbered(server, at))
        assert server.execute(server.with_effects(signal.SIGKILL, at, "status")).code == -signal.SIGKILL, effect
        assert_slot(server, "n901", effect)


@loopback
@every_step
def test_killed_at_any_step_of_emptying_the_slot_is_what_it_was_or_empty(server: FakeServer, part: int) -> None:
    server.install(numbered(server, 900))
    todo = steps(server, part, "empty", '{"slot": "blue"}')
    for at, effect in todo:
        server.install(numbered(server, at))
        command = server.with_effects(signal.SIGKILL, at, "empty")
        assert server.execute(command, '{"slot": "blue"}').code == -signal.SIGKILL, effect
        emptied = done_before_the_kill(server, "os.rename blue .blue.trash")
        assert_slot(server, None if emptied else f"n{at}", effect)


@loopback
def test_killed_at_any_step_of_relabelling_the_slot_runs_on_with_the_one_label_or_the_other(server: FakeServer) -> None:
    request = {**numbered(server, 900), "reuse": True}
    server.install(request)
    pid = server.status()["pid"]
    todo = steps(server, 0, "install", json.dumps({**request, "deployment": "r"}), 1)
    held = "r"
    for at, effect in todo:
        assert hit(server, signal.SIGKILL, at, {**request, "deployment": f"r{at}"}).code == -signal.SIGKILL, effect
        held = f"r{at}" if done_before_the_kill(server, "os.rename slot.draft slot.json") else held
        assert_slot(server, held, effect)
    assert (held, server.status()["pid"]) == (f"r{todo[-1][0]}", pid)


@loopback
def test_killed_at_any_step_of_starting_what_died_the_next_run_starts_it(server: FakeServer) -> None:
    server.install(numbered(server, 900))
    server.kill_release("blue")
    todo = steps(server, 0, "start blue", "", 1)
    for at, effect in todo:
        server.kill_release("blue")
        command = server.with_effects(signal.SIGKILL, at, "start", "blue")
        assert server.execute(command).code == -signal.SIGKILL, effect
        assert server.execute(server.command("start", "blue")).code == 0, effect
        assert_slot(server, "n900", effect)


@loopback
def test_what_is_swapped_in_is_on_the_disk_before_and_each_rename_after(server: FakeServer) -> None:
    server.install(numbered(server, 900))
    steps(server, 0, "install", json.dumps(numbered(server, 901)))
    effects = server.effects()
    renames = [at for at, effect in enumerate(effects) if effect.startswith("os.rename")]
    assert [effects[at] for at in renames] == [
        "os.rename blue-migration.draft blue-migration.json",
        "os.rename .blue.new .blue.ready",
        "os.rename blue .blue.old",
        "os.rename .blue.ready blue",
        COMMIT,
    ]
    assert [effects[at + 1] for at in renames] == ["fsync"] * 5
    before_the_marker, before_the_swap = (at for at, effect in enumerate(effects) if effect == "sync")
    assert effects.index("opened blue-migration.draft") < before_the_marker < renames[0]
    assert effects.index("opened slot.json") < before_the_swap < renames[1]


@loopback
def test_what_migration_began_is_on_the_disk_before_it_begins(server: FakeServer) -> None:
    steps(server, 0, "install", json.dumps(numbered(server, 901)))
    effects = server.effects()
    marked = effects.index("os.rename blue-migration.draft blue-migration.json")
    assert effects[marked + 1] == "fsync"
    assert marked + 1 < effects.index("start migrate")


# --- Programs that outlive their run -----------------------------------------------------------------------------


def reaching(path: Path, then: str = "exec sleep 60") -> str:
    """A program that says when it runs, by opening a pipe, and then does not end."""
    os.mkfifo(path)
    return f"#!/bin/sh\ntrap '' TERM HUP\necho $$ >{shlex.quote(str(path))}\n{then}\n"


@loopback
@pytest.mark.parametrize("then", ["exec sleep 60", "sleep 60 & wait", "setsid sleep 60 & exit 0"])
def test_a_migration_of_a_killed_run_is_ended_by_the_next_one(server: FakeServer, tmp_path: Path, then: str) -> None:
    server.install(numbered(server, 1))
    migrate = reaching(tmp_path / "reached", then)
    version = "3.0.0"
    server.let_migrate("d1")
    process = server.begin(server.request(version, good(version, **{"bin/migrate": migrate})))
    (tmp_path / "reached").read_text()
    process.kill()
    process.wait(10)
    assert server.status_when_answering()["content"]["deployment"] == "n1"
    assert server.programs() == []
    server.end(process)


@loopback
@pytest.mark.parametrize("then", ["exec sleep 60", "sleep 60 & wait", "setsid sleep 60"])
def test_a_migration_that_hangs_is_ended_when_the_run_is_told_to_stop(
    server: FakeServer, tmp_path: Path, then: str
) -> None:
    server.install(numbered(server, 1))
    server.let_migrate("d1")
    migrate = reaching(tmp_path / "reached", then)
    process = server.begin(server.request("3.0.0", good("3.0.0", **{"bin/migrate": migrate})))
    (tmp_path / "reached").read_text()
    process.send_signal(signal.SIGTERM)
    run = server.end(process)
    assert (run.code, run.answer["result"]) == (1, "restored")
    assert "stopped by signal 15" in run.answer["why"]
    assert "blue was not touched and holds 2.0.1" in run.answer["why"]
    assert (server.programs(), server.leftovers()) == ([], [])


@loopback
def test_a_migration_that_does_not_end_is_ended_at_its_limit(server: FakeServer) -> None:
    server.limit("MIGRATE_LIMIT", 0.3)
    server.let_migrate("d1")
    run = server.install(server.request("3.0.0", good("3.0.0", **{"bin/migrate": "#!/bin/sh\nsleep 60 & wait\n"})))
    assert (run.answer["result"], run.answer["why"]) == (
        "emptied",
        "bin/migrate did not end within 0 s; blue is empty as before",
    )
    assert server.programs() == []


# --- Several at once ----------------------------------------------------------------------------------------------


@loopback
def test_of_two_at_once_on_one_slot_one_waits_for_the_other(server: FakeServer) -> None:
    server.limit("LOCK_LIMIT", 30.0)
    runs = at_once(server, numbered(server, 1), numbered(server, 2))
    assert [run.answer["result"] for run in runs] == ["installed", "installed"]
    holds = server.status_when_answering()["content"]["deployment"]
    assert holds in ("n1", "n2")
    assert_slot(server, holds, "two at once")


@loopback
def test_a_second_one_is_refused_while_the_first_does_not_end(server: FakeServer, tmp_path: Path) -> None:
    migrate = reaching(tmp_path / "reached")
    server.let_migrate("d1")
    first = server.begin(server.request("3.0.0", good("3.0.0", **{"bin/migrate": migrate})))
    (tmp_path / "reached").read_text()
    second = server.install(numbered(server, 2))
    assert (second.code, second.answer["result"]) == (1, "busy")
    assert "is being changed by another run" in second.answer["why"]
    assert (server.status("blue")["busy"], server.status("green")["busy"]) == (True, False)
    first.terminate()
    assert server.end(first).answer["result"] == "emptied"
    assert server.install(numbered(server, 2)).answer["result"] == "installed"


@loopback
def test_two_at_once_on_two_slots_do_not_wait_for_each_other(server: FakeServer, tmp_path: Path) -> None:
    migrate = reaching(tmp_path / "reached")
    server.let_migrate("d1")
    blue = server.begin(server.request("3.0.0", good("3.0.0", **{"bin/migrate": migrate})))
    (tmp_path / "reached").read_text()
    assert server.install(server.request("1.0.0", good("1.0.0"), slot="green")).answer["result"] == "installed"
    assert server.programs() != []  # blue's migration: no other slot's run ends it
    blue.terminate()
    assert server.end(blue).answer["result"] == "emptied"
    assert server.status("green")["health"] == {"status": 200, "version": "1.0.0"}


@loopback
def test_of_two_that_look_at_once_neither_ends_what_the_other_has_started(server: FakeServer) -> None:
    """The first one waits for systemd, after it gave the lock back, and the second one does all that it has to do."""
    server.install(numbered(server, 1))
    os.mkfifo(server.root / "systemd" / "show.waits")
    first = server.popen(server.command("status"))
    waiting = (server.root / "systemd" / "show.waits").open("w")
    assert server.status_when_answering()["busy"] is False
    waiting.close()
    run = server.end(first)
    assert (run.code, run.answer["blue"]["unit"], run.answer["blue"]["problem"]) == (0, "active", None)


@loopback
def test_looking_does_not_disturb_an_install_that_runs(server: FakeServer, tmp_path: Path) -> None:
    server.let_migrate("d1")
    migrate = reaching(tmp_path / "reached", f"read -r _ <{shlex.quote(str(tmp_path / 'go on'))}")
    os.mkfifo(tmp_path / "go on")
    process = server.begin(server.request("3.0.0", good("3.0.0", **{"bin/migrate": migrate})))
    (tmp_path / "reached").read_text()
    looks = [server.status() for _ in range(2)]
    assert [(look["busy"], look["migration"]) for look in looks] == [(True, {"deployment": "d1"})] * 2
    (tmp_path / "go on").write_text("\n")
    run = server.end(process)
    assert (run.answer["result"], run.answer["migration"]) == ("installed", "done")


def at_once(server: FakeServer, *requests: dict[str, Any]) -> list[Run]:
    begun = [server.begin(request) for request in requests]
    return [server.end(process) for process in begun]
