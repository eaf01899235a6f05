"""The protocol, against moto in this process."""

import uuid
from collections.abc import Iterator
from threading import Event
from typing import Any

import grpc
import pytest
from moto import mock_aws
from pulumi.runtime.proto import provider_pb2

from local.aws_provider import AwsProvider
from local.aws_provider.connection import Refused, connect
from local.aws_provider.types import TYPES
from local.aws_provider.wire import UNKNOWN, decode, encode

ACCOUNT = "123456789012"
CONFIG = {"region": "eu-central-1", "defaultTags": '{"tags": {"owner": "team"}}'}


class Aborted(Exception):
    """The call ended with an error."""


class Call:
    """What a servicer sees of gRPC."""

    def __init__(self) -> None:
        self.metadata: dict[str, bytes] = {}
        self.code: grpc.StatusCode | None = None

    def abort(self, code: grpc.StatusCode, details: str) -> None:
        self.code = code
        raise Aborted(details)

    def set_trailing_metadata(self, metadata: tuple[tuple[str, bytes], ...]) -> None:
        self.metadata.update(metadata)


@pytest.fixture
def environ() -> Iterator[dict[str, str]]:
    """Give credentials of their own to each test: clients are kept by credentials, and moto ends with the test."""
    with mock_aws():
        yield {"AWS_ACCESS_KEY_ID": uuid.uuid4().hex, "AWS_SECRET_ACCESS_KEY": "x"}


@pytest.fixture
def provider(environ: dict[str, str]) -> AwsProvider:
    """Give a configured provider."""
    provider = AwsProvider(environ)
    configure(provider, CONFIG)
    return provider


def configure(provider: AwsProvider, config: dict[str, Any]) -> Any:
    """Configure a provider."""
    return provider.Configure(provider_pb2.ConfigureRequest(args=encode(config)), Call())


def urn(token: str, name: str = "it") -> str:
    """Make the URN of a resource inside a component."""
    return f"urn:pulumi:dev::project::stageline:components:Storage${token}::{name}"


PARAMETER = urn("aws:ssm/parameter:Parameter")
VPC = urn("aws:ec2/vpc:Vpc")
GATEWAY = urn("aws:ec2/internetGateway:InternetGateway")


def check(provider: AwsProvider, where: str, inputs: dict[str, Any], secrets: tuple[str, ...] = ()) -> Any:
    """Check inputs."""
    request = provider_pb2.CheckRequest(urn=where, news=encode(inputs, secrets), randomSeed=b"seed")
    return provider.Check(request, Call())


def create(provider: AwsProvider, where: str, inputs: Any, *, preview: bool = False) -> Any:
    """Create a resource from checked inputs."""
    return provider.Create(provider_pb2.CreateRequest(urn=where, properties=inputs, preview=preview), Call())


def made(provider: AwsProvider, where: str, inputs: dict[str, Any]) -> Any:
    """Create a resource."""
    return create(provider, where, check(provider, where, inputs).inputs)


def test_it_accepts_secrets_and_previews() -> None:
    handshake = AwsProvider({}).Handshake(provider_pb2.ProviderHandshakeRequest(), Call())
    assert handshake.accept_secrets
    assert handshake.supports_autonaming_configuration


def test_it_tells_the_engine_that_it_follows_the_setting_for_names(environ: dict[str, str]) -> None:
    assert configure(AwsProvider(environ), CONFIG).supports_autonaming_configuration


def test_it_has_no_mappings() -> None:
    provider = AwsProvider({})
    assert provider.GetMapping(provider_pb2.GetMappingRequest(), Call()).data == b""
    assert list(provider.GetMappings(provider_pb2.GetMappingsRequest(), Call()).providers) == []


@pytest.mark.parametrize(
    ("method", "request_", "reason"),
    [
        ("Construct", provider_pb2.ConstructRequest(type="aws:x:X"), "cannot make the component aws:x:X"),
        ("Call", provider_pb2.CallRequest(tok="aws:x:y"), "cannot call aws:x:y"),
        ("Parameterize", provider_pb2.ParameterizeRequest(), "cannot be parameterized"),
        ("List", provider_pb2.ListRequest(token="aws:x:X"), "cannot list resources of aws:x:X"),
    ],
    ids=["component", "method", "parameters", "list"],
)
def test_what_it_cannot_do_is_refused_as_such(method: str, request_: Any, reason: str) -> None:
    call = Call()
    with pytest.raises(Aborted, match=reason):
        getattr(AwsProvider({}), method)(request_, call)
    assert call.code is grpc.StatusCode.UNIMPLEMENTED


