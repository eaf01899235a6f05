"""The commands that a server finds in place of the real ones."""

import pytest

from tests.local.servers.small_cloud import Cloud

pytestmark = pytest.mark.enable_socket


@pytest.fixture
def address(cloud: Cloud) -> str:
    return cloud.boot()


def test_hostname_prints_the_address_of_the_server(cloud: Cloud, address: str) -> None:
    assert cloud.run(address, "hostname -I").stdout.split() == [address]
    assert cloud.run(address, "hostname").stdout == f"ip-{address.replace('.', '-')}\n"


def test_sudo_runs_as_another_name_with_that_ones_home(cloud: Cloud, address: str) -> None:
    command = "sudo -n -E sh -c 'echo $USER $HOME'; sudo -u stageline A=1 sh -c 'echo $USER $HOME $A'"
    assert cloud.run(address, command).stdout.splitlines() == [
        f"root {cloud.root / 'i-1/root'}",
        f"stageline {cloud.home()} 1",
    ]


def test_useradd_makes_a_home_once(cloud: Cloud, address: str) -> None:
    assert cloud.run(address, "useradd -m other").code == 0
    assert (cloud.root / "i-1/home/other").is_dir()
    again = cloud.run(address, "useradd -m other")
    assert (again.code, again.stderr) == (9, "useradd: user 'other' already exists\n")


def test_loginctl_refuses_what_it_does_not_know(cloud: Cloud, address: str) -> None:
    assert cloud.run(address, "loginctl list-sessions").code == 1


def test_python_on_the_server_has_the_standard_library_and_nothing_else(cloud: Cloud, address: str) -> None:
    done = cloud.run(address, "python3 -c 'import sys; print(sys.prefix == sys.base_prefix)'")
    assert done.stdout == "True\n"


def test_aws_asks_the_local_cloud_with_where_it_is_called_and_by_whom(cloud: Cloud, address: str) -> None:
    done = cloud.run(address, "mkdir folder; cd folder; AWS_REGION=eu-central-1 aws s3api get-object 'two words'")
    assert done.stdout == f"i-1|{cloud.home()}/folder|eu-central-1|s3api|get-object|two words\n"
    assert (done.code, done.stderr) == (254, "\nAn error occurred\n")


def test_a_server_that_the_local_cloud_no_longer_knows_gets_a_clear_answer(cloud: Cloud, address: str) -> None:
    program = cloud.root / "i-9/usr/local/bin/systemctl"
    program.parent.mkdir(parents=True)
    program.symlink_to(cloud.root / "programs/systemctl")
    done = cloud.run(address, f"{program} status")
    assert done.code == 70
    assert "no server 'i-9' here" in done.stderr
