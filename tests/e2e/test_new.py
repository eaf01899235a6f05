"""What `release new` writes, in the local cloud: it begins, and Pulumi can preview each of its environments."""

import json
import shutil
from pathlib import Path

import pytest

from local.demo import Cloud
from local.paths import CODE
from tests.e2e.clone import Clone, shell
from tests.project import MAIN, PROJECT

pytestmark = [pytest.mark.e2e, pytest.mark.enable_socket]

PROGRAM = ("__main__.py", "components", "contract", "release")
ANSWERS = {
    "name": "acme",
    "account": "123456789012",
    "region": "eu-central-1",
    "owner": "ops",
    "image": "ami-0123456789abcdef0",
    "networks": ["203.0.113.0/24"],
    "environments": ["first", "last"],
}


def test_what_it_writes_begins_and_can_be_previewed(tmp_path: Path) -> None:
    folder = tmp_path / "acme"
    folder.mkdir()
    for name in PROGRAM:
        (folder / name).symlink_to(CODE / name)
    shutil.copytree(CODE / "settings", folder / "settings")  # it writes the schema there
    (folder / "Pulumi.yaml").write_text((PROJECT / "Pulumi.yaml").read_text().replace(MAIN, ""))
    (folder / "answers.json").write_text(json.dumps(ANSWERS))
    clone = Clone(folder)
    try:
        assert clone.run("up").returncode == 0
        user = shell(clone)
        user.must("release", "--project", str(folder), "new", "--answers", str(folder / "answers.json"))
        assert clone.run("down").returncode == 0
        assert clone.run("up").returncode == 0
        user = shell(clone)
        before = looked_at(user)
        assert before["credentials"] == "ok"
        assert before["state key"] == "warning"
        for name in ("first", "last"):
            user.must("release", "init", name)
            assert "to create" in user.must("pulumi", "preview", "--stack", name, "--non-interactive")
        assert looked_at(user) == {**before, "state key": "ok"}
    finally:
        clone.run("down")


def looked_at(user: Cloud) -> dict[str, str]:
    """What `release doctor` says of each thing. The local cloud has not everything, as quotas: that ends with 4."""
    done = user.run("release", "doctor", "first", "--from", "203.0.113.7", "--json")
    assert done.returncode in (3, 4), done.stderr
    found = {one["check"]: one["verdict"] for one in json.loads(done.stdout)["checks"]}
    print(done.stdout)  # noqa: T201 - what a failed run shows
    return found
