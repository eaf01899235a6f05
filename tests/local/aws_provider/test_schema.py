"""The schema of the table."""

from local.aws_provider.schema import schema
from tests.local.aws_provider.kinds import WIDGET


def test_the_schema_names_inputs_and_outputs_and_what_is_required() -> None:
    described = schema({WIDGET.token: WIDGET}, "1.2.3")
    widget = described["resources"][WIDGET.token]
    assert (described["name"], described["version"]) == ("aws", "1.2.3")
    assert widget["requiredInputs"] == ["size"]
    assert {"size", "region", "tags"} <= set(widget["inputProperties"])
    assert "arn" in widget["properties"]
    assert "arn" not in widget["inputProperties"]


def test_a_program_is_not_told_of_the_tags_that_the_provider_merges() -> None:
    widget = schema({WIDGET.token: WIDGET}, "1.2.3")["resources"][WIDGET.token]
    assert "tagsAll" not in widget["inputProperties"]
    assert "tagsAll" in widget["properties"]
