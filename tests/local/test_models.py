"""What the AWS API holds is the same after it was bytes, in all services of an environment."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws
from moto.core.base_backend import BackendDict
from moto.sqs.models import sqs_backends

from local import models
from local.errors import CloudError
from local.paths import CODE
from tests.aws_clients import aws_client

REGION = "eu-central-1"
ACCOUNT = "123456789012"
TRUST = json.dumps({"Version": "2012-10-17", "Statement": []})


@pytest.fixture(autouse=True)
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        yield


def kept_and_back() -> None:
    """Everything to bytes, all forgotten, and back."""
    content = models.dump()
    BackendDict.reset()
    models.load(content)


def in_ec2() -> Callable[[], Any]:
    ec2 = aws_client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.7.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.7.1.0/24")["Subnet"]["SubnetId"]
    ec2.run_instances(ImageId="ami-12345678", MinCount=1, MaxCount=1, SubnetId=subnet)
    return lambda: (ec2.describe_instances()["Reservations"], ec2.describe_vpcs()["Vpcs"])


def in_elb() -> Callable[[], Any]:
    ec2, elb = aws_client("ec2"), aws_client("elbv2")
    vpc = ec2.create_vpc(CidrBlock="10.6.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.6.{n}.0/24", AvailabilityZone=f"{REGION}{zone}")["Subnet"][
            "SubnetId"
        ]
        for n, zone in enumerate("ab")
    ]
    balancer = elb.create_load_balancer(Name="live", Subnets=subnets)["LoadBalancers"][0]["LoadBalancerArn"]
    elb.create_target_group(Name="blue", Protocol="HTTP", Port=8081, VpcId=vpc)
    reply = {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "503", "ContentType": "text/plain"}}
    elb.create_listener(LoadBalancerArn=balancer, Protocol="HTTP", Port=8080, DefaultActions=[reply])
    return lambda: (
        elb.describe_load_balancers()["LoadBalancers"],
        elb.describe_listeners(LoadBalancerArn=balancer)["Listeners"],
        elb.describe_target_groups()["TargetGroups"],
    )


def in_rds() -> Callable[[], Any]:
    rds, secrets = aws_client("rds"), aws_client("secretsmanager")
    made = rds.create_db_instance(
        DBInstanceIdentifier="dev",
        Engine="postgres",
        DBInstanceClass="db.t4g.small",
        AllocatedStorage=20,
        MasterUsername="master",
        ManageMasterUserPassword=True,
        StorageEncrypted=True,
    )["DBInstance"]
    rds.create_db_snapshot(DBInstanceIdentifier="dev", DBSnapshotIdentifier="before")
    secret = made["MasterUserSecret"]["SecretArn"]
    return lambda: (
        [{**one, "LatestRestorableTime": None} for one in rds.describe_db_instances()["DBInstances"]],
        rds.describe_db_snapshots()["DBSnapshots"],
        secrets.get_secret_value(SecretId=secret)["SecretString"],
    )


def in_s3() -> Callable[[], Any]:
    s3 = aws_client("s3")
    s3.create_bucket(Bucket="a-bucket", CreateBucketConfiguration={"LocationConstraint": REGION})
    s3.put_bucket_versioning(Bucket="a-bucket", VersioningConfiguration={"Status": "Enabled"})
    for body in (b"old", b"x" * 1_000_000):
        s3.put_object(Bucket="a-bucket", Key="a/key", Body=body)
    upload = s3.create_multipart_upload(Bucket="a-bucket", Key="large")["UploadId"]
    s3.upload_part(Bucket="a-bucket", Key="large", UploadId=upload, PartNumber=1, Body=b"part")
    return lambda: (
        s3.get_object(Bucket="a-bucket", Key="a/key")["Body"].read(),
        [version["VersionId"] for version in s3.list_object_versions(Bucket="a-bucket")["Versions"]],
        [part["ETag"] for part in s3.list_parts(Bucket="a-bucket", Key="large", UploadId=upload)["Parts"]],
    )


def in_dynamodb() -> Callable[[], Any]:
    dynamodb = aws_client("dynamodb")
    dynamodb.create_table(
        TableName="ledger",
        KeySchema=[{"AttributeName": "kind", "KeyType": "HASH"}, {"AttributeName": "seq", "KeyType": "RANGE"}],
        AttributeDefinitions=[
            {"AttributeName": "kind", "AttributeType": "S"},
            {"AttributeName": "seq", "AttributeType": "N"},
        ],
        BillingMode="PAY_PER_REQUEST",
    )
    for number in range(3):
        dynamodb.put_item(TableName="ledger", Item={"kind": {"S": "event"}, "seq": {"N": str(number)}})
    return lambda: (dynamodb.scan(TableName="ledger")["Items"], dynamodb.describe_table(TableName="ledger")["Table"])


def in_kms() -> Callable[[], Any]:
    kms = aws_client("kms")
    encrypting = kms.create_key()["KeyMetadata"]["KeyId"]
    blob = kms.encrypt(KeyId=encrypting, Plaintext=b"secret")["CiphertextBlob"]
    specs = ("ECC_NIST_P256", "RSA_2048")
    keys = [kms.create_key(KeySpec=spec, KeyUsage="SIGN_VERIFY")["KeyMetadata"]["KeyId"] for spec in specs]
    return lambda: (
        kms.decrypt(CiphertextBlob=blob)["Plaintext"],
        [kms.get_public_key(KeyId=key)["PublicKey"] for key in keys],
    )


def in_iam() -> Callable[[], Any]:
    iam = aws_client("iam")
    iam.create_user(UserName="ops")
    key = iam.create_access_key(UserName="ops")["AccessKey"]
    role = iam.create_role(RoleName="server", AssumeRolePolicyDocument=TRUST)["Role"]["Arn"]
    assumed = aws_client("sts").assume_role(RoleArn=role, RoleSessionName="server")["Credentials"]

    def identity(id: str, secret: str, token: str | None = None) -> str:
        make: Callable[..., Any] = boto3.client
        sts = make(
            "sts", region_name=REGION, aws_access_key_id=id, aws_secret_access_key=secret, aws_session_token=token
        )
        return str(sts.get_caller_identity()["Arn"])

    return lambda: (
        iam.list_users()["Users"],
        identity(key["AccessKeyId"], key["SecretAccessKey"]),
        identity(assumed["AccessKeyId"], assumed["SecretAccessKey"], assumed["SessionToken"]),
    )


def in_ssm() -> Callable[[], Any]:
    ssm = aws_client("ssm")
    ssm.put_parameter(Name="/a/database", Value="{}", Type="String")
    return lambda: ssm.get_parameter(Name="/a/database")["Parameter"]


def in_monitoring() -> Callable[[], Any]:
    cloudwatch, sns, logs = aws_client("cloudwatch"), aws_client("sns"), aws_client("logs")
    topic = sns.create_topic(Name="alarms")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="email", Endpoint="ops@example.com")
    cloudwatch.put_metric_alarm(
        AlarmName="cpu",
        Namespace="AWS/EC2",
        MetricName="CPUUtilization",
        ComparisonOperator="GreaterThanThreshold",
        EvaluationPeriods=1,
        Period=60,
        Statistic="Average",
        Threshold=80,
        AlarmActions=[topic],
    )
    cloudwatch.put_dashboard(DashboardName="dev", DashboardBody="{}")
    logs.create_log_group(logGroupName="/dev")
    return lambda: (
        cloudwatch.describe_alarms()["MetricAlarms"],
        cloudwatch.get_dashboard(DashboardName="dev")["DashboardBody"],
        sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"],
        logs.describe_log_groups()["logGroups"],
    )


def in_acm() -> Callable[[], Any]:
    acm = aws_client("acm")
    made = acm.request_certificate(DomainName="app.example.com")["CertificateArn"]
    return lambda: (
        acm.get_certificate(CertificateArn=made)["Certificate"],
        acm.describe_certificate(CertificateArn=made)["Certificate"]["DomainName"],
    )


FILLED = (in_ec2, in_elb, in_rds, in_s3, in_dynamodb, in_kms, in_iam, in_ssm, in_monitoring, in_acm)


@pytest.mark.parametrize("fill", FILLED, ids=lambda fill: fill.__name__.removeprefix("in_"))
def test_what_a_service_holds_is_the_same_afterwards(fill: Callable[[], Callable[[], Any]]) -> None:
    look = fill()
    before = look()
    kept_and_back()
    assert look() == before


def test_what_services_know_of_each_other_stays_one() -> None:
    in_elb()()
    kept_and_back()
    (elb,) = [one for one in models.backends("elbv2") if one.load_balancers]
    (balancer,) = elb.load_balancers.values()
    assert all(any(subnet is own for own in all_subnets(elb.ec2_backend)) for subnet in balancer.subnets)
    assert elb.ec2_backend in list(models.backends("ec2"))


def test_another_process_reads_the_bytes(tmp_path: Any) -> None:
    in_s3()
    file = tmp_path / "models"
    file.write_bytes(models.dump())
    show = (
        "import sys; from local import models; models.load(open(sys.argv[1], 'rb').read());"
        "print([list(one.buckets) for one in models.backends('s3')])"
    )
    shown = subprocess.run(
        [sys.executable, "-c", show, str(file)],
        cwd=CODE,
        env=dict(os.environ),
        capture_output=True,
        text=True,
        check=True,
    )
    assert shown.stdout == "[['a-bucket']]\n"


def test_what_cannot_be_kept_is_named_in_one_line() -> None:
    backend = sqs_backends[ACCOUNT][REGION]
    unfit: Any = (number for number in range(3))
    backend.queues["q"] = unfit
    with pytest.raises(CloudError, match=r"^the state cannot be kept \(cannot pickle 'generator' object\)"):
        models.dump()


def test_bytes_that_do_not_fit_are_refused_in_one_line() -> None:
    in_ssm()
    cut = models.dump()[:-100]
    with pytest.raises(CloudError, match=r"is not of this version .*local-cloud reset"):
        models.load(cut)


def all_subnets(ec2: Any) -> list[Any]:
    return [subnet for zones in ec2.subnets.values() for subnet in zones.values()]
