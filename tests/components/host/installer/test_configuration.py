"""What people set reaches the application and its migration, and nobody else; without it nothing is touched."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from contract.configuration import Document, document_text
from tests.components.host.fake_server import FakeServer, application, loopback, tar_gz

CANARY = "canary-first 2f6d\nand its second line"
SECRET = "shop/dev+configuration/1"
MIGRATE = '#!/bin/sh\necho "$PIN"\nprintf %s "$PIN" >"$HOME/migrated"\n'
SHOWING = application("1.0.0").replace(
    'os.environ["DATABASE_URL"]', '"\\0".join((os.environ["PIN"], os.environ["LOG"], os.environ["RELEASE_VERSION"]))'
)


def configured(server: FakeServer, document: Document, values: dict[str, str]) -> str:
    """The digest of a configuration that lies where the server looks for it."""
    text = document_text(document).encode()
    digest = hashlib.sha256(text).hexdigest()
    aws = server.root / "aws"
    for path, said in (
        (aws / "artifacts-bucket" / "configurations" / digest, text),
        (aws / "secrets" / SECRET, json.dumps({"values": values}).encode()),
    ):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(said)
    return digest


def order(server: FakeServer, deployment: str = "d1", **files: str) -> dict[str, Any]:
    document = Document({"LOG": "info"}, {"PIN": 1}, SECRET)
    digest = configured(server, document, {"PIN": CANARY, "OTHER": "not of this one"})
    artifact = tar_gz({"bin/start": SHOWING, **files})
    return server.request("1.0.0", artifact, deployment=deployment, configuration=digest)


def written(server: FakeServer) -> list[Path]:
    """The files of the server that hold a secret, but for what the application itself writes."""
    files = [path for path in server.home.rglob("*") if path.is_file() and path.name not in ("seen", "migrated")]
    return [path for path in files if b"canary-first" in path.read_bytes()]


@loopback
def test_the_application_has_it_and_the_disk_has_not(server: FakeServer) -> None:
    run = server.install(order(server))
    assert run.answer["result"] == "installed", run.stderr
    assert server.seen_by("blue").startswith(f"{CANARY}\0info\0" + "1.0.0")
    assert (written(server), "canary" in run.stderr) == ([], False)
    assert server.status()["content"]["configuration"] == order(server)["configuration"]


@loopback
def test_a_migration_has_it_and_what_it_says_of_it_is_taken_out(server: FakeServer) -> None:
    server.let_migrate("d1")
    run = server.install(order(server, **{"bin/migrate": MIGRATE}))
    assert run.answer["migration"] == "done", run.stderr
    assert ((server.home / "migrated").read_text(), written(server)) == (CANARY, [])
    assert (server.home / "stageline" / "log" / "blue-migrate.log").read_text() == "***\n"


@loopback
def test_a_start_reads_it_from_the_slot_and_the_secret_anew(server: FakeServer) -> None:
    """As after a reboot: the bucket is not asked, and no newer configuration is taken."""
    request = order(server)
    server.install(request)
    (server.root / "aws" / "artifacts-bucket" / "configurations" / request["configuration"]).unlink()
    server.kill_release("blue")
    assert server.execute(server.command("start", "blue")).answer["result"] == "started"
    assert server.seen_by("blue").startswith(CANARY)


@loopback
def test_the_same_bytes_with_another_configuration_are_installed_anew(server: FakeServer) -> None:
    server.install(order(server, "d1"))
    other = configured(server, Document({"LOG": "debug", "PIN": "open"}), {})
    run = server.install({**order(server, "d2"), "configuration": other, "reuse": True})
    assert (run.answer["result"], server.seen_by("blue")[:10]) == ("installed", "open\0debug")


BROKEN = {
    "the document is gone": ("artifacts-bucket/configurations", None, "s3api get-object failed"),
    "the document was changed": ("artifacts-bucket/configurations", b"{}", "does not have its sha256"),
    "the secret is gone": (f"secrets/{SECRET}", None, "secretsmanager get-secret-value failed"),
    "the secret has another form": (f"secrets/{SECRET}", b"canary-first", "does not say what it has to"),
    "a name is missing": (f"secrets/{SECRET}", b'{"values": {"A": "canary-first"}}', "does not hold PIN"),
}


@loopback
@pytest.mark.parametrize(("place", "text", "why"), BROKEN.values(), ids=BROKEN)
def test_what_cannot_be_read_is_told_before_the_slot_is_touched(
    server: FakeServer, place: str, text: bytes | None, why: str
) -> None:
    server.install(order(server, "d1"))
    request = order(server, "d2")
    path = server.root / "aws" / place
    path = path / request["configuration"] if path.is_dir() else path
    path.unlink() if text is None else path.write_bytes(text)
    run = server.install(request)
    assert run.answer["result"] in ("restored", "refused")
    assert why in run.answer["why"] and "blue was not touched and holds 1.0.0" in run.answer["why"]
    assert "canary" not in json.dumps(run.answer) + run.stderr
