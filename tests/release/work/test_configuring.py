"""A release and its configuration go to users together, and back together."""

from dataclasses import replace

import pytest

from contract.configuration import Document
from release.environment import Environment
from release.process.errors import Refused, VerificationFailed
from release.records.artifacts.manifest import Manifest
from release.records.configurations import digest_of
from release.records.ledger.search import told_event
from release.work.configuring import configured
from release.work.executor import Deployed, deploy
from settings.model import App
from tests.release.deploying import Silent, proposal, put, state, users_have
from tests.release.world import OPS, World
from tests.there import there

WARM, COLD = {"HEATING": "warm"}, {"HEATING": "cold"}


def told(environment: Environment, values: dict[str, str]) -> Environment:
    """The environment of a checkout whose stack file says this."""
    return replace(environment, settings=environment.settings.model_copy(update={"app": App(environment=values)}))


def again(world: World, values: dict[str, str], manifest: Manifest | None = None) -> Deployed:
    """What is live deployed once more, with these values that all may read."""
    environment = told(world.dev, values)
    manifest = manifest or environment.releases.get(users_have(world).release)
    return deploy(environment, configured(environment, proposal(environment, manifest, "redeployment")), OPS, Silent())


def known_by(values: dict[str, str]) -> str:
    return digest_of(Document(environment=values))


def test_a_rollback_of_a_configuration_goes_to_the_one_before_in_place(world: World) -> None:
    put(world, "1.0.0")
    again(world, WARM)
    again(world, COLD)
    assert (users_have(world).release, users_have(world).configuration) == ("1.0.0", known_by(COLD))
    back = put(world, "1.0.0", "rollback")
    assert users_have(world).configuration == known_by(WARM)
    assert "installed" not in back.evidence, "the slot runs with it still"


def test_a_rollback_to_a_release_that_no_slot_holds_gives_it_what_it_ran_with(world: World) -> None:
    put(world, "1.0.0")
    again(world, WARM)
    put(world, "1.1.0")
    put(world, "1.2.0")
    back = put(world, "1.0.0", "rollback")
    assert "installed" in back.evidence
    assert (users_have(world).release, users_have(world).configuration) == ("1.0.0", known_by(WARM))
    held = [world.servers["dev"].held[instance, users_have(world).slot] for instance in ("i-1", "i-2")]
    assert [one["configuration"] for one in held] == [known_by(WARM)] * 2


def test_going_back_reads_no_configuration(world: World) -> None:
    put(world, "1.0.0")
    again(world, WARM)
    again(world, COLD)
    gone = replace(world.dev, configurations=None)  # type: ignore[arg-type]  # who asks them fails
    world.dev = gone
    put(world, "1.0.0", "rollback")
    assert users_have(world).configuration == known_by(WARM)


@pytest.mark.moto
def test_what_is_set_while_a_deployment_is_at_work_does_not_change_it(world: World) -> None:
    put(world, "1.0.0")
    configurations = world.dev.configurations
    configurations.change(lambda values: {"PIN": "first"}, OPS.principal, "set PIN")
    before = configurations.chosen({})

    def set_anew() -> None:
        configurations.change(lambda values: {"PIN": "second"}, OPS.principal, "set PIN")

    world.dev.fleet.before_install = set_anew
    again(world, {})
    assert users_have(world).configuration == digest_of(there(before))
    assert configurations.newest().version == 2


def test_a_configuration_that_fails_behind_the_switch_is_put_back_and_vetoes_no_release(world: World) -> None:
    put(world, "1.0.0")
    world.servers["dev"].fails_smoke_live = {"1.0.0"}
    with pytest.raises(VerificationFailed, match=r"1.0.0 is not live") as failure:
        again(world, WARM)
    assert "dev is on hold until a person lifts that" in str(failure.value)
    assert "vetoed" not in str(failure.value)
    stops = world.dev.stops.read()
    assert (stops.hold is not None, stops.vetoes) == (True, ())
    assert (users_have(world).configuration, state(world).open) == (None, None)


def test_a_configuration_that_was_left_leaves_its_release_good(world: World) -> None:
    put(world, "1.0.0")
    again(world, WARM)
    put(world, "1.0.0", "rollback")
    assert there(world.dev.ledger.known("1.0.0")).left == ""
    assert there(state(world).previous).left
    head, items, _ = world.dev.ledger.checked()
    assert list(world.dev.ledger.index_faults(head, items, ())) == []


def test_the_history_names_what_changes_and_no_value(world: World) -> None:
    put(world, "1.0.0")
    again(world, WARM)
    again(world, {**COLD, "LOG": "all"})
    requested = [one for one in world.dev.ledger.readable() if one.kind == "redeployment requested"]
    assert [told_event(one).why for one in requested] == [
        "configuration: HEATING new",
        "configuration: HEATING changed; LOG new",
    ]


@pytest.mark.moto
def test_a_name_that_is_open_to_all_and_a_secret_is_refused(world: World) -> None:
    world.dev.configurations.change(lambda values: {**values, "HEATING": "secret"}, OPS.principal, "set HEATING")
    environment, manifest = told(world.dev, WARM), world.publish("1.0.0")
    with pytest.raises(Refused, match=r"HEATING stands in app.environment and is set as a secret"):
        configured(environment, proposal(environment, manifest))
