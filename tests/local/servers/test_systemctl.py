"""The systemctl command of a server, asked over SSH as the installer asks it."""

from dataclasses import replace
from pathlib import Path

import asyncssh
import pytest

from local.servers.systemctl import parsed
from tests.local.servers.small_cloud import Cloud, Ran, eventually

pytestmark = pytest.mark.enable_socket

APP = "[Service]\nExecStart=sleep 300\n[Install]\nWantedBy=default.target\n"


@pytest.fixture
def address(cloud: Cloud) -> str:
    address = cloud.boot()
    write_unit(cloud, "app.service", APP)
    return address


def write_unit(cloud: Cloud, name: str, text: str, *, system: bool = False) -> Path:
    folder = cloud.root / "i-1/etc/systemd/system" if system else cloud.home() / ".config/systemd/user"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text)
    return folder / name


def ask(cloud: Cloud, address: str, words: str) -> Ran:
    return cloud.run(address, f"systemctl {words}")


def test_a_unit_is_started_and_stopped_and_says_so(cloud: Cloud, address: str) -> None:
    assert ask(cloud, address, "--user start app").code == 0
    assert ask(cloud, address, "--user is-active app").stdout == "active\n"
    assert ask(cloud, address, "--user stop app").code == 0
    stopped = ask(cloud, address, "--user is-active app")
    assert (stopped.code, stopped.stdout) == (3, "inactive\n")


def test_restart_makes_a_new_process(cloud: Cloud, address: str) -> None:
    ask(cloud, address, "--user start app")
    before = ask(cloud, address, "--user show app -p MainPID --value").stdout
    ask(cloud, address, "--user restart app.service")
    after = ask(cloud, address, "--user show app --property=MainPID --value").stdout
    assert int(after) not in (0, int(before))


def test_show_gives_the_properties_that_are_asked_for(cloud: Cloud, address: str) -> None:
    assert ask(cloud, address, "--user show app -p ActiveState,SubState -p LoadState").stdout.split() == [
        "ActiveState=inactive",
        "SubState=dead",
        "LoadState=loaded",
    ]


def test_show_of_a_failed_unit_tells_how_it_ended(cloud: Cloud, address: str) -> None:
    write_unit(cloud, "bad.service", "[Service]\nExecStart=sh -c 'exit 4'\n")
    ask(cloud, address, "--user start bad")
    eventually(lambda: ask(cloud, address, "--user is-failed bad").code == 0)
    shown = ask(cloud, address, "--user show bad -p Result,ExecMainStatus").stdout.split()
    assert shown == ["Result=exit-code", "ExecMainStatus=4"]


def test_enable_links_the_unit_and_disable_takes_the_link_away(cloud: Cloud, address: str) -> None:
    link = cloud.home() / ".config/systemd/user/default.target.wants/app.service"
    assert "Created symlink" in ask(cloud, address, "--user enable app").stderr
    assert link.is_symlink()
    assert ask(cloud, address, "--user is-enabled app").stdout == "enabled\n"
    ask(cloud, address, "--user disable app")
    assert not link.is_symlink()
    assert ask(cloud, address, "--user is-enabled app").code == 1


@pytest.mark.parametrize(
    ("words", "code", "line"),
    [
        ("--user start none", 5, "Failed to start none.service: Unit none.service not found."),
        ("--user stop none", 5, "Failed to stop none.service: Unit none.service not loaded."),
        ("--user enable none", 1, "Failed to enable unit: Unit file none.service does not exist."),
        ("--user frobnicate app", 1, "Unknown command verb 'frobnicate'."),
    ],
)
def test_what_cannot_be_done_is_said_in_systemds_words(
    cloud: Cloud, address: str, words: str, code: int, line: str
) -> None:
    answer = ask(cloud, address, words)
    assert (answer.code, answer.stderr) == (code, f"{line}\n")


def test_a_bad_unit_file_is_refused_at_its_start(cloud: Cloud, address: str) -> None:
    write_unit(cloud, "bad.service", "[Service]\nType=notify\nExecStart=sleep 1\n")
    answer = ask(cloud, address, "--user start bad")
    assert answer.code == 1
    assert "Type=notify is not known" in answer.stderr


def test_a_changed_unit_file_counts_from_daemon_reload_on(cloud: Cloud, address: str) -> None:
    ask(cloud, address, "--user start app")
    write_unit(cloud, "app.service", APP.replace("300", "301"))
    ask(cloud, address, "--user restart app")
    assert running(cloud, address) == ["300"]
    ask(cloud, address, "--user daemon-reload")
    ask(cloud, address, "--user restart app")
    assert running(cloud, address) == ["301"]


def test_units_of_the_machine_image_are_recorded_and_taken_for_good(cloud: Cloud, address: str) -> None:
    assert ask(cloud, address, "start amazon-cloudwatch-agent").code == 0
    assert cloud.status("i-1")["recorded"][-1] == {"verb": "start", "unit": "amazon-cloudwatch-agent.service"}
    assert ask(cloud, address, "is-active amazon-cloudwatch-agent").code == 0


