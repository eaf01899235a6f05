"""Commands from outside, before they become programs that run."""

from pathlib import Path
from typing import Any

import pytest

from contract.commands import BY_NAME, Commands, migrate_command, parse_command, runnable, start_command

HERE = {"HOST": "10.0.0.1", "PORT": "8081", "RELEASE_VERSION": "1.0.0 $(id)", "SLOT": "blue"}


@pytest.mark.parametrize(
    ("value", "words"),
    [
        pytest.param("java -jar app.jar", ("java", "-jar", "app.jar"), id="a-text"),
        pytest.param(["node", "a b.js"], ("node", "a b.js"), id="a-list"),
        pytest.param("env 'A=b c' python3 -m app \"\"", ("env", "A=b c", "python3", "-m", "app", ""), id="quoted"),
        pytest.param("gunicorn -b $HOST:${PORT} app:app", ("gunicorn", "-b", "$HOST:${PORT}", "app:app"), id="places"),
        pytest.param('java -cp "lib/*" Main # x', ("java", "-cp", "lib/*", "Main", "#", "x"), id="no-wildcards"),
    ],
)
def test_a_command_is_a_list_of_words_and_no_shell_reads_it(value: Any, words: tuple[str, ...]) -> None:
    assert parse_command(value) == words


@pytest.mark.parametrize(
    ("value", "fault"),
    [
        pytest.param(7, "neither a text nor a list", id="a-number"),
        pytest.param(["node", 1], "neither a text nor a list", id="a-list-of-others"),
        pytest.param(" ", "names no program", id="nothing"),
        pytest.param([], "names no program", id="an-empty-list"),
        pytest.param(["", "x"], "names no program", id="an-empty-program"),
        pytest.param("cd app && node x", "holds &&, which only a shell understands", id="two-commands"),
        pytest.param("node x > log", "holds >, which only a shell", id="redirected"),
        pytest.param("node x; id", "holds ;, which only a shell", id="another-command"),
        pytest.param("node $(id)", "only a shell understands", id="substituted"),
        pytest.param(["node", "`id`"], "holds `id`, which only a shell", id="substituted-in-the-old-way"),
        pytest.param(["node", "${PORT:-1}"], "only a shell understands", id="with-a-default"),
        pytest.param("node $DATABASE_URL", r"names \$DATABASE_URL: a command may name HOST, PORT", id="a-secret"),
        pytest.param("PORT=1 node x", "begins with PORT=1, .* begin with env", id="a-variable-first"),
        pytest.param("../node x", "no program of the release", id="out-of-the-release"),
        pytest.param("-c x", "no program of the release", id="an-option-first"),
        pytest.param('node "x', "cannot be split into words", id="an-open-quote"),
        pytest.param(["node", "a\nb"], "does not print", id="two-lines"),
        pytest.param(["node", "x" * 1001], "more than 1000 signs", id="a-long-word"),
        pytest.param(["node"] * 101, "more than 100 words", id="many-words"),
    ],
)
def test_what_no_server_could_run_is_refused_in_a_sentence(value: Any, fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        parse_command(value)


def test_what_a_place_holds_stays_inside_its_word() -> None:
    words = runnable(("java", "-Dv=$RELEASE_VERSION", "-Dp=${PORT}"), Path("/r"), HERE)
    assert words == ["java", "-Dv=1.0.0 $(id)", "-Dp=8081"]


def test_a_program_of_the_release_is_run_by_its_whole_path() -> None:
    assert runnable(("bin/app", "bin/x"), Path("/r"), HERE) == ["/r/bin/app", "bin/x"]
    assert runnable(("/usr/bin/java",), Path("/r"), HERE) == ["/usr/bin/java"]


def test_where_nothing_is_stated_the_files_in_bin_are_run(tmp_path: Path) -> None:
    assert (start_command(BY_NAME), migrate_command(BY_NAME, tmp_path)) == (("bin/start",), ())
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "migrate").touch()
    assert migrate_command(BY_NAME, tmp_path) == ("bin/migrate",)
    stated = Commands(start=("a",), migrate=("b",))
    assert (start_command(stated), migrate_command(stated, tmp_path)) == (("a",), ("b",))
