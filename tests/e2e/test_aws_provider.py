"""Every resource type of the local AWS provider, through its life on the real engine.

One stack holds all cases at once and lives through all stages, since a run of the engine costs seconds; each test then
looks at one type in one stage.
"""

import json
import logging
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import grpc
import pytest
from moto.server import ThreadedMotoServer
from pulumi.runtime.proto import provider_pb2_grpc

from local.aws_provider import AwsProvider, lifecycle
from local.aws_provider.connection import Connection, connect
from local.aws_provider.differences import Difference, differences
from local.aws_provider.inputs import told_again
from local.aws_provider.types import TYPES
from local.hooks.subnet_groups import install_subnet_groups
from tests.e2e.aws_provider_cases import CASES, REGION, Case, Clients

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.enable_socket,
    pytest.mark.xdist_group("aws_provider"),
]

PROGRAM = (Path(__file__).parent / "aws_provider_program.py").read_text(encoding="utf-8")
PROJECT = f'name: conformance\nruntime: {{name: python, options: {{virtualenv: "{sys.prefix}"}}}}\n'
ACCOUNT = "123456789012"
DEFAULT_TAGS = {"owner": "conformance"}
CONFIG = {
    "region": REGION,
    "allowedAccountIds": json.dumps([ACCOUNT]),
    "defaultTags": json.dumps({"tags": DEFAULT_TAGS}),
}
SECONDS = 240

Inputs = Mapping[str, Mapping[str, Any]]
State = Mapping[str, Mapping[str, Any]]


# --- the engine


@dataclass(frozen=True, kw_only=True)
class Step:
    """What the engine did to one resource, and the inputs that made it replace it."""

    name: str
    operation: str
    keys: frozenset[str]


@dataclass(frozen=True, kw_only=True)
class Stack:
    """A stack of the program, which declares what `resources.json` lists."""

    folder: Path
    environ: Mapping[str, str]

    def declare(self, inputs: Inputs, provider: Mapping[str, Any] = CONFIG) -> None:
        """Say what the next run shall bring about."""
        resources = {name: declared(CASES[name], given) for name, given in inputs.items()}
        text = json.dumps({"provider": provider, "resources": resources})
        (self.folder / "resources.json").write_text(text, encoding="utf-8")

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run the engine."""
        return subprocess.run(
            ["pulumi", *arguments, "--non-interactive"],
            cwd=self.folder,
            env=self.environ,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )

    def steps(self, *arguments: str) -> list[Step]:
        """Run the engine on the stack and tell what it did; a failure fails the test."""
        done = self.run(*arguments, "--yes", "--skip-preview", "--json")
        events = [json.loads(line) for line in done.stdout.splitlines()]
        assert done.returncode == 0, "\n".join([*errors(events), done.stderr])
        return steps(events)

    def up(self) -> Mapping[str, str]:
        """Bring about what is declared."""
        return operations(self.steps("up"))

    def refresh(self) -> Mapping[str, str]:
        """Look at what is really there."""
        return operations(self.steps("refresh"))

    def state(self) -> State:
        """Give the resources of the stack by name: their outputs with `id`, and their `inputs`."""
        exported = json.loads(self.run("stack", "export", "--show-secrets").stdout)
        return {
            each["urn"].rsplit("::", 1)[1]: {
                **plain(each["outputs"]),
                "id": each["id"],
                "inputs": plain(each["inputs"]),
            }
            for each in exported["deployment"].get("resources", ())
            if each["custom"] and not each["type"].startswith("pulumi:")
        }


def declared(case: Case, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Write a resource as the program reads it."""
    outputs = [*TYPES[case.type].outputs, *TYPES[case.type].all_inputs]
    return {"type": case.type, "inputs": inputs, "outputs": outputs, "after": case.after}


def plain(value: Any) -> Any:
    """Take the wrapping off the secrets in a part of the state."""
    if isinstance(value, dict):
        return json.loads(value["plaintext"]) if "plaintext" in value else {k: plain(v) for k, v in value.items()}
    return value


