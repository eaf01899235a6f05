"""`release config`: names and versions are shown, values never; what cannot be set is refused with all its faults."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from release.cli import release
from release.process.errors import Refused, WrongUsage
from release.verbs.prune import prune
from release.work.configuring import configured
from release.work.executor import deploy
from tests.project import PROJECT
from tests.release.deploying import CALL, Silent, proposal, put
from tests.release.world import OPS, World
from tests.there import there

CANARY = "canary-7c2f\nof two lines"

pytestmark = pytest.mark.moto


def config(*arguments: str, value: str | bytes = "", project: Path = PROJECT) -> Result:
    return CliRunner().invoke(release, ["--project", str(project), "config", *arguments], input=value)


def test_a_secret_is_set_listed_and_unset_without_being_shown(world: World, tmp_path: Path) -> None:
    (file := tmp_path / "value").write_text(f"{CANARY}\n")
    said = [config("set", "dev", "PIN", value=f"{CANARY}\r\n"), config("set", "dev", "KEY", "--file", str(file))]
    said += [config("list", "dev"), config("list", "dev", "--json"), config("unset", "dev", "PIN")]
    assert [one.exit_code for one in said] == [0] * 5
    assert "PIN is set in dev (version 1); it comes with the next deployment: release redeploy dev" in said[0].output
    assert "PIN" in said[2].output and "version 2: set KEY by" in said[2].output
    assert not any("canary" in one.output for one in said)
    configurations = world.dev.configurations
    assert configurations.newest().names == {"KEY": 2}
    assert there(configurations.secrets.read("stageline/dev+configuration/2")).count("canary") == 2


def test_both_ways_give_the_same_value_without_one_line_end(world: World, tmp_path: Path) -> None:
    (file := tmp_path / "value").write_text(f"{CANARY}\n")
    config("set", "dev", "PIN", value=f"{CANARY}\n")
    assert "version 1" in config("set", "dev", "PIN", "--file", str(file)).output


@pytest.mark.parametrize(
    ("name", "value", "faults"),
    [
        pytest.param("PORT", CANARY, ["'PORT' can not be set", "the server sets it itself"], id="reserved"),
        pytest.param("A-B", b"canary\0", ["a name is a letter", "it has a NUL in it"], id="two-at-once"),
        pytest.param("A", b"canary\xff", ["it is no UTF-8 text"], id="bytes"),
        pytest.param("A", "", ["it is empty"], id="nothing"),
        pytest.param("A", "canary" * 40_000, ["it has 240000 bytes, 32768 at most"], id="too-long"),
    ],
)
def test_what_cannot_be_set_is_refused_with_all_that_is_wrong(
    world: World, name: str, value: str | bytes, faults: list[str]
) -> None:
    done = config("set", "dev", name, value=value)
    assert isinstance(done.exception, Refused)
    assert [fault for fault in faults if fault not in str(done.exception)] == []
    assert "canary" not in f"{done.exception} {done.output}"
    assert world.dev.configurations.newest().version == 0


@pytest.mark.parametrize("arguments", [("PIN", "canary"), ("PIN=canary",)], ids=["beside", "within"])
def test_a_value_as_an_argument_is_not_taken_and_not_shown(world: World, arguments: tuple[str, ...]) -> None:
    done = config("set", "dev", *arguments)
    assert isinstance(done.exception, WrongUsage)
    assert "give it by stdin or --file" in str(done.exception)
    assert "canary" not in f"{done.exception} {done.output}"


def test_what_is_not_set_cannot_be_unset(world: World) -> None:
    done = config("unset", "dev", "PIN")
    assert isinstance(done.exception, Refused)
    assert "'PIN' is not set in dev" in str(done.exception)


def test_two_environments_are_compared(world: World) -> None:
    config("set", "dev", "PIN", value=CANARY)
    assert "PIN only in dev" in config("diff", "dev", "qa").output
    config("set", "qa", "PIN", value="another")
    assert "dev and qa have the same" in config("diff", "dev", "qa").output


def test_what_the_live_release_does_not_have_yet_is_named(world: World) -> None:
    put(world, "1.0.0")
    assert "not live yet" not in config("list", "dev").output
    config("set", "dev", "PIN", value=CANARY)
    assert "not live yet: PIN new; apply it: release redeploy dev" in config("list", "dev").output


def test_prune_deletes_the_values_that_nothing_needs(world: World) -> None:
    configurations = world.dev.configurations
    for value in ("first", "second", "third"):
        configurations.change(lambda values, value=value: {"PIN": value}, OPS.principal, "set PIN")  # type: ignore[misc]  # bound now
        configurations.keep(there(configurations.chosen({})))
    report = prune(CALL, "dev", keep=None, really=True, only="configurations")
    assert len([one for one in report["configurations"] if one["goes"]]) == 4  # three documents and a version
    assert (list(configurations.stored_versions()), configurations.kept()) == ([2, 3], ())


def test_prune_keeps_what_is_live_and_the_secrets_that_it_names(world: World) -> None:
    put(world, "1.0.0")
    configurations = world.dev.configurations
    config("set", "dev", "PIN", value="first")
    manifest = world.dev.releases.get("1.0.0")
    chosen = configured(world.dev, proposal(world.dev, manifest, "redeployment"))
    deploy(world.dev, chosen, OPS, Silent())
    for value in ("second", "third", "fourth"):
        config("set", "dev", "PIN", value=value)
    prune(CALL, "dev", keep=None, really=True, only="configurations")
    assert list(configurations.stored_versions()) == [1, 3, 4]
    assert configurations.kept() == (chosen.release.configuration,)
