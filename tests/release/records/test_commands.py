"""How a release is run survives being kept."""

from contract.commands import Commands
from release.process.form import read_form, stored
from release.records.commands import BY_NAME, KeptCommands

JAVA = Commands(start=("java", "-jar", "app.jar"), migrate=("bin/schema", "up"))


def test_commands_come_back_as_they_were_kept() -> None:
    assert read_form(KeptCommands, stored(KeptCommands.of(JAVA)), "the commands").plain == JAVA


def test_a_release_that_states_none_is_run_by_what_it_brings() -> None:
    assert BY_NAME.plain == Commands()


def test_what_another_version_says_of_them_is_kept() -> None:
    text = '{"migrate":[],"start":["node","a.js"],"stop":["node","b.js"]}'
    assert stored(read_form(KeptCommands, text, "the commands")) == text
