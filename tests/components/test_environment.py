"""Environment: what holds for the whole of it, in every environment."""

from collections import Counter

import pytest

from components.recording import Recording
from tests.components.recording import (
    EMPTY,
    GREEN_LIVE,
    PRIVATE_KEY,
    record,
    settings_of,
    texts,
)

ALL = ["dev", "qa", "staging", "prod"]
LOCK = "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration"

# Pulumi appends a dash and seven hex digits to the name of a resource that has none of its own.
AUTONAME_SUFFIX = 8
SHORT_NAMES = 32


def kinds(recording: Recording) -> Counter[str]:
    return Counter(one.type for one in recording.declared)


@pytest.mark.parametrize("environment", ALL)
def test_an_environment_has_two_servers_one_database_and_one_balancer_with_its_listeners(environment: str) -> None:
    settings = settings_of(environment)
    count = kinds(record(settings))
    assert count["aws:ec2/instance:Instance"] == 2
    assert count["aws:rds/instance:Instance"] == 1
    assert count["aws:lb/loadBalancer:LoadBalancer"] == 1
    assert count["aws:lb/listener:Listener"] == (3 if settings.load_balancer.certificate else 2)
    assert count["aws:lb/targetGroup:TargetGroup"] == 2
    assert count["aws:s3/bucket:Bucket"] == 3


@pytest.mark.parametrize("environment", ALL)
def test_environments_differ_in_nothing_but_object_lock_and_the_way_from_plain_http(environment: str) -> None:
    assert names(environment) == names("prod")


def names(environment: str) -> set[tuple[str, str]]:
    """Type and name of what an environment has, without what only some settings ask for."""
    asked_for = {"env-lb-redirect", "env-firewall-redirect-0.0.0.0-0"}
    declared = record(settings_of(environment)).declared
    return {(one.type, one.name) for one in declared if one.type != LOCK and one.name not in asked_for}


@pytest.mark.parametrize("environment", ALL)
def test_everything_comes_from_the_explicit_providers(environment: str) -> None:
    recording = record(settings_of(environment), GREEN_LIVE)
    resources = [one for one in recording.declared if one.type.startswith(("aws:", "command:"))]
    used = {(one.type.split(":")[0], one.provider.rsplit("::", 2)[1]) for one in resources}
    assert len(resources) > 50
    assert used == {("aws", "aws"), ("command", "command")}


def test_the_provider_refuses_another_account_and_tags_whatever_it_makes() -> None:
    [provider] = record(settings_of("qa")).of("pulumi:providers:aws")
    assert provider.inputs["region"] == "eu-central-1"
    assert provider.inputs["allowedAccountIds"] == '["123456789012"]'
    assert '"project": "stageline"' in provider.inputs["defaultTags"]
    assert '"environment": "qa"' in provider.inputs["defaultTags"]
    assert '"owner": "platform"' in provider.inputs["defaultTags"]
    assert '"managed-by": "stageline"' in provider.inputs["defaultTags"]
    assert "assumeRoles" not in provider.inputs


def test_the_provider_assumes_the_role_that_the_setting_names() -> None:
    role = "arn:aws:iam::123456789012:role/deploy"
    [provider] = record(settings_of("qa", role=role)).of("pulumi:providers:aws")
    assert role in provider.inputs["assumeRoles"]


KEPT = {
    "env-guard",
    "env-logs-access",
    "env-storage-artifacts",
    "env-storage-backups",
    "env-storage-signing",
    "env-database-instance",
    "env-database-key",
}


@pytest.mark.parametrize(("environment", "kept"), [("dev", set()), ("qa", set()), ("staging", KEPT), ("prod", KEPT)])
def test_what_holds_history_and_data_is_protected_in_a_protected_environment(environment: str, kept: set[str]) -> None:
    assert {one.name for one in record(settings_of(environment)).declared if one.protect} == kept


@pytest.mark.parametrize("environment", ALL)
def test_no_password_is_an_input_anywhere(environment: str) -> None:
    declared = record(settings_of(environment), GREEN_LIVE).declared
    named = {text for one in declared for text in texts(list(one.inputs)) if "password" in text.lower()}
    assert named == {"manageMasterUserPassword"}


def test_the_private_key_stands_in_connections_and_nowhere_else() -> None:
    declared = record(settings_of("prod"), GREEN_LIVE).declared
    holders = [one for one in declared if PRIVATE_KEY in texts(one.inputs)]
    assert {one.type for one in holders} == {"command:remote:Command", "command:remote:CopyToRemote"}
    assert all("connection" in one.secrets for one in holders)


@pytest.mark.parametrize("kind", ["aws:lb/targetGroup:TargetGroup", "aws:lb/loadBalancer:LoadBalancer"])
def test_names_of_target_groups_and_balancers_stay_within_32_characters(kind: str) -> None:
    names = [one.name for one in record(settings_of("prod")).of(kind)]
    assert names
    assert max(map(len, names)) + AUTONAME_SUFFIX <= SHORT_NAMES


def test_only_commands_come_and_go_with_releases() -> None:
    empty = {one.urn for one in record(settings_of("prod"), EMPTY).declared}
    filled = {one.urn: one.type for one in record(settings_of("prod"), GREEN_LIVE).declared}
    assert empty < set(filled)
    assert {filled[urn] for urn in set(filled) - empty} == {"command:remote:Command"}
