"""Bad input on the whole path: every refusal and error is one line with the right exit code, and nothing changes.

One cloud for all: dev is up with 1.0.0 live in it, 1.1.0 and 1.3.0 are published there and never go live, and qa has
its ledger.
"""

import base64
import hashlib
import json
import re
import shutil
import socket
import tarfile
import zipfile
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from io import BytesIO
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import yaml
from botocore.exceptions import ClientError

from examples.build import pack
from local.addresses import bindable, find_addresses
from local.control import ask
from local.demo import AT_ONCE, Cloud, version_at
from local.errors import CloudError
from tests.e2e.clone import (
    Done,
    artifact_bucket,
    begin,
    change_body,
    changed,
    client,
    ended,
    head,
    ledger_item,
    live_url,
    new_clone,
    one_line,
    publish,
    resources,
    stored,
    table,
)
from tests.e2e.ready import Ready

ENVIRONMENTS = ("dev", "qa")
VERSIONS = ("1.0.0", "1.1.0", "1.3.0")
ITEMS = ("HEAD", "LEASE")
PROMOTION = ("release", "promote", "1.1.0", "--to", "dev")
UP = ("pulumi", "up", "--stack", "dev", "--yes", "--skip-preview", "--non-interactive")
PREVIEW = ("pulumi", "preview", "--stack", "dev", "--non-interactive")
START = b"#!/bin/sh\n"

pytestmark = [pytest.mark.e2e, pytest.mark.enable_socket]


@dataclass(frozen=True, kw_only=True)
class Team:
    """A user's shell, dev's live URL, the artifacts by their versions, and how the two first promotions ended."""

    cloud: Cloud
    url: str
    artifacts: dict[str, Path]
    first: list[Done]

    def facts(self) -> dict[str, Any]:
        """What bad input must not change, seen past `release` and Pulumi."""
        return {
            "ledgers": [ledger_item(self.cloud, name, kind) for name, kind in product(ENVIRONMENTS, ITEMS)],
            "live": version_at(self.url),
            "stored": stored(self.cloud, "dev"),
            "resources": resources(self.cloud),
        }


@pytest.fixture(scope="module")
def team(ready: Ready) -> Iterator[Team]:
    with ready.dev() as cloud:
        cloud.must("release", "init", "qa")
        artifacts = dict(zip(VERSIONS, publish(cloud, *VERSIONS), strict=True))
        both = [begin(cloud, "release", "promote", "1.0.0", "--to", "dev") for _ in range(2)]
        first = [ended(one) for one in both]
        yield Team(cloud=cloud, url=live_url(cloud, "dev"), artifacts=artifacts, first=first)


@contextmanager
def nothing_changes(team: Team) -> Iterator[None]:
    before = team.facts()
    yield
    assert team.facts() == before


def test_of_two_promotions_at_once_one_wins_and_the_other_is_told_who_is_at_work(team: Team) -> None:
    winner, loser = sorted(team.first, key=lambda one: one.returncode)
    assert (winner.returncode, loser.returncode) == (0, 5), winner.stderr + loser.stderr
    who = f"arn:aws:iam::123456789012:user/ops on {re.escape(socket.gethostname())}"
    assert re.search(rf"dev is being deployed by {who} since 20\d\d-.*; wait for it", one_line(loser))
    assert version_at(team.url) == "1.0.0"
    history = json.loads(team.cloud.must("release", "history", "dev", "--json"))["events"]
    assert [event["kind"] for event in history].count("promotion requested") == 1


