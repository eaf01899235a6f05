"""The provider's own configuration."""

import pytest

from local.aws_provider.config import BadConfig, ProviderConfig, read_config, refused_account, unknown_keys


def test_nested_values_are_read_from_json_texts() -> None:
    given = {
        "region": "eu-central-1",
        "allowedAccountIds": '["123456789012"]',
        "defaultTags": '{"tags": {"owner": "team"}}',
        "assumeRoles": '[{"roleArn": "arn:aws:iam::1:role/x"}]',
    }
    assert read_config(given, {}) == ProviderConfig(
        region="eu-central-1",
        allowed_accounts=("123456789012",),
        default_tags={"owner": "team"},
        roles=({"roleArn": "arn:aws:iam::1:role/x"},),
    )


def test_nested_values_are_read_from_plain_values_too() -> None:
    assert read_config({"region": "r", "allowedAccountIds": ["1"]}, {}).allowed_accounts == ("1",)


def test_one_role_may_be_given_without_a_list() -> None:
    assert read_config({"region": "r", "assumeRole": '{"roleArn": "a"}'}, {}).roles == ({"roleArn": "a"},)


def test_what_is_not_known_of_a_role_is_refused_by_name() -> None:
    with pytest.raises(BadConfig, match="does not know duration, tags of a role"):
        read_config({"region": "r", "assumeRoles": '[{"roleArn": "a", "tags": {}, "duration": "1h"}]'}, {})


@pytest.mark.parametrize("name", ["AWS_REGION", "AWS_DEFAULT_REGION"])
def test_the_region_may_come_from_the_environment(name: str) -> None:
    assert read_config({}, {name: "eu-west-1"}).region == "eu-west-1"


def test_without_a_region_nothing_works() -> None:
    with pytest.raises(BadConfig, match="has no region"):
        read_config({}, {})


def test_a_value_that_is_no_json_is_told_by_its_name() -> None:
    with pytest.raises(BadConfig, match="allowedAccountIds is not JSON"):
        read_config({"region": "r", "allowedAccountIds": "[1"}, {})


def test_unknown_settings_are_listed() -> None:
    assert unknown_keys(["region", "endpoints", "skipRegionValidation", "accessKey"]) == ["accessKey", "endpoints"]


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        (ProviderConfig(region="r"), None),
        (ProviderConfig(region="r", allowed_accounts=("1", "2")), None),
        (ProviderConfig(region="r", allowed_accounts=("2", "3")), "AWS account 1 is not allowed here"),
        (ProviderConfig(region="r", forbidden_accounts=("1",)), "AWS account 1 is forbidden here"),
    ],
    ids=["any", "allowed", "not-allowed", "forbidden"],
)
def test_an_account_is_refused_unless_it_may_be_used(config: ProviderConfig, reason: str | None) -> None:
    refusal = refused_account(config, "1")
    assert (refusal or "").startswith(reason or "")
    assert (refusal is None) == (reason is None)