def test_it_refuses_settings_that_it_would_ignore() -> None:
    request = provider_pb2.CheckRequest(news=encode({"region": "r", "endpoints": "[]"}))
    (failure,) = AwsProvider({}).CheckConfig(request, Call()).failures
    assert (failure.property, "'endpoints'" in failure.reason) == ("endpoints", True)


@pytest.mark.parametrize(
    ("old", "new", "diffs", "replaces"),
    [
        ({"region": "a"}, {"region": "a"}, [], []),
        ({"region": "a"}, {"region": "b"}, ["region"], ["region"]),
        ({"region": "a"}, {"region": "a", "defaultTags": "{}"}, ["defaultTags"], []),
    ],
    ids=["same", "region", "tags"],
)
def test_only_another_region_replaces_a_provider(
    old: dict[str, Any], new: dict[str, Any], diffs: list[str], replaces: list[str]
) -> None:
    request = provider_pb2.DiffRequest(old_inputs=encode(old), news=encode(new))
    response = AwsProvider({}).DiffConfig(request, Call())
    assert (list(response.diffs), list(response.replaces)) == (diffs, replaces)


def test_it_refuses_another_account(environ: dict[str, str]) -> None:
    with pytest.raises(Aborted, match=f"AWS account {ACCOUNT} is not allowed here"):
        configure(AwsProvider(environ), {**CONFIG, "allowedAccountIds": '["999999999999"]'})


def test_it_says_what_to_do_without_credentials() -> None:
    with pytest.raises(Aborted, match="no AWS credentials: set AWS_ACCESS_KEY_ID"):
        configure(AwsProvider({}), CONFIG)


def test_it_acts_as_the_role_that_it_is_told_to_take_on(environ: dict[str, str]) -> None:
    role = '[{"roleArn": "arn:aws:iam::210987654321:role/deploy", "sessionName": "ci"}]'
    connection = connect({**CONFIG, "assumeRoles": role, "allowedAccountIds": '["210987654321"]'}, environ, Event())
    assert connection.caller["arn"] == "arn:aws:sts::210987654321:assumed-role/deploy/ci"


def test_the_account_is_checked_after_the_role_is_taken_on(environ: dict[str, str]) -> None:
    role = '[{"roleArn": "arn:aws:iam::210987654321:role/deploy"}]'
    with pytest.raises(Refused, match="AWS account 210987654321 is not allowed"):
        connect({**CONFIG, "assumeRoles": role, "allowedAccountIds": f'["{ACCOUNT}"]'}, environ, Event())


def test_it_refuses_to_work_before_it_is_configured(environ: dict[str, str]) -> None:
    with pytest.raises(Aborted, match="was not configured"):
        check(AwsProvider(environ), VPC, {"cidrBlock": "10.0.0.0/16"})


def test_an_unknown_type_is_refused_by_its_name(provider: AwsProvider) -> None:
    with pytest.raises(Aborted, match=r"aws:sqs/queue:Queue 'jobs': the local AWS provider does not know this type"):
        check(provider, urn("aws:sqs/queue:Queue", "jobs"), {})


def test_failures_of_a_check_are_told_by_property(provider: AwsProvider) -> None:
    failures = check(provider, VPC, {"colour": "red"}).failures
    assert [failure.property for failure in failures] == ["colour", "cidrBlock"]


def test_check_keeps_secrets_secret(provider: AwsProvider) -> None:
    checked = decode(check(provider, PARAMETER, {"type": "String", "value": "x"}, ("value",)).inputs)
    assert checked.secrets == {"value"}


def test_check_makes_secret_what_always_is(provider: AwsProvider) -> None:
    assert decode(check(provider, PARAMETER, {"type": "String", "value": "x"}).inputs).secrets == {"value"}


