"""What moto forgets of a resource or cannot change, as AWS keeps and changes it."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from local.hooks.mendings import install_mendings
from tests.aws_clients import aws_client

PROVIDER = {"Url": "https://tokens.example.com", "ClientIDList": ["one", "two"], "ThumbprintList": ["a" * 40]}


@pytest.fixture(autouse=True)
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    with mock_aws(), ExitStack() as installed:
        install_mendings(installed)
        yield


# --- log groups


@pytest.fixture
def logs() -> Any:
    client = aws_client("logs")
    client.create_log_group(logGroupName="case")
    return client


def key_of_group(logs: Any) -> str | None:
    key: str | None = logs.describe_log_groups()["logGroups"][0].get("kmsKeyId")
    return key


def test_a_log_group_takes_another_key(logs: Any) -> None:
    logs.associate_kms_key(logGroupName="case", kmsKeyId="arn:aws:kms:eu-central-1:123456789012:key/1")
    assert key_of_group(logs) == "arn:aws:kms:eu-central-1:123456789012:key/1"


def test_a_log_group_gives_its_key_up(logs: Any) -> None:
    logs.associate_kms_key(logGroupName="case", kmsKeyId="arn:aws:kms:eu-central-1:123456789012:key/1")
    logs.disassociate_kms_key(logGroupName="case")
    assert key_of_group(logs) is None


def test_the_key_of_a_log_group_that_does_not_exist_cannot_change(logs: Any) -> None:
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        logs.disassociate_kms_key(logGroupName="another")


# --- identity providers


@pytest.fixture
def iam() -> Any:
    return aws_client("iam")


def clients_of(iam: Any, arn: str) -> list[str]:
    clients: list[str] = iam.get_open_id_connect_provider(OpenIDConnectProviderArn=arn)["ClientIDList"]
    return clients


def test_an_identity_provider_takes_another_client_once(iam: Any) -> None:
    arn = iam.create_open_id_connect_provider(**PROVIDER)["OpenIDConnectProviderArn"]
    iam.add_client_id_to_open_id_connect_provider(OpenIDConnectProviderArn=arn, ClientID="three")
    iam.add_client_id_to_open_id_connect_provider(OpenIDConnectProviderArn=arn, ClientID="three")
    assert clients_of(iam, arn) == ["one", "two", "three"]


# --- databases


@pytest.fixture
def rds() -> Any:
    return aws_client("rds")


INSTANCE = {
    "DBInstanceIdentifier": "case",
    "Engine": "postgres",
    "DBInstanceClass": "db.t4g.micro",
    "AllocatedStorage": 20,
    "MasterUsername": "stageline",
    "MasterUserPassword": "of-a-case",
}


def insights(rds: Any) -> tuple[Any, ...]:
    instance = rds.describe_db_instances()["DBInstances"][0]
    return instance.get("PerformanceInsightsEnabled"), instance.get("PerformanceInsightsRetentionPeriod")


def test_a_database_is_made_with_performance_insights(rds: Any) -> None:
    rds.create_db_instance(**INSTANCE, EnablePerformanceInsights=True, PerformanceInsightsRetentionPeriod=7)
    assert insights(rds) == (True, 7)


def test_performance_insights_are_switched_on_and_off(rds: Any) -> None:
    rds.create_db_instance(**INSTANCE)
    rds.modify_db_instance(
        DBInstanceIdentifier="case", EnablePerformanceInsights=True, PerformanceInsightsRetentionPeriod=31
    )
    switched_on = insights(rds)
    rds.modify_db_instance(DBInstanceIdentifier="case", EnablePerformanceInsights=False)
    assert (switched_on, insights(rds)) == ((True, 31), (False, 31))


@pytest.fixture
def parameters(rds: Any) -> Any:
    rds.create_db_parameter_group(
        DBParameterGroupName="case", DBParameterGroupFamily="postgres16", Description="of a case"
    )
    rds.modify_db_parameter_group(
        DBParameterGroupName="case",
        Parameters=[
            {"ParameterName": name, "ParameterValue": "1", "ApplyMethod": "immediate"} for name in ("one", "two")
        ],
    )
    return rds


def names_of(rds: Any) -> list[str]:
    return [each["ParameterName"] for each in rds.describe_db_parameters(DBParameterGroupName="case")["Parameters"]]


def test_a_parameter_that_is_reset_is_the_engines_again(parameters: Any) -> None:
    parameters.reset_db_parameter_group(
        DBParameterGroupName="case", Parameters=[{"ParameterName": "one", "ApplyMethod": "immediate"}]
    )
    assert names_of(parameters) == ["two"]


def test_all_parameters_are_reset_at_once(parameters: Any) -> None:
    parameters.reset_db_parameter_group(DBParameterGroupName="case", ResetAllParameters=True)
    assert names_of(parameters) == []


def test_parameters_of_a_group_that_does_not_exist_cannot_be_reset(rds: Any) -> None:
    with pytest.raises(ClientError, match="DBParameterGroupNotFound"):
        rds.reset_db_parameter_group(DBParameterGroupName="another", ResetAllParameters=True)


def test_a_subnet_group_is_still_there_after_a_change(rds: Any) -> None:
    ec2 = aws_client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.1.0/24")["Subnet"]["SubnetId"]
    rds.create_db_subnet_group(DBSubnetGroupName="case", DBSubnetGroupDescription="one", SubnetIds=[subnet])
    rds.modify_db_subnet_group(DBSubnetGroupName="case", DBSubnetGroupDescription="two", SubnetIds=[subnet])
    assert rds.describe_db_subnet_groups()["DBSubnetGroups"][0]["DBSubnetGroupDescription"] == "two"


# --- lifecycles

RULES = [
    {
        "ID": "large",
        "Status": "Enabled",
        "Filter": {"ObjectSizeGreaterThan": 500},
        "NoncurrentVersionExpiration": {"NoncurrentDays": 90, "NewerNoncurrentVersions": 5},
    },
    {"ID": "all", "Status": "Disabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 1}},
]


@pytest.fixture
def s3() -> Any:
    client = aws_client("s3", "us-east-1")
    client.create_bucket(Bucket="case")
    return client


@pytest.mark.parametrize("rules", [RULES, RULES[:1]], ids=["two rules", "one rule"])
def test_a_lifecycle_is_told_as_it_was_put(s3: Any, rules: list[dict[str, Any]]) -> None:
    s3.put_bucket_lifecycle_configuration(Bucket="case", LifecycleConfiguration={"Rules": rules})
    assert s3.get_bucket_lifecycle_configuration(Bucket="case")["Rules"] == rules


def test_a_lifecycle_is_told_with_the_size_from_which_objects_move(s3: Any) -> None:
    s3.put_bucket_lifecycle_configuration(Bucket="case", LifecycleConfiguration={"Rules": RULES})
    told = s3.get_bucket_lifecycle_configuration(Bucket="case")
    assert told["TransitionDefaultMinimumObjectSize"] == "all_storage_classes_128K"


def test_a_lifecycle_that_was_deleted_is_gone(s3: Any) -> None:
    s3.put_bucket_lifecycle_configuration(Bucket="case", LifecycleConfiguration={"Rules": RULES})
    s3.delete_bucket_lifecycle(Bucket="case")
    with pytest.raises(ClientError, match="NoSuchLifecycleConfiguration"):
        s3.get_bucket_lifecycle_configuration(Bucket="case")


# --- instances


@pytest.fixture
def ec2() -> Any:
    return aws_client("ec2")


def started(ec2: Any, **settings: Any) -> str:
    run = ec2.run_instances(ImageId="ami-03cf127a", InstanceType="t3.micro", MinCount=1, MaxCount=1, **settings)
    instance_id: str = run["Instances"][0]["InstanceId"]
    return instance_id


def described_instance(ec2: Any, instance_id: str) -> dict[str, Any]:
    found: dict[str, Any] = ec2.describe_instances(InstanceIds=[instance_id])["Reservations"][0]["Instances"][0]
    return found


def test_an_instance_started_with_protection_is_not_terminated(ec2: Any) -> None:
    protected = started(ec2, DisableApiTermination=True)
    with pytest.raises(ClientError, match="OperationNotPermitted"):
        ec2.terminate_instances(InstanceIds=[protected])


def test_an_instance_started_without_protection_is_terminated(ec2: Any) -> None:
    plain = started(ec2)
    ec2.terminate_instances(InstanceIds=[plain])
    assert described_instance(ec2, plain)["State"]["Name"] == "terminated"


def test_monitoring_is_switched_on_and_off(ec2: Any) -> None:
    instance = started(ec2)
    told = ec2.monitor_instances(InstanceIds=[instance])["InstanceMonitorings"]
    switched_on = described_instance(ec2, instance)["Monitoring"]["State"]
    ec2.unmonitor_instances(InstanceIds=[instance])
    assert told == [{"InstanceId": instance, "Monitoring": {"State": "enabled"}}]
    assert (switched_on, described_instance(ec2, instance)["Monitoring"]["State"]) == ("enabled", "disabled")


@pytest.mark.parametrize("public", [True, False], ids=["public", "private"])
def test_only_an_interface_with_a_public_address_is_associated_with_one(ec2: Any, vpc: str, public: bool) -> None:
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.1.0/24")["Subnet"]["SubnetId"]
    interface = {"DeviceIndex": 0, "SubnetId": subnet, "AssociatePublicIpAddress": public}
    instance = described_instance(ec2, started(ec2, NetworkInterfaces=[interface]))
    assert ("Association" in instance["NetworkInterfaces"][0]) is public


def test_an_instance_has_the_profile_that_took_the_place_of_another(ec2: Any, iam: Any) -> None:
    for name in ("one", "two"):
        iam.create_instance_profile(InstanceProfileName=name)
    instance = started(ec2, IamInstanceProfile={"Name": "one"})
    association = ec2.describe_iam_instance_profile_associations()["IamInstanceProfileAssociations"][0]
    ec2.replace_iam_instance_profile_association(
        AssociationId=association["AssociationId"], IamInstanceProfile={"Name": "two"}
    )
    assert described_instance(ec2, instance)["IamInstanceProfile"]["Arn"].endswith("/two")


# --- networks


@pytest.fixture
def vpc(ec2: Any) -> str:
    vpc_id: str = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    return vpc_id


def test_private_names_of_an_endpoint_are_switched(ec2: Any, vpc: str) -> None:
    made = ec2.create_vpc_endpoint(
        VpcId=vpc, ServiceName="com.amazonaws.eu-central-1.ssm", VpcEndpointType="Interface", PrivateDnsEnabled=False
    )
    endpoint = made["VpcEndpoint"]["VpcEndpointId"]
    ec2.modify_vpc_endpoint(VpcEndpointId=endpoint, PrivateDnsEnabled=True)
    assert ec2.describe_vpc_endpoints(VpcEndpointIds=[endpoint])["VpcEndpoints"][0]["PrivateDnsEnabled"] is True


PEERS = {
    "group": ({"UserIdGroupPairs": [{"GroupId": "{one}", "Description": "of a case"}]}, {"ReferencedGroupId": "{two}"}),
    "list": (
        {"PrefixListIds": [{"PrefixListId": "pl-1", "Description": "of a case"}]},
        {"PrefixListId": "pl-2"},
    ),
    "IPv6": (
        {"Ipv6Ranges": [{"CidrIpv6": "2001:db8::/32", "Description": "of a case"}]},
        {"CidrIpv6": "2001:db8:1::/48"},
    ),
    "IPv4": ({"IpRanges": [{"CidrIp": "10.0.0.0/8", "Description": "of a case"}]}, {"CidrIpv4": "10.0.0.0/16"}),
}


@pytest.mark.parametrize("peer", PEERS)
def test_a_rule_keeps_its_description_and_takes_another_peer(ec2: Any, vpc: str, peer: str) -> None:
    groups = {
        name: ec2.create_security_group(GroupName=name, Description=name, VpcId=vpc)["GroupId"]
        for name in ("one", "two")
    }
    before, after = json.loads(json.dumps(PEERS[peer]).replace("{one}", groups["one"]).replace("{two}", groups["two"]))
    ports = {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22}
    made = ec2.authorize_security_group_ingress(GroupId=groups["one"], IpPermissions=[{**ports, **before}])
    rule = made["SecurityGroupRules"][0]["SecurityGroupRuleId"]
    ec2.modify_security_group_rules(
        GroupId=groups["one"],
        SecurityGroupRules=[{"SecurityGroupRuleId": rule, "SecurityGroupRule": {**ports, **after}}],
    )
    changed = ec2.describe_security_group_rules(SecurityGroupRuleIds=[rule])["SecurityGroupRules"][0]
    told = {**changed, "ReferencedGroupId": changed.get("ReferencedGroupInfo", {}).get("GroupId")}
    assert made["SecurityGroupRules"][0]["Description"] == "of a case"
    assert "Description" not in changed
    assert after.items() <= told.items()


# --- keys


@pytest.fixture
def kms() -> Any:
    return aws_client("kms")


@pytest.mark.parametrize(
    ("given", "days"), [({"RotationPeriodInDays": 90}, 90), ({}, 365)], ids=["a period", "the usual one"]
)
def test_a_key_rotates_after_so_many_days(kms: Any, given: dict[str, int], days: int) -> None:
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    kms.enable_key_rotation(KeyId=key, **given)
    status = kms.get_key_rotation_status(KeyId=key)
    assert (status["KeyRotationEnabled"], status["RotationPeriodInDays"]) == (True, days)


def test_a_key_that_does_not_rotate_has_no_period(kms: Any) -> None:
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    kms.enable_key_rotation(KeyId=key, RotationPeriodInDays=90)
    kms.disable_key_rotation(KeyId=key)
    assert "RotationPeriodInDays" not in kms.get_key_rotation_status(KeyId=key)
