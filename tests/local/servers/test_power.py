"""Switching servers on and off: by AWS, by a reboot, after a power cut."""

import pytest

from local.servers.servers import UnknownServer
from tests.local.servers.small_cloud import Cloud, eventually, new_address, runs

pytestmark = pytest.mark.enable_socket

UNIT = """
[Service]
ExecStart=/bin/sh -c 'echo $$$$ >> %h/starts; exec sleep 300'

[Install]
WantedBy=default.target
"""


def boot_with_a_unit(cloud: Cloud) -> str:
    address = cloud.boot()
    folder = cloud.home() / ".config/systemd/user"
    folder.mkdir(parents=True)
    (folder / "app.service").write_text(UNIT.replace("$$$$", "$$"))
    assert cloud.run(address, "systemctl --user enable --now app").code == 0
    eventually(lambda: len(starts(cloud)) == 1)
    return address


def starts(cloud: Cloud) -> list[int]:
    file = cloud.home() / "starts"
    return [int(line) for line in file.read_text().splitlines()] if file.exists() else []


def test_a_reboot_ends_every_process_and_brings_enabled_units_back_on_the_same_disk(cloud: Cloud) -> None:
    address = boot_with_a_unit(cloud)
    (cloud.home() / "kept").write_text("x")
    cloud.servers.reboot("i-1")
    eventually(lambda: len(starts(cloud)) == 2)
    assert not runs(starts(cloud)[0])
    eventually(lambda: cloud.state("i-1") == "running")
    assert cloud.run(address, "cat kept").stdout == "x"
    assert len((cloud.root / "i-1/boots").read_text().splitlines()) == 1


def test_a_reboot_is_seen_at_once(cloud: Cloud) -> None:
    cloud.boot()
    cloud.servers.reboot("i-1")
    assert cloud.state("i-1") != "running"


def test_a_server_that_is_told_to_stop_while_it_reboots_stays_off(cloud: Cloud) -> None:
    boot_with_a_unit(cloud)
    cloud.servers.reboot("i-1")
    cloud.servers.stop("i-1")
    assert cloud.state("i-1") == "stopped"
    assert not any(runs(pid) for pid in starts(cloud))


def test_a_rebooting_server_can_be_terminated(cloud: Cloud) -> None:
    cloud.boot()
    cloud.servers.reboot("i-1")
    cloud.servers.terminate("i-1")
    assert not (cloud.root / "i-1").exists()


def test_a_unit_that_had_failed_is_only_inactive_after_a_start(cloud: Cloud) -> None:
    address = boot_with_a_unit(cloud)
    (cloud.home() / ".config/systemd/user/bad.service").write_text("[Service]\nExecStart=false\n")
    cloud.run(address, "systemctl --user start bad")
    eventually(lambda: cloud.run(address, "systemctl --user is-active bad").stdout == "failed\n")
    cloud.servers.stop("i-1")
    cloud.servers.start("i-1")
    eventually(lambda: cloud.state("i-1") == "running")
    assert cloud.run(address, "systemctl --user is-active bad").stdout == "inactive\n"


def test_a_resumed_server_runs_its_units_from_the_disk_that_was_kept(cloud: Cloud) -> None:
    address = boot_with_a_unit(cloud)
    cloud.servers.server("i-1").cut_power()
    cloud.servers.resume("i-1", address, None, True)
    eventually(lambda: len(starts(cloud)) == 2)
    eventually(lambda: cloud.state("i-1") == "running")
    assert cloud.run(address, "cat starts; hostname -I").stdout.split() == [*map(str, starts(cloud)), address]
    assert len((cloud.root / "i-1/boots").read_text().splitlines()) == 1


def test_a_resumed_server_may_have_another_address(cloud: Cloud) -> None:
    cloud.boot()
    cloud.servers.server("i-1").cut_power()
    moved = new_address()
    cloud.servers.resume("i-1", moved, None, True)
    eventually(lambda: cloud.state("i-1") == "running")
    assert cloud.run(moved, "hostname -I").stdout.split() == [moved]


def test_a_server_that_was_off_is_resumed_off_and_can_be_started(cloud: Cloud) -> None:
    address = boot_with_a_unit(cloud)
    cloud.servers.stop("i-1")
    cloud.servers.resume("i-1", address, None, False)
    assert cloud.state("i-1") == "stopped"
    cloud.servers.start("i-1")
    eventually(lambda: len(starts(cloud)) == 2)


def test_a_server_without_its_disk_is_not_resumed(cloud: Cloud) -> None:
    with pytest.raises(UnknownServer, match="the disk of server 'i-9' is gone: run `local-cloud reset`"):
        cloud.servers.resume("i-9", new_address(), None, True)