REFUSALS: dict[str, tuple[int, str, str]] = {  # what the user types after `release`, and what the line says
    "promote to an unknown environment": (2, "promote 1.1.0 --to nowhere", "nowhere.yaml; allowed: dev, prod, qa, st"),
    "promote from an unknown environment": (2, "promote 1.1.0 --from nowhere --to qa", "no file Pulumi.nowhere.yaml"),
    "roll back an unknown environment": (2, "rollback nowhere", "no file Pulumi.nowhere.yaml"),
    "status of an unknown environment": (2, "status nowhere", "no file Pulumi.nowhere.yaml"),
    "init of a path": (2, "init ../dev", "'../dev', which cannot name one"),
    "promote what was never published": (3, "promote 9.9.9 --to dev", "never published to dev; published there: 1.3.0"),
    "roll back to what was never published": (3, "rollback dev --to 9.9.9", "9.9.9 was never deployed to dev"),
    "show what was never published": (3, "show 9.9.9", "9.9.9 was never published"),
    "promote a path": (2, "promote ../1.0.0 --to dev", "'../1.0.0'"),
    "promote what is live": (3, "promote 1.0.0 --to dev", "1.0.0 is live in dev since"),
    "roll back to what is live": (3, "rollback dev --to 1.0.0", "users of dev get 1.0.0 (not live already)"),
    "promote what is not live before": (3, "promote 1.1.0 --to qa", "dev must have verified 1.1.0: it was never live"),
    "promote past the order": (3, "promote 1.0.0 --from dev --to dev", "dev takes releases from a publication"),
    "first rollback": (3, "rollback dev", "dev has no earlier verified release to go back to"),
    "roll back to what was never live": (3, "rollback dev --to 1.1.0", "1.1.0 was never deployed to dev"),
    "abort nothing": (3, "abort dev", "no deployment is open in dev"),
    "history of an environment without ledger": (1, "history staging", "run: release init staging"),
    "publish nothing": (3, "publish nowhere.zip --version 2.0.0", "there is no file 'nowhere.zip'"),
    "publish other bytes": (3, "publish dist/fieldmap-1.1.0.tar.gz --version 1.0.0", "already published to dev with"),
}


@pytest.fixture(scope="module")
def refusals(team: Team, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Done]:
    """How all of them ended. They run side by side, because each is a process of its own; nothing changes."""
    commands = {case: typed.split() for case, (_, typed, _) in REFUSALS.items()}
    for case, (name, content, _) in BROKEN_ARTIFACTS.items():
        file = tmp_path_factory.mktemp("artifact") / name
        file.write_bytes(content())
        commands[case] = ["publish", str(file), "--version", "2.0.0"]
    with nothing_changes(team), ThreadPoolExecutor(AT_ONCE) as pool:
        done = pool.map(lambda arguments: team.cloud.run("release", *arguments), commands.values())
        return dict(zip(commands, done, strict=True))


@pytest.mark.parametrize("case", REFUSALS)
def test_what_cannot_be_done_is_said_in_one_line_and_nothing_changes(refusals: dict[str, Done], case: str) -> None:
    code, _, named = REFUSALS[case]
    assert named in one_line(refusals[case])
    assert (refusals[case].returncode, refusals[case].stdout) == (code, "")


def damaged_zip() -> bytes:
    """A zip whose smoke.json does not have the checksum that the archive says."""
    packed = BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        start = zipfile.ZipInfo("bin/start")
        start.external_attr = 0o755 << 16
        archive.writestr(start, START)
        archive.writestr("smoke.json", b"[  ]")
    return packed.getvalue().replace(b"[  ]", b"[]  ")


def tar_of(*members: tuple[str, bytes]) -> bytes:
    """A tar with entries of these names and types around a correct bin/start."""
    packed = BytesIO(pack({"bin/start": START}))
    with tarfile.open(fileobj=packed, mode="r:gz") as archive:
        start = archive.getmembers()
    fresh = BytesIO()
    with tarfile.open(fileobj=fresh, mode="w:gz") as archive:
        for member in start:
            archive.addfile(member, BytesIO(START))
        for name, kind in members:
            entry = tarfile.TarInfo(name)
            entry.type, entry.linkname = kind, "/etc/passwd"
            archive.addfile(entry)
    return fresh.getvalue()


