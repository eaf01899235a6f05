"""Every resource type of the local AWS provider, through its life on the real engine.

One stack holds all cases at once and lives through all stages, since a run of the engine costs seconds; each test then
looks at one type in one stage.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from local.aws_provider import lifecycle
from local.aws_provider.connection import Connection, connect
from local.aws_provider.differences import Difference, differences
from local.aws_provider.inputs import told_again
from local.aws_provider.types import TYPES
from tests.e2e import aws_stacks
from tests.e2e.aws_provider_cases import CASES, CERTIFICATES, REGION, Case, Clients
from tests.e2e.aws_stacks import Declared, Stack, State, Step, clients_of, new_stack, running_aws, serving_provider

pytestmark = [pytest.mark.e2e, pytest.mark.enable_socket]

DEFAULT_TAGS = {"owner": "conformance"}
CONFIG = {**aws_stacks.CONFIG, "defaultTags": json.dumps({"tags": DEFAULT_TAGS})}


@pytest.fixture(scope="module")
def aws() -> Iterator[Mapping[str, str]]:
    with running_aws() as environ:
        yield environ


@pytest.fixture(scope="module")
def provider_port(aws: Mapping[str, str]) -> Iterator[int]:
    with serving_provider(aws) as port:
        yield port


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory, provider_port: int, virtualenv: Path) -> Stack:
    """Make the stack of all cases."""
    return new_stack(tmp_path_factory.mktemp("conformance"), provider_port, virtualenv)


# --- the life of all cases


@dataclass(frozen=True, kw_only=True)
class Life:
    """What happened in each stage."""

    previewed: Mapping[str, str]
    created: Mapping[str, str]
    outputs: State
    unchanged: Mapping[str, str]
    refreshed: Mapping[str, str]
    imported: Mapping[str, tuple[Difference, ...]]
    updated: Mapping[str, str]
    refreshed_after_update: Mapping[str, str]
    drifted: frozenset[str]
    repaired: Mapping[str, str]
    replaced: list[Step]
    unchanged_after_replacement: Mapping[str, str]
    destroyed: Mapping[str, str]
    left: frozenset[str]


@pytest.fixture(scope="module")
def life(stack: Stack, aws: Mapping[str, str]) -> Life:
    """Live through all stages."""
    connection, clients = connect(CONFIG, aws, Event()), clients_of(aws)
    arns = {domain: certificate(clients, domain) for domain in CERTIFICATES}
    stack.declare(cases_at("made", arns), CONFIG)
    previewed = stack.preview()
    created, outputs = stack.up(), stack.state()
    unchanged, refreshed = stack.up(), stack.refresh()
    imported = {name: import_differences(connection, name, state) for name, state in outputs.items()}
    stack.declare(cases_at("updated", arns), CONFIG)
    updated, refreshed_after_update = stack.up(), stack.refresh()
    before = stack.state()
    for name, case in drifting().items():
        case(clients, before[name])
    stack.refresh()
    drifted, repaired = changed_names(before, stack.state()), stack.up()
    stack.declare(cases_at("replaced", arns), CONFIG)
    replaced, unchanged_after_replacement, last = stack.steps("up"), stack.up(), stack.state()
    return Life(
        previewed=previewed,
        created=created,
        outputs=outputs,
        unchanged=unchanged,
        refreshed=refreshed,
        imported=imported,
        updated=updated,
        refreshed_after_update=refreshed_after_update,
        drifted=drifted,
        repaired=repaired,
        replaced=replaced,
        unchanged_after_replacement=unchanged_after_replacement,
        destroyed=aws_stacks.operations(stack.steps("destroy")),
        left=frozenset(name for name, state in last.items() if is_there(connection, name, state["id"])),
    )


def certificate(clients: Clients, domain: str) -> str:
    """Have a certificate made, and give its ARN."""
    return str(clients("acm").request_certificate(DomainName=domain)["CertificateArn"])


def cases_at(stage: str, certificates: Mapping[str, str]) -> Mapping[str, Declared]:
    """Give all cases as they are declared in a stage: null takes an input away."""
    stages: dict[str, Callable[[Case], Mapping[str, Any]]] = {
        "made": lambda case: case.inputs,
        "updated": lambda case: {**case.inputs, **case.update},
        "replaced": lambda case: {**case.inputs, **case.update, **case.replacement},
    }
    return {name: declared(case, stages[stage](case), certificates) for name, case in CASES.items()}


def declared(case: Case, inputs: Mapping[str, Any], certificates: Mapping[str, str]) -> Declared:
    """Declare a case with these inputs, so that others can refer to all that its type tells."""
    given = {key: value for key, value in inputs.items() if value is not None}
    if "certificateArn" in given:
        given["certificateArn"] = certificates[given["certificateArn"]]
    return Declared(
        type=case.type,
        inputs=given,
        reads=[*TYPES[case.type].outputs, *TYPES[case.type].all_inputs],
        after=case.after,
    )


def drifting() -> Mapping[str, Callable[[Clients, Any], object]]:
    """Give the changes by hand."""
    return {name: case.drift for name, case in CASES.items() if case.drift}


def changed_names(before: State, after: State) -> frozenset[str]:
    """Find what is not any more what it was: gone, or with other inputs."""
    return frozenset(name for name in before if name not in after or before[name]["inputs"] != after[name]["inputs"])


def import_differences(connection: Connection, name: str, state: Mapping[str, Any]) -> tuple[Difference, ...]:
    """Read a resource by its id alone, and compare what is told with what the program gives."""
    kind = TYPES[CASES[name].type]
    found = lifecycle.read(kind, connection.api(kind, REGION), state["id"])
    assert found is not None
    imported = told_again(kind, found.state, None, DEFAULT_TAGS)
    hidden = {name for name, entry in kind.inputs.items() if not entry.readable}
    return tuple(each for each in differences(kind, imported, state["inputs"]) if each.input not in hidden)


def is_there(connection: Connection, name: str, resource_id: str) -> bool:
    """Ask AWS whether a resource is there."""
    kind = TYPES[CASES[name].type]
    return lifecycle.read(kind, connection.api(kind, REGION), resource_id) is not None


EVERY = pytest.mark.parametrize("name", CASES)
UPDATABLE = pytest.mark.parametrize("name", [name for name, case in CASES.items() if case.update])
REPLACEABLE = pytest.mark.parametrize("name", [name for name, case in CASES.items() if case.replacement])
DRIFTING = pytest.mark.parametrize("name", list(drifting()))


@EVERY
def test_a_preview_plans_to_create_it(life: Life, name: str) -> None:
    assert life.previewed[name] == "create"


@EVERY
def test_it_is_created_with_the_outputs_that_programs_read(life: Life, name: str) -> None:
    assert life.created[name] == "create"
    assert [output for output in CASES[name].reads if life.outputs[name].get(output) in (None, "", [])] == []


@EVERY
def test_a_second_run_leaves_it_alone(life: Life, name: str) -> None:
    assert name not in life.unchanged


@EVERY
def test_aws_tells_every_input_as_it_was_sent(life: Life, name: str) -> None:
    assert name not in life.refreshed


@EVERY
def test_an_import_tells_the_inputs_of_the_program(life: Life, name: str) -> None:
    assert life.imported[name] == ()


@EVERY
def test_it_carries_the_tags_of_the_provider(life: Life, name: str) -> None:
    kind, state = TYPES[CASES[name].type], life.outputs[name]
    if kind.tagging:
        assert state["tagsAll"] == {**DEFAULT_TAGS, **CASES[name].inputs.get("tags", {})}
    else:
        assert "tagsAll" not in state


@UPDATABLE
def test_other_values_change_it_in_place(life: Life, name: str) -> None:
    assert life.updated[name] == "update"


@EVERY
def test_aws_tells_every_changed_input_as_it_was_sent(life: Life, name: str) -> None:
    assert name not in life.refreshed_after_update


@DRIFTING
def test_a_refresh_sees_a_change_by_hand(life: Life, name: str) -> None:
    assert name in life.drifted


@DRIFTING
def test_the_next_run_repairs_a_change_by_hand(life: Life, name: str) -> None:
    assert life.repaired[name] in ("update", "create")


@REPLACEABLE
def test_a_value_that_cannot_change_replaces_it(life: Life, name: str) -> None:
    reasons = [step.keys for step in life.replaced if step.name == name and "replace" in step.operation]
    assert any(keys & set(CASES[name].replacement) for keys in reasons)


def two_at_once(case: Case) -> bool:
    """Say whether AWS can hold the old and the new resource together: nothing given has to be unlike any other's."""
    kind = TYPES[case.type]
    named = kind.autoname is not None and kind.autoname.input not in case.inputs
    return named or not set(kind.one_of_a_kind) & set(case.inputs)


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case.replacement and two_at_once(case)])
def test_the_new_resource_is_there_before_the_old_one_goes(life: Life, name: str) -> None:
    done = [step.operation for step in life.replaced if step.name == name]
    assert done.index("create-replacement") < done.index("delete-replaced")


@EVERY
def test_after_a_replacement_a_run_leaves_it_alone(life: Life, name: str) -> None:
    assert name not in life.unchanged_after_replacement


@EVERY
def test_destroying_the_stack_deletes_it(life: Life, name: str) -> None:
    assert life.destroyed[name] == "delete"
    assert name not in life.left
