"""command:remote:Command and CopyToRemote, run by the provider on a real SSH host."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncssh
import pytest

from local.command_provider.resources import COPY_TO_REMOTE, REMOTE_COMMAND
from local.command_provider.values import ARCHIVE, ASSET, SIGNATURE, secret
from tests.local.command_provider.engine import Engine, Refused
from tests.local.servers.small_cloud import Cloud, eventually, runs, small_cloud

pytestmark = pytest.mark.enable_socket


@dataclass(frozen=True, kw_only=True)
class Host:
    """A running server, and an engine to act on it."""

    engine: Engine
    cloud: Cloud
    address: str

    def connection(self, **changed: Any) -> dict[str, Any]:
        return {
            "host": self.address,
            "port": 2222.0,
            "user": "stageline",
            "privateKey": secret(self.cloud.login.export_private_key().decode()),
            "hostKey": self.cloud.host_key.export_public_key().decode(),
            "dialErrorLimit": 0.0,
            **changed,
        }

    def run(self, create: str, **given: Any) -> Any:
        given = {"connection": self.connection(), "addPreviousOutputInEnv": False, **given}
        return self.engine.create(REMOTE_COMMAND, create=create, **given)

    def copy(self, source: dict[str, Any], path: str) -> Any:
        return self.engine.create(COPY_TO_REMOTE, connection=self.connection(), source=source, remotePath=path)

    @property
    def home(self) -> Path:
        return self.cloud.home()


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    (tmp_path / "program").mkdir()
    with small_cloud(tmp_path) as cloud:
        yield Host(engine=Engine(tmp_path / "program"), cloud=cloud, address=cloud.boot())


def file(path: str, digest: str = "1") -> dict[str, Any]:
    return {SIGNATURE: ASSET, "path": path, "hash": digest}


def test_a_command_gets_its_stdin_and_its_output_is_kept(host: Host) -> None:
    made = host.run("cat; pwd; echo oops >&2", stdin=secret("given\n"))
    assert (made.outputs["stdout"], made.outputs["stderr"]) == (f"given\n{host.home}", "oops")


def test_a_command_that_does_not_read_its_input_does_not_fail(host: Host) -> None:
    assert host.run("exec echo done", stdin="x" * 5_000_000).outputs["stdout"] == "done"


def test_a_command_that_gives_back_much_input_does_not_hang(host: Host) -> None:
    assert len(host.run("cat", stdin="x" * 5_000_000).outputs["stdout"]) == 5_000_000


def test_output_is_not_secret_by_itself_as_with_the_genuine_plugin(host: Host) -> None:
    assert host.run("cat", stdin=secret("x")).outputs["stdout"] == "x"


def test_a_failure_shows_the_command_and_both_streams_even_without_logging(host: Host) -> None:
    with pytest.raises(Refused) as refused:
        host.run("echo out; echo err >&2; exit 4", logging="none")
    first, *rest = str(refused.value).splitlines()
    assert first == 'Process exited with status 4: running "echo out; echo err >&2; exit 4":'
    assert sorted(rest) == ["err", "out"]


def test_a_command_ended_by_a_signal_says_so(host: Host) -> None:
    with pytest.raises(Refused, match="Process exited with status 143 from signal TERM"):
        host.run("kill -TERM $$")


def test_a_variable_that_no_stock_sshd_accepts_fails_the_command(host: Host) -> None:
    with pytest.raises(Refused, match=r'could not set environment variable "SECRET".*AcceptEnv'):
        host.run("env", environment={"SECRET": "x"})
    assert "LC_TIME=C" in host.run("env", environment={"LC_TIME": "C"}).outputs["stdout"].splitlines()


def test_the_output_before_does_not_get_through_but_does_no_harm(host: Host) -> None:
    made = host.run("echo one", update="echo got $PULUMI_COMMAND_STDOUT", addPreviousOutputInEnv=True)
    assert host.engine.update(REMOTE_COMMAND, made, stdin="x").outputs["stdout"] == "got"


def test_a_wrong_host_key_is_refused_and_nothing_runs(host: Host) -> None:
    wrong = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode()
    with pytest.raises(Refused, match=r"after 1 failed attempts: ssh: handshake failed: ssh: host key mismatch"):
        host.run("touch ran", connection=host.connection(hostKey=wrong, dialErrorLimit=1.0))
    assert not (host.home / "ran").exists()


def test_without_a_host_key_any_server_is_trusted_as_with_the_genuine_plugin(host: Host) -> None:
    assert host.run("echo in", connection=host.connection(hostKey=None)).outputs["stdout"] == "in"


def test_a_key_that_the_server_does_not_know_is_refused(host: Host) -> None:
    stranger = asyncssh.generate_private_key("ssh-ed25519").export_private_key().decode()
    with pytest.raises(Refused, match=r"after 0 failed attempts: .*unable to authenticate"):
        host.run("true", connection=host.connection(privateKey=stranger))


def test_a_server_that_comes_up_late_is_met_by_a_retry(host: Host) -> None:
    host.cloud.servers.stop("i-1")
    host.cloud.servers.start("i-1")
    made = host.run("echo there", connection=host.connection(dialErrorLimit=20.0))
    assert made.outputs["stdout"] == "there"


def test_nobody_there_is_said_after_the_limit(host: Host) -> None:
    host.cloud.servers.stop("i-1")
    with pytest.raises(Refused, match=r"after 2 failed attempts: .*[Cc]onnect"):
        host.run("true", connection=host.connection(dialErrorLimit=2.0))


def test_a_bad_private_key_is_refused_at_once(host: Host) -> None:
    with pytest.raises(Refused, match="key"):
        host.run("true", connection=host.connection(privateKey="no key", dialErrorLimit=-1.0))


def test_a_proxy_with_its_own_pinned_key_is_passed_through(host: Host) -> None:
    proxy = {**host.connection(), "host": host.cloud.boot("i-2")}
    made = host.run("hostname -I", connection=host.connection(proxy=proxy))
    assert made.outputs["stdout"].split() == [host.address]


def test_a_proxy_with_a_wrong_host_key_is_refused(host: Host) -> None:
    wrong = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode()
    proxy = {**host.connection(hostKey=wrong), "host": host.cloud.boot("i-2")}
    with pytest.raises(Refused, match=r"^proxy: after 0 failed attempts: .*host key mismatch"):
        host.run("true", connection=host.connection(proxy=proxy))


def test_the_key_behind_a_proxy_is_checked_as_well(host: Host) -> None:
    wrong = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode()
    proxy = {**host.connection(), "host": host.cloud.boot("i-2")}
    with pytest.raises(Refused, match="host key mismatch"):
        host.run("true", connection=host.connection(hostKey=wrong, proxy=proxy))


def test_each_hop_is_checked_against_its_own_key(host: Host) -> None:
    own = asyncssh.generate_private_key("ssh-ed25519")
    key = own.export_private_key().decode()
    bastion = host.cloud.boot("i-2", more=f"echo '{key}' > $STAGELINE_ROOT/etc/ssh/ssh_host_ed25519_key\n")
    proxy = {**host.connection(hostKey=own.export_public_key().decode()), "host": bastion}
    made = host.run("hostname -I", connection=host.connection(proxy=proxy))
    assert made.outputs["stdout"].split() == [host.address]
    with pytest.raises(Refused, match=r"^proxy: after 0 failed attempts: .*host key mismatch"):
        host.run("true", connection=host.connection(proxy={**host.connection(), "host": bastion}))


def test_there_is_no_way_around_a_bastion_that_is_off(host: Host) -> None:
    proxy = {**host.connection(), "host": host.cloud.boot("i-2")}
    host.cloud.servers.stop("i-2")
    with pytest.raises(Refused, match=r"^proxy: after 0 failed attempts: .*[Cc]onnect"):
        host.run("true", connection=host.connection(proxy=proxy))


def test_a_server_behind_a_bastion_that_is_off_is_dialled_again_from_there(host: Host) -> None:
    proxy = {**host.connection(), "host": host.cloud.boot("i-2")}
    host.cloud.servers.stop("i-1")
    host.cloud.servers.start("i-1")
    made = host.run("echo there", connection=host.connection(proxy=proxy, dialErrorLimit=20.0))
    assert made.outputs["stdout"] == "there"


def test_behind_a_proxy_a_failed_handshake_is_retried_in_vain_as_with_the_genuine_plugin(host: Host) -> None:
    wrong = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode()
    proxy = {**host.connection(), "host": host.cloud.boot("i-2")}
    with pytest.raises(Refused, match=r"^proxy: after 2 failed attempts: ssh: handshake failed: EOF"):
        host.run("true", connection=host.connection(hostKey=wrong, proxy=proxy, dialErrorLimit=2.0))


def test_a_server_that_accepts_and_says_nothing_is_waited_for_beyond_the_dial_timeout(host: Host) -> None:
    host.cloud.servers.server("i-1").troubles.begin("hang")
    with ThreadPoolExecutor() as pool:
        connection = host.connection(perDialTimeout=1.0)
        made = pool.submit(host.run, "echo at last", connection=connection)
        done, _ = wait([made], timeout=1.5)
        assert not done
        host.engine.cancel()
        with pytest.raises(Refused, match="cancelled"):
            made.result()


def test_a_cancelled_command_is_gone_from_the_server_with_what_it_started(host: Host) -> None:
    with ThreadPoolExecutor() as pool:
        made = pool.submit(host.run, "sleep 300 & echo $! > new; echo $$ >> new; mv new pids; wait")
        eventually((host.home / "pids").exists)
        host.engine.cancel()
        with pytest.raises(Refused, match="cancelled"):
            made.result()
    pids = [int(line) for line in (host.home / "pids").read_text().split()]
    eventually(lambda: not any(runs(pid) for pid in pids))


def test_a_lost_connection_alone_does_not_end_a_command_as_with_a_real_sshd(host: Host) -> None:
    async def start() -> None:
        async with host.cloud.connect(host.address) as connection:
            await connection.create_process("echo $$ > new; mv new pid; sleep 300")
            await asyncio.to_thread(eventually, (host.home / "pid").exists)

    asyncio.run(start())
    assert runs(int((host.home / "pid").read_text()))


def test_delete_without_a_script_needs_no_server(host: Host) -> None:
    made = host.run("true")
    host.cloud.servers.stop("i-1")
    host.engine.delete(REMOTE_COMMAND, made)


def test_delete_runs_its_script_on_the_server(host: Host) -> None:
    host.engine.delete(REMOTE_COMMAND, host.run("true", delete="touch gone"))
    assert (host.home / "gone").exists()


def test_a_file_is_copied_to_its_path_and_folders_are_made(host: Host) -> None:
    (host.engine.folder / "script").write_text("content")
    host.copy(file("script"), "new/folder/name")
    assert (host.home / "new/folder/name").read_text() == "content"


def test_a_file_goes_into_a_folder_that_is_there_and_over_a_file_that_is_there(host: Host) -> None:
    (host.engine.folder / "script").write_text("content")
    (host.home / "folder").mkdir()
    (host.home / "other").write_text("something longer than the content")
    host.copy(file("script"), "folder")
    host.copy(file("script"), "other")
    assert (host.home / "folder/script").read_text() == "content"
    assert (host.home / "other").read_text() == "content"


def test_a_text_is_copied_but_not_onto_a_folder(host: Host) -> None:
    text = {SIGNATURE: ASSET, "text": "text", "hash": "1"}
    host.copy(text, "folder/file")
    assert (host.home / "folder/file").read_text() == "text"
    with pytest.raises(Refused, match="remote path folder is a directory"):
        host.copy(text, "folder")


@pytest.mark.parametrize(("source", "there"), [("tree", "there/tree/below/file"), ("tree/", "there/below/file")])
def test_a_folder_is_copied_whole_with_its_name_or_with_a_slash_without(host: Host, source: str, there: str) -> None:
    (host.engine.folder / "tree/below").mkdir(parents=True)
    (host.engine.folder / "tree/below/file").write_text("content")
    host.copy({SIGNATURE: ARCHIVE, "path": source, "hash": "1"}, "there")
    assert (host.home / there).read_text() == "content"


def test_a_folder_is_not_copied_onto_a_file(host: Host) -> None:
    (host.engine.folder / "tree").mkdir()
    (host.home / "file").write_text("x")
    with pytest.raises(Refused, match="remote path file exists but is not a directory"):
        host.copy({SIGNATURE: ARCHIVE, "path": "tree", "hash": "1"}, "file")


def test_a_source_that_is_not_there_is_named(host: Host) -> None:
    with pytest.raises(Refused, match=r"failed to copy to remote path x: .*no-such-file"):
        host.copy(file("no-such-file"), "x")


@pytest.mark.parametrize(
    ("changed", "copies"),
    [
        ({"source": file("script", "2")}, True),
        ({"remotePath": "elsewhere"}, True),
        ({"source": file("moved", "1")}, False),
    ],
    ids=["content", "path", "only the name of the source"],
)
def test_an_update_copies_again_only_other_content_or_to_another_path(
    host: Host, changed: dict[str, Any], copies: bool
) -> None:
    (host.engine.folder / "script").write_text("content")
    made = host.copy(file("script"), "name")
    (host.home / "name").unlink()
    host.engine.update(COPY_TO_REMOTE, made, **changed)
    assert ((host.home / "name").exists() or (host.home / "elsewhere").exists()) == copies


def test_another_connection_alone_copies_nothing(host: Host) -> None:
    (host.engine.folder / "script").write_text("content")
    made = host.copy(file("script"), "name")
    (host.home / "name").unlink()
    host.engine.update(COPY_TO_REMOTE, made, connection=host.connection(dialErrorLimit=7.0))
    assert not (host.home / "name").exists()
