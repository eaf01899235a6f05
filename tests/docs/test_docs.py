"""The documentation says what the code does: commands, options, keys, names, codes, steps and links."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from components.stage.alarms import database_alarms, health_alarm, request_alarms, server_alarms
from contract import outputs
from contract.safety import MOST_BYTES, MOST_ENTRIES, MOST_ENTRY_BYTES
from release.doors.aws.databases import SNAPSHOT_LIMIT
from release.doors.probe import LIMIT, MOST_BODY
from release.environment import UP_WAIT
from release.process.errors import MOST_HINT, MOST_MESSAGE, StagelineError, ToldToEnd
from release.process.form import FORMAT
from release.process.interruption import SIGNALS
from release.records.artifacts.archive import MOST_TEXT_BYTES
from release.records.artifacts.manifest import NAME_LENGTH, VERSION_LENGTH
from release.records.ledger.bounds import MOST_BYTES as MOST_BYTES_OF_EVENT
from release.records.ledger.head import Head, State
from release.records.ledger.lease import BEAT, LENGTH
from release.records.ledger.stops import MOST_REASON, MOST_VETOES
from release.rules.lanes import IN_PLACE, INSTALLED_BACK, STARTED, forward, warnings_of
from release.rules.objections import SMOKE_LIMIT
from release.work.verification.verification import HEALTH_LIMIT, HEALTH_MARGIN, IN_A_ROW
from settings.model import Settings
from settings.names import ENVIRONMENT_RULE, Names
from settings.rules import RULES
from settings.stackfile import load, section_of
from tests.docs.commands import EVERYWHERE, GROUPS, commands_of, long_options, mention_fault, run_fault, verb_of
from tests.docs.pages import PAGES, ROOT, blocks, command_lines, commands, pattern, rows, section, spans, terminal
from tests.project import PROJECT
from tests.there import there

REFERENCE = (ROOT / "docs" / "reference.md").read_text()
LINK = re.compile(r"\]\(([^)\s]+)\)")
OF_PULUMI = {"project", "environment"}  # known from elsewhere: settings, but no keys of a stack file

every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())


@every_page
def test_commands_in_blocks_can_be_run_as_they_are_shown(page: Path) -> None:
    shown = [line for block in blocks(page.read_text()) for line in command_lines(block)]
    assert [fault for line in shown for words in commands(line) if (fault := run_fault(words))] == []


@every_page
def test_commands_in_the_text_exist_with_the_options_used(page: Path) -> None:
    mentioned = [words for span in spans(page.read_text()) for words in commands(re.sub(r"[\[\]…]", "", span))]
    assert [fault for words in mentioned if (fault := mention_fault(words))] == []


@every_page
def test_relative_links_resolve(page: Path) -> None:
    targets = [target for target in LINK.findall(page.read_text()) if "://" not in target]
    assert [target for target in targets if not resolves(page, target)] == []


def test_the_reference_names_every_verb_with_every_option() -> None:
    named = {
        (words[0], words[1], word)
        for span in spans(REFERENCE)
        for words in commands(re.sub(r"[\[\]…]", "", span))
        if len(words) > 1
        for word in ("", *words[2:])
    }
    offered = {
        (group, name, option)
        for group in GROUPS
        for name in GROUPS[group].list_commands(click.Context(GROUPS[group]))
        for verb in (there(verb_of(group, name)), *(commands_of(name) if group == "release" else ()))
        for option in ("", *long_options(verb))
    }
    assert {entry for entry in offered - named if entry[2] not in EVERYWHERE} == set()


def test_the_reference_has_exactly_the_keys_of_a_stack_file_with_what_they_allow() -> None:
    table = {key.strip("`"): (allowed, default) for key, allowed, default in rows(section(REFERENCE, "Stack files"))}
    assert table == {key: (field.description, default(field)) for key, field in stack_keys(Settings)}


def test_the_reference_has_every_rule_between_keys() -> None:
    text = " ".join(section(REFERENCE, "Rules between keys").split())
    assert [rule.allowed for rule in RULES if f"{rule.allowed}." not in text] == []
    assert [rule.keys[0] for rule in RULES if f"`{rule.keys[0]}`" not in text] == []


def test_the_reference_has_exactly_the_derived_names() -> None:
    table = {name.strip("`") for _, name in rows(section(REFERENCE, "Derived names"))}
    names = load(PROJECT, "prod").names
    assert table == {getattr(names, name) for name in public_properties(Names)}


def test_the_reference_has_exactly_the_outputs_of_a_stack() -> None:
    exported = re.findall(r"pulumi\.export\(outputs\.(\w+)", (ROOT / "__main__.py").read_text())
    table = {name.strip("`") for name, _ in rows(section(REFERENCE, "Stack outputs"))}
    assert table == {getattr(outputs, name) for name in exported}


def test_the_reference_has_exactly_the_alarms_that_are_declared() -> None:
    alarms = [
        *server_alarms(1, "i-1"),
        *request_alarms("lb", "group"),
        health_alarm("lb", "group", bearable=0),
        *database_alarms("db", "postgres", "db.t4g.small", 20),
    ]
    table = {name.strip("`"): (about, lasts) for name, about, lasts in rows(section(REFERENCE, "Alarms"))}
    assert {name: lasts for name, (_, lasts) in table.items()} == {
        alarm.name.replace("-1", "-N"): f"{alarm.periods} periods of {alarm.period} s" for alarm in alarms
    }
    told = {alarm.name.replace("-1", "-N"): re.sub(r"Server 1|\d+ connections.*", "N", alarm.about) for alarm in alarms}
    shown = {name: re.sub(r"Server N|N connections.*", "N", about) for name, (about, _) in table.items()}
    assert shown == told


def test_the_reference_has_exactly_the_exit_codes() -> None:
    table = {code: name for codes, name, _ in rows(section(REFERENCE, "Exit codes")) for code in codes.split(", ")}
    errors = {
        error.exit_code: error
        for error in StagelineError.__subclasses__()
        if error is not ToldToEnd and error.__module__ == StagelineError.__module__
    }
    interrupted = {str(128 + number): "interrupted" for number in SIGNALS}
    assert table == {"0": "done", **{str(code): in_words(error) for code, error in errors.items()}, **interrupted}


def test_the_reference_has_the_steps_that_go_forward_in_order() -> None:
    table = rows(part("Deployments", "Promotion, hotfix, redeployment"))
    assert [name.strip("`") for name, *_ in table] == list(forward(pause=True))
    assert warning_steps(table) == warnings_of("promotion")


def test_the_reference_has_the_steps_of_each_rollback_in_order() -> None:
    table = rows(part("Deployments", "Rollback"))
    for column, lane in enumerate((IN_PLACE, STARTED, INSTALLED_BACK), start=1):
        assert [row[0].strip("`") for row in table if row[column]] == list(lane)
    assert warning_steps(table) == warnings_of("rollback")


def test_the_reference_has_every_part_of_head() -> None:
    named = {key for keys, _ in rows(part("The ledger", "HEAD")) for key in re.findall(r"`([\w.]+)`", keys)}
    parts = Head.model_fields.keys() - {"state"}
    assert named == parts | {f"state.{name}" for name in State.model_fields}


def test_the_reference_has_the_limits_that_the_code_keeps() -> None:
    limits = (
        f"within {LENGTH:.0f} seconds",
        f"one every {BEAT:.0f} seconds",
        f"at most {UP_WAIT / 60:.0f} minutes",
        f"of format {FORMAT}",
        f"{MOST_REASON} characters at most",
        f"{MOST_VETOES} vetoes",
        f"{MOST_BYTES_OF_EVENT:,} bytes",
        f"{MOST_ENTRIES:,} entries, {MOST_ENTRY_BYTES >> 30} GiB in one file or {MOST_BYTES >> 30} GiB unpacked",
        f"at most {MOST_TEXT_BYTES >> 10} KiB",
        f"of {VERSION_LENGTH} characters at most",
        f"ends after {HEALTH_LIMIT:.0f} seconds",
        f"`load_balancer.health`, and {HEALTH_MARGIN:.0f} seconds",
        f"to the body's last: {LIMIT:.0f} seconds",
        f"the first {MOST_BODY:,} bytes",
        f"a line of at most {NAME_LENGTH} characters",
        f"of at most {MOST_MESSAGE + len('; ') + MOST_HINT:,} characters",
        f"all smoke checks after {SMOKE_LIMIT / 60:.0f} minutes",
        f"a snapshot after {SNAPSHOT_LIMIT // 60} minutes",
        f"answers {IN_A_ROW} times in a row",
        ENVIRONMENT_RULE,
    )
    text = " ".join(REFERENCE.split())
    assert [limit for limit in limits if limit not in text] == []


def test_an_option_that_does_not_exist_is_found() -> None:
    assert run_fault(["release", "promote", "1.0.0", "--into", "qa"])
    assert mention_fault(["release", "promote", "--into"])
    assert mention_fault(["release", "approve"])
    assert mention_fault(["make", "coffee"])


def test_commands_are_found_wherever_they_stand_in_a_line() -> None:
    line = 'KEEP=1 make demo && eval "$(.venv/bin/local-cloud env)"; release status # all of them'
    assert list(commands(line)) == [["make", "demo"], ["local-cloud", "env"], ["release", "status"]]


def test_commands_are_found_in_the_steps_of_a_workflow() -> None:
    (workflow,) = blocks("```yaml\nsteps:\n  - run: release status dev\n  - uses: a/b@v1\n```\n")
    assert command_lines(workflow) == ["release status dev"]


def test_an_output_line_may_leave_something_out() -> None:
    (shown,) = terminal("```console\n$ release status\n…\nqa  …  1.0.0\n```\n")
    assert (shown.command, shown.output) == ("release status", ("qa  …  1.0.0",))
    assert pattern(shown.output[0]).fullmatch("qa  green  1.0.0")
    assert not pattern(shown.output[0]).fullmatch("qa  green  1.1.0")


def part(heading: str, subheading: str) -> str:
    """The text of the reference below a heading of third level."""
    return section(REFERENCE, heading).split(f"\n### {subheading}\n", 1)[1].split("\n### ", 1)[0]


def warning_steps(table: list[list[str]]) -> set[str]:
    """The steps whose failure is a warning, by the last column."""
    return {row[0].strip("`") for row in table if row[-1].startswith("a warning")}


def test_the_reference_names_every_command_of_a_verb_that_has_some() -> None:
    named = {tuple(words[:3]) for span in spans(REFERENCE) for words in commands(re.sub(r"[\[\]…]", "", span))}
    assert {("release", "demo", str(command.name)) for command in commands_of("demo")} <= named


def resolves(page: Path, target: str) -> bool:
    """Whether a link leads to a file and, where it names one, to a heading in it."""
    path, _, heading = target.partition("#")
    file = (page.parent / path).resolve() if path else page
    if not file.is_relative_to(ROOT) or not file.exists():
        return False
    return not heading or heading in headings(file)


def headings(page: Path) -> set[str]:
    """The names by which a page's headings are linked to: small letters, digits and dashes."""
    lines = [line.lstrip("#").strip() for line in page.read_text().splitlines() if line.startswith("#")]
    return {re.sub(r"[^\w -]", "", line.lower()).replace(" ", "-") for line in lines}


def stack_keys(model: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, FieldInfo]]:
    """The keys of a stack file by their dotted names, sections opened."""
    for name, field in model.model_fields.items():
        part = section_of(field.annotation)
        if part:
            yield from stack_keys(part, f"{prefix}{name}.")
        if part is not field.annotation and (prefix or name not in OF_PULUMI):
            yield f"{prefix}{name}", field


def default(field: FieldInfo) -> str:
    """A default as the reference shows it: empty where the key must stand."""
    if field.is_required():
        return ""
    if isinstance(field.default, tuple):
        return json.dumps(field.default)
    return "null" if field.default is None else str(field.default)


def public_properties(kind: type) -> list[str]:
    return [name for name, value in vars(kind).items() if isinstance(value, property) and not name.startswith("_")]


def in_words(error: type[StagelineError]) -> str:
    """`LeaseHeld` as "lease held"."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", error.__name__).lower()
