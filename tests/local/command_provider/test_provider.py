"""The protocol of the provider, besides what its resources do."""

from pathlib import Path

import pytest
from google.protobuf import empty_pb2
from pulumi.runtime.proto import provider_pb2

from local.command_provider.resources import LOCAL_COMMAND
from local.command_provider.values import secret, to_wire
from tests.local.command_provider.engine import Engine, Refused, urn


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    return Engine(tmp_path)


def test_it_is_the_version_that_the_programs_pin(engine: Engine) -> None:
    assert engine.provider.GetPluginInfo(empty_pb2.Empty(), engine.context).version == "1.2.1"


def test_it_takes_secrets_and_previews(engine: Engine) -> None:
    answer = engine.provider.Configure(provider_pb2.ConfigureRequest(), engine.context)
    assert answer.acceptSecrets
    assert answer.supportsPreview


def test_a_diff_names_what_changed_and_what_replaces(engine: Engine) -> None:
    request = provider_pb2.DiffRequest(
        urn=urn(LOCAL_COMMAND),
        old_inputs=to_wire({"create": "a", "triggers": [1], "delete": "d"}),
        news=to_wire({"create": "b", "triggers": [2]}),
    )
    answer = engine.provider.Diff(request, engine.context)
    assert answer.changes == provider_pb2.DiffResponse.DIFF_SOME
    assert (list(answer.diffs), list(answer.replaces)) == (["create", "delete", "triggers"], ["triggers"])
    assert answer.detailedDiff["triggers"].kind == provider_pb2.PropertyDiff.UPDATE_REPLACE
    assert answer.detailedDiff["delete"].kind == provider_pb2.PropertyDiff.DELETE
    assert not answer.deleteBeforeReplace


def test_an_ignored_change_is_none(engine: Engine) -> None:
    request = provider_pb2.DiffRequest(
        urn=urn(LOCAL_COMMAND),
        old_inputs=to_wire({"create": "a"}),
        news=to_wire({"create": "b"}),
        ignoreChanges=["create"],
    )
    assert engine.provider.Diff(request, engine.context).changes == provider_pb2.DiffResponse.DIFF_NONE


def test_read_gives_back_what_was_recorded(engine: Engine) -> None:
    properties = to_wire({"stdin": secret("x")})
    request = provider_pb2.ReadRequest(id="1", urn=urn(LOCAL_COMMAND), properties=properties, inputs=properties)
    answer = engine.provider.Read(request, engine.context)
    assert (answer.id, answer.properties, answer.inputs) == ("1", properties, properties)


def test_refused_inputs_are_told_by_name(engine: Engine) -> None:
    request = provider_pb2.CheckRequest(urn=urn(LOCAL_COMMAND), news=to_wire({"crate": "x"}))
    failures = engine.provider.Check(request, engine.context).failures
    assert [failure.property for failure in failures] == ["crate"]


def test_a_type_or_a_function_that_is_not_known_is_refused(engine: Engine) -> None:
    with pytest.raises(Refused, match="command:remote:CopyFile is not known"):
        engine.check("command:remote:CopyFile", {})
    with pytest.raises(Refused, match="command:local:run is not known"):
        engine.provider.Invoke(provider_pb2.InvokeRequest(tok="command:local:run"), engine.context)
