"""What is read from unit files, and what is refused."""

import pytest

from local.servers.units import Command, Condition, InvalidUnit, Unit, parse

SPECIFIERS = {"h": "/home/app", "n": "app.service"}


def service(lines: str) -> Unit:
    return parse("app.service", f"[Service]\nExecStart=run\n{lines}\n", SPECIFIERS)


def test_a_specifier_with_a_space_stays_in_one_word() -> None:
    unit = parse("app.service", "[Service]\nExecStart=run %h/app", {"h": "/my clone/home"})
    assert unit.exec_start[0].argv == ("run", "/my clone/home/app")


def test_a_service_is_read_with_its_specifiers_and_quotes() -> None:
    unit = parse(
        "app.service",
        "# comment\n[Unit]\nDescription=100% ours\n[Service]\n"
        "ExecStart=python3 %h/run.py 'two words' 50%%\nWorkingDirectory=%h\nEnvironment=A=1 \"B=two words\"\n"
        "Environment=C=%n\nRestart=always\nRestartSec=2\nTimeoutStopSec=1min 30s\n[Install]\nWantedBy=default.target\n",
        SPECIFIERS,
    )
    assert unit.exec_start == (Command(argv=("python3", "/home/app/run.py", "two words", "50%"), may_fail=False),)
    assert unit.environment == {"A": "1", "B": "two words", "C": "app.service"}
    assert (unit.working_directory, unit.restart, unit.restart_after) == ("/home/app", "always", 2)
    assert unit.stop_within == 90
    assert unit.wanted_by == ("default.target",)


def test_conditions_and_the_start_limit_are_read() -> None:
    text = "[Unit]\nConditionPathExists=%h/slot\nConditionFileNotEmpty=!/off\nStartLimitIntervalSec=1min\n"
    unit = parse("app.service", f"{text}StartLimitBurst=2\n[Service]\nExecStart=run\n", SPECIFIERS)
    assert unit.conditions == (
        Condition(directive="ConditionPathExists", path="/home/app/slot", negated=False),
        Condition(directive="ConditionFileNotEmpty", path="/off", negated=True),
    )
    assert (unit.start_limit, unit.start_limit_within) == (2, 60)


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("ConditionACPower=true", "ConditionACPower is not known on a local server"),
        ("StartLimitBurst=many", "StartLimitBurst=many is not a number"),
    ],
)
def test_a_condition_or_limit_that_could_not_be_kept_is_refused(line: str, why: str) -> None:
    with pytest.raises(InvalidUnit, match=f"^app.service: {why}"):
        parse("app.service", f"[Unit]\n{line}\n[Service]\nExecStart=run\n", SPECIFIERS)


def test_a_line_may_go_on_after_a_backslash() -> None:
    assert parse("a.service", "[Service]\nExecStart=run \\\n  on\n", {}).exec_start[0].argv == ("run", "on")


def test_an_empty_value_takes_back_those_before_it() -> None:
    assert service("Environment=A=1\nEnvironment=\nEnvironment=B=2").environment == {"B": "2"}


def test_a_command_with_a_dash_may_fail() -> None:
    assert service("ExecStartPre=-mkdir x").exec_start_pre == (Command(argv=("mkdir", "x"), may_fail=True),)


def test_a_timer_knows_when_and_what_it_triggers() -> None:
    unit = parse("keys.timer", "[Timer]\nOnBootSec=10\nOnUnitActiveSec=5min\n", {})
    assert (unit.after_boot, unit.repeat, unit.service, unit.is_timer) == (10, 300, "keys.service", True)


@pytest.mark.parametrize(
    ("lines", "why"),
    [
        ("Type=notify", "Type=notify is not known"),
        ("Restart=sometimes", "Restart=sometimes is not one of"),
        ("RestartSec=soon", "'soon' is not a time"),
        ("ExecStart=another", "has 2 ExecStart lines"),
        ("Environment=A=%t", "%t is not known"),
        ("nonsense", "'nonsense' is not KEY=VALUE"),
    ],
)
def test_what_could_not_be_kept_is_refused(lines: str, why: str) -> None:
    with pytest.raises(InvalidUnit, match=f"^app.service: .*{why}"):
        service(lines)


def test_a_calendar_timer_is_refused() -> None:
    with pytest.raises(InvalidUnit, match="OnCalendar is not known"):
        parse("a.timer", "[Timer]\nOnCalendar=daily\n", {})
