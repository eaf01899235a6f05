"""What the installer's verbs do when nothing goes wrong, and what input they take."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from contract.commands import Commands
from tests.archives import Member
from tests.archives import tar_gz as tar_archive
from tests.components.host.fake_server import (
    PASSWORD,
    QUOTED_PASSWORD,
    FakeServer,
    application,
    good,
    loopback,
    tar_gz,
)

# --- What an install does -----------------------------------------------------------------------------------------


@loopback
def test_it_is_run_by_python_alone(server: FakeServer) -> None:
    """All other tests run it as a fork of an interpreter that has imported what it needs."""
    order = json.dumps(server.request("1.0.0", good("1.0.0")))
    said = subprocess.run(
        server.command("install"),
        env=server.environment,
        cwd=server.home,
        input=order,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    ).stdout
    assert json.loads(said)["result"] == "installed"


@loopback
def test_an_install_into_an_empty_slot_makes_the_release_answer(server: FakeServer) -> None:
    run = server.install(server.request("1.0.0", good("1.0.0")))
    assert (run.code, run.answer) == (
        0,
        {"result": "installed", "slot": "blue", "release": "1.0.0", "deployment": "d1", "migration": "none"},
    )
    status = server.status()
    assert (status["unit"], status["health"]) == ("active", {"status": 200, "version": "1.0.0"})
    assert server.leftovers() == []


@loopback
@pytest.mark.parametrize(
    ("engine", "start", "end"),
    [("postgres", "postgresql://", "/shop?sslmode=require"), ("mysql", "mysql://", "/shop?ssl-mode=REQUIRED")],
)
def test_where_the_database_requires_tls_its_url_says_so(server: FakeServer, engine: str, start: str, end: str) -> None:
    [parameter] = server.root.rglob("parameters/shop/dev/database")
    parameter.write_text(json.dumps({**json.loads(parameter.read_text()), "engine": engine, "tls": "required"}))
    server.install(server.request("1.0.0", good("1.0.0")))
    url = server.seen_by("blue").split()[0]
    assert (url.startswith(start), url.endswith(end)) == (True, True)


@loopback
def test_the_application_gets_the_database_and_its_slot_by_its_environment_only(server: FakeServer) -> None:
    server.install(server.request("1.0.0", good("1.0.0")))
    assert server.seen_by("blue") == f"postgresql://admin:{QUOTED_PASSWORD}@db.example:5432/shop blue"
    told = "\n".join([*server.calls("aws"), *server.calls("systemd"), (server.slots / "blue/slot.json").read_text()])
    assert PASSWORD not in told and QUOTED_PASSWORD not in told


@loopback
def test_the_same_deployment_a_second_time_does_nothing(server: FakeServer) -> None:
    request = server.request("1.0.0", good("1.0.0"))
    server.install(request)
    calls = server.calls("aws")
    run = server.install(request)
    assert (run.code, run.answer["result"]) == (0, "unchanged")
    assert server.calls("aws") == calls
    assert [call for call in server.calls("systemd") if call.startswith("start")] == ["start stageline-blue.service"]


@loopback
def test_the_same_release_by_another_deployment_is_installed_again(server: FakeServer) -> None:
    server.install(server.request("1.0.0", good("1.0.0")))
    run = server.install(server.request("1.0.0", good("1.0.0"), deployment="d2"))
    assert run.answer["result"] == "installed"
    assert server.status()["content"]["deployment"] == "d2"
    assert len([call for call in server.calls("systemd") if call.startswith("start")]) == 2


@loopback
def test_the_other_slot_is_not_touched(server: FakeServer) -> None:
    server.install(server.request("1.0.0", good("1.0.0"), slot="green"))
    before = server.status("green")
    pid = (server.root / "systemd" / "stageline-green.service").read_text()
    assert server.install(server.request("2.0.0", good("2.0.0"))).code == 0
    assert server.install(server.request("3.0.0", tar_gz({"bin/start": "#!/bin/sh\n"}))).code == 1
    assert server.status("green") == before
    assert (server.root / "systemd" / "stageline-green.service").read_text() == pid


@loopback
def test_a_jar_without_any_modes_can_be_installed(server: FakeServer) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in ("META-INF/MANIFEST.MF", "bin/start"):
            info = zipfile.ZipInfo(name)
            info.create_system = 0
            archive.writestr(info, application("1.0.0"))
            info.external_attr = 0
    assert server.install(server.request("1.0.0", buffer.getvalue())).answer["result"] == "installed"


@loopback
def test_a_slow_start_is_waited_for(server: FakeServer) -> None:
    start = application("1.0.0", 503, 503, 503, 200)
    assert server.install(server.request("1.0.0", tar_gz({"bin/start": start}))).answer["result"] == "installed"


# --- The other verbs and the input --------------------------------------------------------------------------------


@loopback
def test_emptying_a_slot_stops_it_and_forgets_its_content(server: FakeServer) -> None:
    server.install(server.request("1.0.0", good("1.0.0")))
    run = server.execute(server.command("empty"), '{"slot": "blue"}')
    assert (run.code, run.answer) == (0, {"result": "emptied", "slot": "blue"})
    nothing = {"content": None, "unit": "inactive", "pid": 0, "restarts": 0, "health": None, "migration": None}
    assert server.status() == {**nothing, "busy": False, "problem": None}
    assert server.execute(server.command("empty"), '{"slot": "blue"}').answer["result"] == "unchanged"


@loopback
def test_a_slot_that_no_deployment_has_reached_can_be_emptied(server: FakeServer) -> None:
    run = server.execute(server.command("empty"), '{"slot": "green"}')
    assert (run.code, run.answer) == (0, {"result": "unchanged", "slot": "green"})


@loopback
def test_a_content_without_a_release_empties_the_slot(server: FakeServer) -> None:
    request = server.request("1.0.0", good("1.0.0"))
    server.install(request)
    run = server.install({**request, "release": None, "digest": None, "deployment": "d2"})
    assert (run.code, run.answer) == (0, {"result": "emptied", "slot": "blue", "migration": "none"})
    assert server.status()["content"] is None


@loopback
def test_an_empty_slot_cannot_be_run(server: FakeServer) -> None:
    run = server.execute(server.command("run", "blue"))
    assert (run.code, run.stderr) == (1, "slot blue is empty: nothing to run\n")


@loopback
def test_a_release_is_started_and_migrated_by_the_commands_of_its_order(server: FakeServer) -> None:
    migrate = '#!/bin/sh\necho "$@" > migrated\n'
    artifact = tar_gz({"app-1.0/run.py": application("1.0.0"), "app-1.0/sql/up": migrate})
    commands = Commands(start=("python3", "-IS", "run.py"), migrate=("sql/up", "to $RELEASE_VERSION", "$SLOT"))
    server.let_migrate("d1")
    run = server.install(server.request("1.0.0", artifact, commands=commands))
    assert (run.answer["result"], run.answer["migration"]) == ("installed", "done")
    assert (server.slots / "blue" / "release" / "migrated").read_text() == "to 1.0.0 blue\n"


@loopback
def test_other_commands_for_the_same_bytes_are_another_content(server: FakeServer) -> None:
    artifact = tar_gz({"run.py": application("1.0.0"), "x": ""})
    for deployment, program in (("d1", "python3"), ("d2", sys.executable)):
        commands = Commands(start=(program, "-IS", "run.py"))
        request = server.request("1.0.0", artifact, deployment=deployment, reuse=True, commands=commands)
        assert server.install(request).answer["result"] == "installed"


@loopback
def test_a_program_that_is_not_on_the_server_fails_the_installation(server: FakeServer) -> None:
    request = server.request("1.0.0", tar_gz({"a.js": "", "b.js": ""}), commands=Commands(start=("node99", "a.js")))
    assert server.install(request).answer["result"] == "emptied"


@loopback
def test_links_of_an_artifact_are_links_on_the_server(server: FakeServer) -> None:
    link = Member(name="bin/link", type=tarfile.SYMTYPE, link="start")
    start = Member(name="bin/start", data=application("1.0.0").encode(), mode=0o755)
    twin = Member(name="lib/twin", type=tarfile.LNKTYPE, link="bin/start")
    server.install(server.request("1.0.0", tar_archive([start, link, twin], start=False)))
    release = server.slots / "blue" / "release"
    assert (release / "bin" / "link").readlink() == Path("start")
    assert (release / "lib" / "twin").samefile(release / "bin" / "start")
