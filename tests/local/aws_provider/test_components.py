"""What the components declare: the table has to know all of it, and nothing else."""

import pytest

from local.aws_provider.inputs import check
from local.aws_provider.types import TYPES
from tests.components.identities import environments
from tests.components.recording import GREEN_LIVE, record, settings_of


@pytest.mark.parametrize("environment", ["dev", "qa", "staging", "prod"])
def test_every_type_and_input_of_an_environment_is_known(environment: str) -> None:
    declared = [one for one in record(settings_of(environment), GREEN_LIVE).declared if one.type.startswith("aws:")]
    failures = [
        failure.reason
        for one in declared
        for failure in check(
            TYPES[one.type], one.inputs, old={}, logical_name=one.name, seed=b"seed", default_tags={}
        ).failures
    ]
    assert len(declared) > 40
    assert failures == []


def test_the_table_has_the_types_that_the_components_declare_and_no_others() -> None:
    declared = {one.type for recording in environments().values() for one in recording.declared}
    assert set(TYPES) == {type for type in declared if type.startswith("aws:")}