@pytest.mark.parametrize(
    ("mode", "name"),
    [("PROPOSE", "proposed"), ("ENFORCE", "proposed"), ("DISABLE", None)],
    ids=["propose", "enforce", "disable"],
)
def test_the_engine_may_say_what_a_resource_is_named(provider: AwsProvider, mode: str, name: str | None) -> None:
    options = provider_pb2.CheckRequest.AutonamingOptions
    wish = options(proposed_name="proposed", mode=options.Mode.Value(mode))
    request = provider_pb2.CheckRequest(
        urn=PARAMETER, news=encode({"type": "String", "value": "x"}), randomSeed=b"seed", autonaming=wish
    )
    assert decode(provider.Check(request, Call()).inputs).values.get("name") == name


def test_a_preview_creates_nothing_and_knows_what_is_given(provider: AwsProvider) -> None:
    inputs = check(provider, VPC, {"cidrBlock": "10.0.0.0/16"}).inputs
    response = create(provider, VPC, inputs, preview=True)
    known = decode(response.properties).values
    assert (response.id, known["cidrBlock"], known["arn"], known["region"]) == ("", "10.0.0.0/16", UNKNOWN, UNKNOWN)


def test_a_preview_accepts_unknown_inputs(provider: AwsProvider) -> None:
    inputs = check(provider, GATEWAY, {"vpcId": UNKNOWN}).inputs
    assert decode(create(provider, GATEWAY, inputs, preview=True).properties).values["vpcId"] is UNKNOWN


def test_outputs_hold_the_given_values_and_those_of_aws(provider: AwsProvider) -> None:
    response = made(provider, VPC, {"cidrBlock": "10.0.0.0/16"})
    outputs = decode(response.properties).values
    assert outputs["arn"] == f"arn:aws:ec2:eu-central-1:{ACCOUNT}:vpc/{response.id}"
    assert (outputs["region"], outputs["tagsAll"]) == ("eu-central-1", {"owner": "team"})


def test_what_is_always_secret_is_secret_in_the_outputs(provider: AwsProvider) -> None:
    response = made(provider, PARAMETER, {"type": "String", "value": "x"})
    assert "value" in decode(response.properties).secrets


def test_an_error_of_aws_is_told_with_its_code_and_the_resource(provider: AwsProvider) -> None:
    inputs = {"cidrBlock": "not a block"}
    with pytest.raises(Aborted, match=r"^aws:ec2/vpc:Vpc 'it': InvalidParameterValue: .*not a block"):
        made(provider, VPC, inputs)


def test_what_was_half_created_is_told_with_its_id(provider: AwsProvider) -> None:
    call = Call()
    inputs = check(provider, GATEWAY, {"vpcId": "vpc-missing"}).inputs
    with pytest.raises(Aborted, match=r"InvalidVpcID\.NotFound"):
        provider.Create(provider_pb2.CreateRequest(urn=GATEWAY, properties=inputs), call)
    assert b"igw-" in call.metadata["grpc-status-details-bin"]


def read(provider: AwsProvider, where: str, resource_id: str, **given: Any) -> Any:
    """Read a resource."""
    return provider.Read(provider_pb2.ReadRequest(urn=where, id=resource_id, **given), Call())


def test_reading_what_is_gone_gives_no_id(provider: AwsProvider) -> None:
    response = read(provider, PARAMETER, "/gone")
    assert (response.id, len(response.properties.fields)) == ("", 0)


def test_a_refresh_keeps_secret_what_the_program_gave_as_a_secret(provider: AwsProvider) -> None:
    inputs = check(provider, PARAMETER, {"type": "String", "value": "x"}, ("value",)).inputs
    response = create(provider, PARAMETER, inputs)
    refreshed = read(provider, PARAMETER, response.id, properties=response.properties, inputs=inputs)
    assert decode(refreshed.inputs) == decode(inputs)


def test_an_import_takes_for_secret_what_always_is(provider: AwsProvider) -> None:
    response = made(provider, PARAMETER, {"type": "String", "value": "x"})
    assert "value" in decode(read(provider, PARAMETER, response.id).inputs).secrets


def diff(provider: AwsProvider, where: str, old: dict[str, Any], new: dict[str, Any]) -> Any:
    """Compare inputs."""
    request = provider_pb2.DiffRequest(urn=where, old_inputs=encode(old), news=encode(new))
    return provider.Diff(request, Call())


