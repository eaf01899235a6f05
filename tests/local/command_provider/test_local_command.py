"""command:local:Command, run by the provider as the engine asks for it."""

import threading
from pathlib import Path

import pytest

from local.command_provider.resources import LOCAL_COMMAND
from local.command_provider.values import UNKNOWN, secret
from tests.local.command_provider.engine import Engine, Refused
from tests.local.servers.small_cloud import eventually, runs

pytestmark = pytest.mark.enable_socket


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    return Engine(tmp_path)


def test_create_runs_in_the_folder_of_the_program_and_keeps_what_it_printed(engine: Engine) -> None:
    made = engine.create(LOCAL_COMMAND, create="pwd; cat; echo oops >&2", stdin="given\n\n")
    assert made.outputs["stdout"] == f"{engine.folder}\ngiven\n"
    assert made.outputs["stderr"] == "oops"
    assert made.id.startswith("name") and len(made.id) == len("name") + 8


def test_a_preview_runs_nothing_and_knows_no_output(engine: Engine) -> None:
    made = engine.create(LOCAL_COMMAND, create="touch ran", preview=True)
    assert (made.id, made.outputs["stdout"]) == ("", UNKNOWN)
    assert not (engine.folder / "ran").exists()


def test_without_a_create_command_nothing_runs(engine: Engine) -> None:
    assert engine.create(LOCAL_COMMAND).outputs == {"stdout": "", "stderr": ""}


def test_an_update_runs_the_update_command_and_create_where_there_is_none(engine: Engine) -> None:
    made = engine.create(LOCAL_COMMAND, create="echo created", update="echo updated")
    assert engine.update(LOCAL_COMMAND, made, stdin="x").outputs["stdout"] == "updated"
    made = engine.create(LOCAL_COMMAND, create="echo created")
    assert engine.update(LOCAL_COMMAND, made, stdin="x").outputs["stdout"] == "created"


def test_the_output_before_is_in_the_environment_unless_switched_off(engine: Engine) -> None:
    made = engine.create(LOCAL_COMMAND, create="echo one", update="echo got $PULUMI_COMMAND_STDOUT")
    assert engine.update(LOCAL_COMMAND, made, stdin="x").outputs["stdout"] == "got one"
    assert engine.update(LOCAL_COMMAND, made, addPreviousOutputInEnv=False).outputs["stdout"] == "got"


def test_environment_folder_and_interpreter_are_used(engine: Engine) -> None:
    (engine.folder / "below").mkdir()
    made = engine.create(
        LOCAL_COMMAND,
        create="echo $NAME $(basename $(pwd)) $0",
        environment={"NAME": secret("value")},
        dir="below",
        interpreter=["/bin/sh", "-e", "-c"],
    )
    assert made.outputs["stdout"] == "value below /bin/sh"


def test_inputs_come_back_as_they_were_given_secrets_included(engine: Engine) -> None:
    made = engine.create(LOCAL_COMMAND, create="cat", stdin=secret("canary"))
    assert made.outputs["stdin"] == secret("canary")


def test_a_failure_shows_the_command_and_what_it_printed(engine: Engine) -> None:
    with pytest.raises(Refused) as refused:
        engine.create(LOCAL_COMMAND, create='echo "out"; echo err >&2; exit 3', logging="none")
    assert str(refused.value).startswith('exit status 3: running "echo \\"out\\"; echo err >&2; exit 3":\n')
    assert {"out", "err"} <= set(str(refused.value).splitlines())


def test_an_interpreter_that_is_not_there_is_named(engine: Engine) -> None:
    with pytest.raises(Refused, match="no-such-program"):
        engine.create(LOCAL_COMMAND, create="x", interpreter=["no-such-program"])


def test_a_command_that_does_not_read_its_input_does_not_fail(engine: Engine) -> None:
    assert engine.create(LOCAL_COMMAND, create="echo done", stdin="x" * 1_000_000).outputs["stdout"] == "done"


def test_delete_runs_the_delete_command_only_when_there_is_one(engine: Engine) -> None:
    made = engine.create(LOCAL_COMMAND, create="echo one", delete="echo $PULUMI_COMMAND_STDOUT > gone")
    engine.delete(LOCAL_COMMAND, made)
    assert (engine.folder / "gone").read_text() == "one\n"
    engine.delete(LOCAL_COMMAND, engine.create(LOCAL_COMMAND, create="echo two"))
    assert (engine.folder / "gone").read_text() == "one\n"


def test_cancel_ends_a_command_under_way(engine: Engine) -> None:
    answers: list[str] = []

    def create() -> None:
        with pytest.raises(Refused) as refused:
            engine.create(LOCAL_COMMAND, create="echo $$ > began; sleep 300")
        answers.append(str(refused.value))

    creating = threading.Thread(target=create)
    creating.start()
    eventually(lambda: (engine.folder / "began").exists() and (engine.folder / "began").read_text().endswith("\n"))
    engine.cancel()
    creating.join()
    assert answers == ["cancelled"]
    eventually(lambda: not runs(int((engine.folder / "began").read_text())))