BROKEN_ARTIFACTS: dict[str, tuple[str, Callable[[], bytes], str]] = {
    "not an archive": ("a.tar.gz", lambda: b"this is a text\n", "is not a readable archive"),
    "empty": ("a.zip", lambda: b"", "is not a readable archive"),
    "cut short": ("a.tar.gz", lambda: pack({"bin/start": START * 9999})[:-40], "is not a readable archive"),
    "another kind": ("a.rpm", lambda: b"\xed\xab\xee\xdb", "artifacts are .tar.gz, .tgz, .zip, .jar, .war and Linux"),
    "no bin/start": ("a.tar.gz", lambda: pack({"start": START}), "it has no bin/start, and no command"),
    "leaves the folder": ("a.tar.gz", lambda: tar_of(("../../etc/cron.d/x", tarfile.REGTYPE)), "leaves the folder"),
    "a link": ("a.tar.gz", lambda: tar_of(("lib", tarfile.SYMTYPE)), "a link to '/etc/passwd', out of the archive"),
    "a device": ("a.tar.gz", lambda: tar_of(("null", tarfile.CHRTYPE)), "'null' is a device"),
    "smoke.json is not JSON": ("a.tar.gz", lambda: pack({"bin/start": START, "smoke.json": b"{"}), "is not JSON"),
    "smoke.json is something else": ("a.tar.gz", lambda: pack({"bin/start": START, "smoke.json": b'{"a": 1}'}),
                                     "smoke.json"),
    "smoke.json is damaged": ("a.zip", damaged_zip, "is not a readable archive"),
}  # fmt: skip


@pytest.mark.parametrize("case", BROKEN_ARTIFACTS)
def test_an_artifact_that_is_none_is_refused_and_not_stored(refusals: dict[str, Done], case: str) -> None:
    assert BROKEN_ARTIFACTS[case][2] in one_line(refusals[case])
    assert (refusals[case].returncode, refusals[case].stdout) == (3, "")


