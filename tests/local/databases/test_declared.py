"""What the API says about a database."""

import pytest

from local.databases.declared import Declared, memory_bytes


@pytest.mark.parametrize(
    ("instance_class", "gib"),
    [
        ("db.t4g.micro", 1),
        ("db.t4g.small", 2),
        ("db.m7g.large", 8),
        ("db.m7g.2xlarge", 32),
        ("db.r7g.large", 16),
        ("db.serverless", 1),
    ],
)
def test_an_instance_class_has_the_memory_that_aws_gives_it(instance_class: str, gib: int) -> None:
    assert memory_bytes(instance_class) == gib * 2**30


def test_the_identifier_is_the_end_of_the_arn() -> None:
    arn = "arn:aws:rds:eu-central-1:123456789012:db:stageline-dev"
    assert Declared(arn=arn, storage_gib=20, instance_class="db.t4g.small").identifier == "stageline-dev"