def test_a_restart_of_sshd_takes_the_host_key_that_lies_there_now(cloud: Cloud, address: str) -> None:
    key = asyncssh.generate_private_key("ssh-ed25519")
    (cloud.root / "i-1/etc/ssh/ssh_host_ed25519_key").write_bytes(key.export_private_key())
    assert ask(cloud, address, "is-active sshd").code == 0
    ask(cloud, address, "restart sshd")
    assert replace(cloud, host_key=key).run(address, "true").code == 0
    with pytest.raises(asyncssh.HostKeyNotVerifiable):
        cloud.run(address, "true")


def test_a_system_unit_finds_the_files_of_the_server_at_their_absolute_paths(cloud: Cloud, address: str) -> None:
    script = cloud.root / "i-1/usr/local/lib/keys.sh"
    script.parent.mkdir(parents=True)
    script.write_text('echo "$USER" > $STAGELINE_ROOT/ran')
    text = "[Service]\nType=oneshot\nUser=stageline\nExecStart=sh /usr/local/lib/keys.sh\n"
    write_unit(cloud, "keys.service", text, system=True)
    assert ask(cloud, address, "start keys").code == 0
    assert (cloud.root / "i-1/ran").read_text() == "stageline\n"


def test_a_timer_triggers_its_service_again_and_again_until_stopped(cloud: Cloud, address: str) -> None:
    write_unit(
        cloud, "tick.service", "[Service]\nType=oneshot\nExecStart=sh -c 'echo tick >> %h/ticks'\n", system=False
    )
    write_unit(cloud, "tick.timer", "[Timer]\nOnActiveSec=1ms\nOnUnitActiveSec=1ms\n")
    ask(cloud, address, "--user start tick.timer")
    eventually(lambda: (cloud.home() / "ticks").exists() and len((cloud.home() / "ticks").read_text()) > 10)
    assert ask(cloud, address, "--user is-active tick.timer").code == 0
    ask(cloud, address, "--user stop tick.timer")
    assert ask(cloud, address, "--user is-active tick.timer").code == 3


def test_the_journal_of_a_unit_can_be_read(cloud: Cloud, address: str) -> None:
    write_unit(cloud, "talks.service", "[Service]\nType=oneshot\nExecStart=seq 20\n")
    ask(cloud, address, "--user start talks")
    assert cloud.run(address, "journalctl --user -u talks -n 2").stdout == "19\n20\n"


def test_options_that_change_nothing_here_are_passed_over() -> None:
    request = parsed(["--user", "--no-block", "--machine=x@", "start", "--now", "a", "b.timer"])
    assert (request.verb, request.units, request.user, request.now) == ("start", ("a.service", "b.timer"), True, True)


def running(cloud: Cloud, address: str) -> list[str]:
    pid = ask(cloud, address, "--user show app -p MainPID --value").stdout.strip()
    eventually(lambda: Path(f"/proc/{pid}/comm").read_text() == "sleep\n")
    return Path(f"/proc/{pid}/cmdline").read_text().split("\0")[1:-1]


def test_status_tells_a_person_what_a_unit_is_and_how_it_goes(cloud: Cloud, address: str) -> None:
    write_unit(cloud, "app.service", f"[Unit]\nDescription=Stageline slot blue\n{APP}")
    ask(cloud, address, "--user daemon-reload")
    ask(cloud, address, "--user enable --now app")
    shown = ask(cloud, address, "--user status app")
    assert shown.code == 0
    assert "● app.service - Stageline slot blue" in shown.stdout
    assert "Active: active (running)" in shown.stdout
    assert ask(cloud, address, "--user status nothing").code == 4


def test_a_unit_whose_condition_does_not_hold_says_so(cloud: Cloud, address: str) -> None:
    write_unit(cloud, "app.service", f"[Unit]\nConditionPathExists=%h/slot.json\n{APP}")
    assert ask(cloud, address, "--user start app").code == 0
    shown = ask(cloud, address, "--user status app")
    assert (shown.code, "start condition unmet" in shown.stdout) == (3, True)
    assert ask(cloud, address, "--user show app -p ConditionResult --value").stdout == "no\n"
    (cloud.home() / "slot.json").touch()
    ask(cloud, address, "--user start app")
    assert ask(cloud, address, "--user is-active app").stdout == "active\n"


def test_the_condition_of_a_system_unit_asks_about_the_servers_own_files(cloud: Cloud, address: str) -> None:
    text = f"[Unit]\nConditionPathExists=/etc/passwd-of-none\n{APP}"
    write_unit(cloud, "own.service", text, system=True)
    ask(cloud, address, "start own")
    assert ask(cloud, address, "is-active own").stdout == "inactive\n"
    (cloud.root / "i-1/etc/passwd-of-none").touch()
    ask(cloud, address, "start own")
    assert ask(cloud, address, "is-active own").stdout == "active\n"


def test_journalctl_shows_what_a_unit_wrote_and_says_when_there_is_nothing(cloud: Cloud, address: str) -> None:
    write_unit(cloud, "say.service", "[Service]\nType=oneshot\nExecStart=sh -c 'echo one; echo two'\n")
    ask(cloud, address, "--user start say")
    assert cloud.run(address, "journalctl --user -u say -n 1").stdout == "two\n"
    assert cloud.run(address, "journalctl --user -u nothing").stdout == "-- No entries --\n"