def errors(events: list[Any]) -> list[str]:
    """Find what the engine complained about."""
    found = [event.get("diagnosticEvent", {}) for event in events]
    return [diagnostic["message"].strip() for diagnostic in found if diagnostic.get("severity") == "error"]


def steps(events: list[Any]) -> list[Step]:
    """Find what was done to the resources."""
    done = [event["resOutputsEvent"]["metadata"] for event in events if "resOutputsEvent" in event]
    return [
        Step(name=each["urn"].rsplit("::", 1)[1], operation=each["op"], keys=frozenset(each.get("keys") or ()))
        for each in done
        if not each["type"].startswith("pulumi:")
    ]


def operations(done: list[Step]) -> Mapping[str, str]:
    """Tell the last thing that was done to each resource; nothing at all is left out."""
    return {step.name: step.operation for step in done if step.operation != "same"}


# --- AWS


@pytest.fixture(scope="module")
def aws() -> Iterator[Mapping[str, str]]:
    """Run moto, and give the environment of one who may use it."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    with ExitStack() as mended:
        install_subnet_groups(mended)
        yield {
            "AWS_ACCESS_KEY_ID": "conformance",
            "AWS_SECRET_ACCESS_KEY": "conformance",
            "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        }
    server.stop()


@pytest.fixture(scope="module")
def provider_port(aws: Mapping[str, str]) -> Iterator[int]:
    """Serve a provider in this process."""
    server = grpc.server(ThreadPoolExecutor(16))
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(AwsProvider(aws), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield port
    server.stop(grace=None).wait()


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory, provider_port: int) -> Stack:
    """Make the stack of all cases."""
    return new_stack(tmp_path_factory.mktemp("conformance"), provider_port)


def new_stack(folder: Path, provider_port: int) -> Stack:
    """Make an empty stack whose engine uses the provider on the port."""
    (folder / "Pulumi.yaml").write_text(PROJECT, encoding="utf-8")
    (folder / "__main__.py").write_text(PROGRAM, encoding="utf-8")
    environ = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "PULUMI_HOME": str(folder / "home"),
        "PULUMI_BACKEND_URL": folder.as_uri(),
        "PULUMI_CONFIG_PASSPHRASE": "conformance",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        "PULUMI_DEBUG_PROVIDERS": f"aws:{provider_port}",
    }
    stack = Stack(folder=folder, environ=environ)
    made = stack.run("stack", "init", "conformance")
    assert made.returncode == 0, made.stderr
    return stack


def clients_of(aws: Mapping[str, str]) -> Clients:
    """Act on AWS by hand."""

    def client(service: str) -> Any:
        session: Any = boto3.Session(aws["AWS_ACCESS_KEY_ID"], aws["AWS_SECRET_ACCESS_KEY"])
        return session.client(service, region_name=REGION, endpoint_url=aws["AWS_ENDPOINT_URL"])

    return client


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
    connection, clients = connect(CONFIG, aws), clients_of(aws)
    stack.declare(inputs_at("made"))
    previewed = operations(steps(preview_events(stack)))
    created, outputs = stack.up(), stack.state()
    unchanged, refreshed = stack.up(), stack.refresh()
    imported = {name: import_differences(connection, name, state) for name, state in outputs.items()}
    stack.declare(inputs_at("updated"))
    updated, refreshed_after_update = stack.up(), stack.refresh()
    before = stack.state()
    for name, case in drifting().items():
        case(clients, before[name])
    stack.refresh()
    drifted, repaired = changed_names(before, stack.state()), stack.up()
    stack.declare(inputs_at("replaced"))
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
        destroyed=operations(stack.steps("destroy")),
        left=frozenset(name for name, state in last.items() if is_there(connection, name, state["id"])),
    )


def inputs_at(stage: str) -> Inputs:
    """Give the inputs of all cases in a stage: null takes one away."""
    stages: dict[str, Callable[[Case], Mapping[str, Any]]] = {
        "made": lambda case: case.inputs,
        "updated": lambda case: {**case.inputs, **case.update},
        "replaced": lambda case: {**case.inputs, **case.update, **case.replacement},
    }
    wanted = {name: stages[stage](case) for name, case in CASES.items()}
    return {name: {key: value for key, value in inputs.items() if value is not None} for name, inputs in wanted.items()}


def preview_events(stack: Stack) -> list[Any]:
    """Preview what is declared, with the events that a preview only tells when asked to."""
    streaming = Stack(folder=stack.folder, environ={**stack.environ, "PULUMI_ENABLE_STREAMING_JSON_PREVIEW": "true"})
    done = streaming.run("preview", "--json")
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0, "\n".join([*errors(events), done.stderr])
    return events


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


@EVERY
def test_after_a_replacement_a_run_leaves_it_alone(life: Life, name: str) -> None:
    assert name not in life.unchanged_after_replacement


@EVERY
def test_destroying_the_stack_deletes_it(life: Life, name: str) -> None:
    assert life.destroyed[name] == "delete"
    assert name not in life.left


def test_what_was_half_created_is_remembered_and_finished(tmp_path: Path, provider_port: int) -> None:
    stack = new_stack(tmp_path, provider_port)
    stack.declare({"gateway": {"vpcId": "vpc-0123456789abcdef0"}})
    failed = stack.run("up", "--yes", "--skip-preview")
    remembered = stack.state()["gateway"]["id"]
    stack.declare({"vpc": {"cidrBlock": "10.0.0.0/16"}, "gateway": {"vpcId": "${vpc.id}"}})
    finished = stack.up()
    there = stack.state()["gateway"]
    stack.steps("destroy")

    assert "aws:ec2/internetGateway:InternetGateway 'gateway': InvalidVpcID.NotFound" in failed.stdout
    assert finished == {"vpc": "create", "gateway": "update"}
    assert (there["id"], there["vpcId"]) == (remembered, there["inputs"]["vpcId"])


def test_the_engine_keeps_the_value_of_a_parameter_secret(tmp_path: Path, provider_port: int) -> None:
    stack = new_stack(tmp_path, provider_port)
    value = "canary-9bd1"
    stack.declare({"parameter": {"type": "String", "value": value}})
    stack.up()
    outputs = [each["outputs"] for each in exported(stack) if each["type"] == "aws:ssm/parameter:Parameter"]
    stack.steps("destroy")
    assert len(outputs) == 1
    assert value not in json.dumps(outputs)


def exported(stack: Stack) -> list[Any]:
    """Give the resources as the backend holds them, with secrets encrypted."""
    return list(json.loads(stack.run("stack", "export").stdout)["deployment"]["resources"])


def test_the_provider_refuses_an_account_that_is_not_allowed(tmp_path: Path, provider_port: int) -> None:
    stack = new_stack(tmp_path, provider_port)
    stack.declare({"vpc": {"cidrBlock": "10.0.0.0/16"}}, {**CONFIG, "allowedAccountIds": '["999999999999"]'})
    refused = stack.run("preview")
    assert refused.returncode != 0
    assert f"AWS account {ACCOUNT} is not allowed here" in refused.stdout + refused.stderr


def test_every_type_of_the_table_has_a_case() -> None:
    assert {case.type for case in CASES.values()} == set(TYPES)


@pytest.mark.parametrize("token", TYPES)
def test_every_type_is_seen_to_drift_and_to_change(token: str) -> None:
    cases = [case for case in CASES.values() if case.type == token]
    assert any(case.drift for case in cases)
    assert any(case.update for case in cases) or not changeable(token)
    assert any(case.replacement for case in cases) or not replaceable(token)


ONE_VALUE = {"domain"}
"""EC2 knows no addresses but those of a VPC any more."""


def changeable(token: str) -> bool:
    """Say whether anything about a type can change in place."""
    return bool(TYPES[token].updates or TYPES[token].tagging)


def replaceable(token: str) -> bool:
    """Say whether anything about a type needs a new resource, apart from what has one value only nowadays."""
    return any(entry.replaces for name, entry in TYPES[token].inputs.items() if name not in ONE_VALUE)