@pytest.mark.parametrize("arguments", [("status",), PROMOTION[1:]], ids=["status", "promote"])
def test_without_credentials_it_says_so_and_how_to_give_them(team: Team, arguments: tuple[str, ...]) -> None:
    anonymous = changed(team.cloud, "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
    with nothing_changes(team):
        done = anonymous.run("release", *arguments)
    assert done.returncode == 1
    assert "no AWS credentials were found; set AWS_PROFILE or" in one_line(done)


@pytest.mark.parametrize("arguments", [("init", "dev"), PROMOTION[1:]], ids=["init", "promote"])
def test_without_an_engine_nothing_begins(team: Team, arguments: tuple[str, ...]) -> None:
    folders = team.cloud.variables["PATH"].split(":")
    path = [folder for folder in folders if not (Path(folder) / "pulumi").exists()]
    with nothing_changes(team):
        done = changed(team.cloud, PATH=":".join(path)).run("release", *arguments)
    assert done.returncode == 1
    assert "there is no pulumi on PATH; install it" in one_line(done)


def test_credentials_of_another_account_change_nothing_in_either(team: Team) -> None:
    key = ask(team.cloud.paths.control, {"do": "access", "account": "210987654321"})["key"]
    other = changed(team.cloud, AWS_ACCESS_KEY_ID=key["id"], AWS_SECRET_ACCESS_KEY=key["secret"])
    with nothing_changes(team), ThreadPoolExecutor() as pool:
        commands = (PROMOTION, ("release", "init", "dev"), PREVIEW)
        *verbs, previewed = pool.map(lambda command: other.run(*command), commands)
    said = "your credentials are of account 210987654321, this environment is in 123456789012"
    assert [done.returncode for done in verbs] == [3, 3]
    assert all(said in one_line(done) for done in verbs)
    assert previewed.returncode != 0  # Pulumi needs the state's key before it runs the program
    assert "get stack secrets manager" in previewed.stderr and "AccessDeniedException" in previewed.stderr
    assert client(other, "dynamodb").list_tables()["TableNames"] == []
    assert [one for one in client(other, "kms").list_aliases()["Aliases"] if "stageline" in one["AliasName"]] == []


def test_another_region_is_named_and_nothing_is_made_there(team: Team) -> None:
    moved = copied_project(team, {"stageline:region": "eu-west-1"})
    elsewhere = changed(team.cloud, STAGELINE_PROJECT=str(moved))
    with nothing_changes(team), ThreadPoolExecutor() as pool:
        promoted, made = pool.map(lambda command: elsewhere.run(*command), (PROMOTION, ("release", "init", "dev")))
        previewed = team.cloud.run("pulumi", "-C", str(moved), *PREVIEW[1:])
    shutil.rmtree(moved)
    assert (promoted.returncode, made.returncode) == (1, 3)
    assert "eu-west-1" in one_line(promoted)
    assert "is not in eu-west-1; check the region in the stack file" in one_line(made)
    assert previewed.returncode != 0
    assert "account 123456789012, region eu-west-1: cannot read HEAD" in " ".join(previewed.stdout.split())
    there = changed(team.cloud, AWS_REGION="eu-west-1")
    assert client(there, "dynamodb").list_tables()["TableNames"] == []
    assert [one for one in client(there, "kms").list_aliases()["Aliases"] if "stageline" in one["AliasName"]] == []


def copied_project(team: Team, config: Mapping[str, Any]) -> Path:
    """The project with other values in dev's stack file, in a folder beside it."""
    folder = team.cloud.paths.root / "copied"
    shutil.copytree(team.cloud.paths.work, folder)
    stack = yaml.safe_load((folder / "Pulumi.dev.yaml").read_text())
    stack["config"] |= config
    (folder / "Pulumi.dev.yaml").write_text(yaml.safe_dump(stack))
    return folder


@contextmanager
def another_head(team: Team, change: Callable[[], object]) -> Iterator[None]:
    """dev's HEAD as `change` leaves it, and at the end as it was."""
    was = ledger_item(team.cloud, "dev", "HEAD")
    change()
    try:
        yield
    finally:
        client(team.cloud, "dynamodb").put_item(TableName=table("dev"), Item=was)


@pytest.mark.parametrize("case", ["no HEAD", "HEAD of another account"])
def test_without_its_own_head_nothing_is_taken_for_nothing_deployed(team: Team, case: str) -> None:
    change, named = {
        "no HEAD": (lambda: remove_head(team.cloud), "has no HEAD"),
        "HEAD of another account": (lambda: change_body(team.cloud, "dev", "HEAD", account="999999999999"),
                                    "999999999999"),
    }[case]  # fmt: skip
    commands = (("release", "status", "dev"), PROMOTION, PREVIEW, UP)
    with nothing_changes(team), another_head(team, change), nothing_changes(team), ThreadPoolExecutor() as pool:
        status, promoted, previewed, up = pool.map(lambda command: team.cloud.run(*command), commands)
    assert [status.returncode, promoted.returncode] == [1, 1]
    assert all(named in one_line(done) for done in (status, promoted))
    assert all(done.returncode != 0 and named in done.stdout + done.stderr for done in (previewed, up))


def remove_head(cloud: Cloud) -> None:
    client(cloud, "dynamodb").delete_item(TableName=table("dev"), Key={"kind": {"S": "HEAD"}, "seq": {"N": "0"}})


def test_every_error_of_a_stack_file_is_told_at_once(team: Team) -> None:
    wrong = {"stageline:account": "12", "stageline:protectd": True, "stageline:region": "the moon"}
    bad = copied_project(team, wrong)
    keys = ("stageline:account", "stageline:protectd", "stageline:region")
    with nothing_changes(team):
        done = changed(team.cloud, STAGELINE_PROJECT=str(bad)).run(*PROMOTION)
        previewed = team.cloud.run("pulumi", "-C", str(bad), *PREVIEW[1:])
    shutil.rmtree(bad)
    lines = done.stderr.splitlines()
    assert (done.returncode, len(lines)) == (2, len(keys))
    assert all(any(line.startswith(f"release: Pulumi.dev.yaml: {key} is") for line in lines) for key in keys)
    assert previewed.returncode != 0
    assert all(f"Pulumi.dev.yaml: {key} is" in previewed.stdout + previewed.stderr for key in keys)


@pytest.mark.parametrize(
    ("lies", "code", "named"),
    [
        pytest.param(False, 3, "the artifact of 1.3.0 has other bytes", id="S3 knows their checksum"),
        pytest.param(True, 1, "did not match calculated checksum", id="S3 reports the old checksum"),
    ],
)
def test_bytes_that_were_changed_in_the_bucket_never_go_live(team: Team, lies: bool, code: int, named: str) -> None:
    before = head(team.cloud, "dev")["state"]
    real = team.artifacts["1.3.0"].read_bytes()
    forged = real[:-1] + bytes([real[-1] ^ 1])
    replace_object(team.cloud, digest_key(team, "1.3.0"), forged, checksum_of=real if lies else forged)
    done = team.cloud.run("release", "promote", "1.3.0", "--to", "dev")
    assert named in one_line(done)
    assert done.returncode == code
    after = head(team.cloud, "dev")["state"]
    assert (after["live"], after["declared"], after["open"]) == (before["live"], before["declared"], None)
    assert version_at(team.url) == "1.0.0"


def replace_object(cloud: Cloud, key: str, body: bytes, *, checksum_of: bytes) -> None:
    """What the bucket's policy leaves open to whoever may delete. The local S3 believes any checksum."""
    s3, bucket = client(cloud, "s3"), artifact_bucket("dev")
    checksum = base64.b64encode(hashlib.sha256(checksum_of).digest()).decode()
    s3.delete_object(Bucket=bucket, Key=key)
    s3.put_object(Bucket=bucket, Key=key, Body=body, IfNoneMatch="*", ChecksumAlgorithm="SHA256",
                  ChecksumSHA256=checksum)  # fmt: skip


def test_a_manifest_that_was_changed_in_the_bucket_is_refused(team: Team) -> None:
    bucket, s3 = artifact_bucket("dev"), client(team.cloud, "s3")
    signed = s3.get_object(Bucket=bucket, Key="releases/1.1.0.json")["Body"].read()
    s3.put_object(Bucket=bucket, Key="releases/1.8.0.json", Body=signed.replace(b"1.1.0", b"1.8.0"), IfNoneMatch="*")
    with nothing_changes(team):
        done = team.cloud.run("release", "promote", "1.8.0", "--to", "dev")
    s3.delete_object(Bucket=bucket, Key="releases/1.8.0.json")
    assert (done.returncode, "signature" in one_line(done)) == (3, True)


def digest_key(team: Team, version: str) -> str:
    report = json.loads(team.cloud.must("release", "show", version, "--json"))
    return f"artifacts/{report['release']['digest']}"


def test_a_port_that_another_program_has_is_named_by_the_listener_that_wants_it(team: Team) -> None:
    balancers = client(team.cloud, "elbv2")
    balancer = balancers.describe_load_balancers()["LoadBalancers"][0]
    action = {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "503"}}
    with nothing_changes(team), listening(balancer["DNSName"], 0) as port, pytest.raises(ClientError) as error:
        balancers.create_listener(LoadBalancerArn=balancer["LoadBalancerArn"], Protocol="HTTP", Port=port,
                                  DefaultActions=[action])  # fmt: skip
    assert f"port {port} is taken on" in str(error.value)


def test_a_cloud_whose_ports_are_taken_says_which_and_leaves_nothing(tmp_path: Path) -> None:
    clone = new_clone(tmp_path / "clone")
    with ExitStack() as taken:
        for address, port in first_places(clone.folder):
            if bindable(address, port):
                taken.enter_context(listening(address, port))
        done = clone.run("up")
    assert (done.returncode, len(done.stderr.splitlines())) == (1, 1)
    assert done.stderr.startswith("local-cloud: ")
    assert "port 4566 is taken on" in done.stderr
    assert clone.processes() == []


def first_places(project: Path) -> list[tuple[str, int]]:
    """The address and port that a cloud of this project asks for first, in each block that it tries."""
    places: list[tuple[str, int]] = []

    def refuse(address: str, port: int) -> bool:
        places.append((address, port))
        return False

    with pytest.raises(CloudError):
        find_addresses(project, can_bind=refuse)
    return places


@contextmanager
def listening(address: str, port: int) -> Iterator[int]:
    with socket.create_server((address, port)) as server:
        yield server.getsockname()[1]