def test_the_same_inputs_are_no_change(provider: AwsProvider) -> None:
    same = {"cidrBlock": "10.0.0.0/16"}
    assert diff(provider, VPC, same, same).changes == provider_pb2.DiffResponse.DIFF_NONE


def test_a_replacement_is_told_with_its_reason(provider: AwsProvider) -> None:
    response = diff(provider, VPC, {"cidrBlock": "10.0.0.0/16"}, {"cidrBlock": "10.1.0.0/16"})
    assert list(response.replaces) == ["cidrBlock"]
    assert response.detailedDiff["cidrBlock"].kind == provider_pb2.PropertyDiff.UPDATE_REPLACE
    assert not response.deleteBeforeReplace


def test_a_fixed_name_makes_the_old_one_go_first(provider: AwsProvider) -> None:
    role = urn("aws:iam/role:Role")
    response = diff(provider, role, {"name": "deploy", "path": "/"}, {"name": "deploy", "path": "/ci/"})
    assert response.deleteBeforeReplace


def update(provider: AwsProvider, where: str, before: Any, old: Any, new: Any, *, preview: bool = False) -> Any:
    """Update a resource."""
    request = provider_pb2.UpdateRequest(
        urn=where, id=before.id, olds=before.properties, old_inputs=old, news=new, preview=preview
    )
    return provider.Update(request, Call())


def test_a_preview_of_an_update_changes_nothing_and_tells_what_will_be_unknown(provider: AwsProvider) -> None:
    old = check(provider, PARAMETER, {"name": "/p", "type": "String", "value": "1"}).inputs
    new = check(provider, PARAMETER, {"name": "/p", "type": "String", "value": "2"}).inputs
    before = create(provider, PARAMETER, old)
    known = decode(update(provider, PARAMETER, before, old, new, preview=True).properties).values
    assert (known["value"], known["version"]) == ("2", UNKNOWN)
    assert decode(read(provider, PARAMETER, "/p").inputs).values["value"] == "1"


def test_updating_what_is_gone_says_what_to_do(provider: AwsProvider) -> None:
    old = check(provider, PARAMETER, {"name": "/p", "type": "String", "value": "1"}).inputs
    before = create(provider, PARAMETER, old)
    delete(provider, PARAMETER, "/p")
    with pytest.raises(Aborted, match=r"'it': Gone: /p does not exist any more: run `pulumi refresh`"):
        update(provider, PARAMETER, before, old, old)


def delete(provider: AwsProvider, where: str, resource_id: str) -> Any:
    """Delete a resource."""
    return provider.Delete(provider_pb2.DeleteRequest(urn=where, id=resource_id), Call())


def test_deleting_what_is_gone_is_no_error(provider: AwsProvider) -> None:
    delete(provider, PARAMETER, "/gone")
    assert read(provider, PARAMETER, "/gone").id == ""


def test_nothing_new_begins_after_a_cancel(provider: AwsProvider) -> None:
    inputs = check(provider, VPC, {"cidrBlock": "10.0.0.0/16"}).inputs
    provider.Cancel(None, Call())
    with pytest.raises(Aborted, match="cancelled before it began"):
        create(provider, VPC, inputs)


def test_what_the_entries_wait_with_is_what_a_cancel_sets(environ: dict[str, str]) -> None:
    cancelled = Event()
    api = connect(CONFIG, environ, cancelled).api(TYPES["aws:ec2/vpc:Vpc"], None)
    assert api.cancelled is cancelled


def invoke(provider: AwsProvider, token: str) -> Any:
    """Call a function of the provider."""
    answer = provider.Invoke(provider_pb2.InvokeRequest(tok=token), Call())
    return decode(getattr(answer, "return")).values


def test_it_says_who_and_where_the_program_is(provider: AwsProvider) -> None:
    assert invoke(provider, "aws:index/getCallerIdentity:getCallerIdentity")["accountId"] == ACCOUNT
    assert invoke(provider, "aws:index/getRegion:getRegion")["region"] == "eu-central-1"


def test_an_unknown_function_is_refused_by_its_name(provider: AwsProvider) -> None:
    with pytest.raises(Aborted, match="does not know the function aws:ec2/getAmi:getAmi"):
        invoke(provider, "aws:ec2/getAmi:getAmi")
