"""A demo taken down: nothing of it is left before it is forgotten, and nothing else is touched."""

import json

import pytest

from release.process.errors import Broken, LeaseHeld, LeaseLost, Refused
from release.process.output import Progress
from release.records.demos.demo import Demo
from release.work.demos.ending import leftovers_of, take_down
from settings import demos as names
from tests.aws_clients import aws_client
from tests.release.demos import ANA, BEN, Demos

pytestmark = pytest.mark.moto

READS = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}
POLICY = {"Version": "2012-10-17", "Statement": [READS]}


def down(demos: Demos) -> None:
    take_down(demos.base, demos.entry(), BEN, Progress())


def tags(demo: Demo, **other: str) -> list[dict[str, str]]:
    own = {"project": "stageline", "environment": f"demo-{demo.creation}", **names.kind_of(demo.creation), **other}
    return [{"Key": key, "Value": value} for key, value in own.items()]


def group(name: str, tagged: list[dict[str, str]]) -> str:
    made = aws_client("ec2").create_security_group(
        GroupName=name,
        Description=name,
        TagSpecifications=[{"ResourceType": "security-group", "Tags": tagged}],
    )
    return str(made["GroupId"])


def groups() -> set[str]:
    return {one["GroupId"] for one in aws_client("ec2").describe_security_groups()["SecurityGroups"]}


def test_a_demo_goes_with_its_stack_its_secrets_and_its_artifacts(demos: Demos) -> None:
    demo = demos.up()
    down(demos)
    assert demos.stack().calls == ["create", "up", "destroy", "remove"]
    assert aws_client("secretsmanager").list_secrets(IncludePlannedDeletion=True)["SecretList"] == []
    assert demos.base.artifacts.keys(f"demos/{demo.creation}/") == ()
    assert demos.registry.all().entries == ()


def test_a_destroy_that_fails_is_kept_with_its_reason_and_gone_on_with(demos: Demos) -> None:
    demos.up()
    demos.stack().fails["destroy"] = "AWS keeps the server"
    with pytest.raises(Broken, match="AWS keeps the server"):
        down(demos)
    kept = demos.entry().demo
    assert (kept.state, kept.why, kept.held) == ("dying", "AWS keeps the server", None)
    down(demos)
    assert demos.registry.all().entries == ()


def test_its_database_goes_before_its_stack_and_what_keeps_it_keeps_the_demo(demos: Demos) -> None:
    demo = demos.up()
    assert demos.database.made.keys() == {f"demo_{demo.creation}"}
    demos.database.fails["drop"] = "the database of dev does not answer"
    with pytest.raises(Broken, match="does not answer"):
        down(demos)
    assert demos.stack().is_up
    assert (demos.entry().demo.state, demos.entry().demo.why) == ("dying", "the database of dev does not answer")
    down(demos)
    assert demos.database.made == {}
    assert demos.registry.all().entries == ()


@pytest.mark.parametrize("database", ["own", "none"])
def test_nothing_is_asked_of_the_bases_database_for_one_that_has_none_there(demos: Demos, database: str) -> None:
    demos.up()
    demos.registry.change(demos.entry(), database=database)
    demos.database.fails["drop"] = "it was asked"
    down(demos)
    assert demos.registry.all().entries == ()


def test_a_rule_in_a_group_of_the_base_goes_and_the_group_and_its_other_rules_stay(demos: Demos) -> None:
    demo, ec2 = demos.up(), aws_client("ec2")
    base, inside = group("base", [{"Key": "environment", "Value": "dev"}]), [{"CidrIp": "10.0.0.0/8"}]
    for tagged, port in ((tags(demo), 5432), (tags(demo, creation="ffffffff"), 5433)):
        ec2.authorize_security_group_ingress(
            GroupId=base,
            IpPermissions=[{"IpProtocol": "tcp", "FromPort": port, "ToPort": port, "IpRanges": inside}],
            TagSpecifications=[{"ResourceType": "security-group-rule", "Tags": tagged}],
        )
    down(demos)
    rules = ec2.describe_security_group_rules(Filters=[{"Name": "group-id", "Values": [base]}])["SecurityGroupRules"]
    assert [one["FromPort"] for one in rules if not one["IsEgress"]] == [5433]


def test_an_instance_of_its_own_that_the_destroy_left_goes_without_a_snapshot(demos: Demos) -> None:
    demo, rds = demos.up(), aws_client("rds")
    for name, tagged in (("own", tags(demo)), ("bases", [])):
        rds.create_db_instance(
            DBInstanceIdentifier=name, Engine="postgres", DBInstanceClass="db.t4g.micro", AllocatedStorage=20,
            MasterUsername="stageline", ManageMasterUserPassword=True, Tags=tagged,
        )  # fmt: skip
    down(demos)
    assert [one["DBInstanceIdentifier"] for one in rds.describe_db_instances()["DBInstances"]] == ["bases"]


def test_an_item_without_a_stack_goes_all_the_same(demos: Demos) -> None:
    demos.stack().fails["create"] = "no backend"
    with pytest.raises(Broken):
        demos.up()
    down(demos)
    assert "destroy" not in demos.stack().calls
    assert demos.registry.all().entries == ()


def test_who_was_overtaken_destroys_nothing_that_was_made_since(demos: Demos) -> None:
    """It slept for longer than its hold; somebody else took the demo down and made it anew meanwhile."""
    demos.up()
    seen, stack = demos.entry(), demos.stack()

    def made_anew() -> None:
        demos.registry.change(demos.entry(), state="up")

    stack.before_look = made_anew  # between its decision and the destroy
    with pytest.raises(LeaseLost):
        take_down(demos.base, seen, BEN, Progress())
    assert "destroy" not in stack.calls


def test_a_base_whose_bucket_is_gone_keeps_no_demo(demos: Demos) -> None:
    demos.up()
    bucket = demos.base.artifacts
    for key in bucket.keys(""):
        bucket.remove(key)
    aws_client("s3").delete_bucket(Bucket=bucket.name)
    down(demos)
    assert demos.registry.all().entries == ()


def test_a_demo_of_another_base_is_left_to_that_one(demos: Demos) -> None:
    demos.up()
    demos.registry.change(demos.entry(), base="qa")
    with pytest.raises(Refused, match="stands on qa"):
        down(demos)
    assert "destroy" not in demos.stack().calls


def test_nobody_takes_down_what_somebody_works_on(demos: Demos) -> None:
    demos.up()
    demos.registry.change(demos.entry(), held=demos.held_for_a_while())
    with pytest.raises(LeaseHeld):
        down(demos)
    assert demos.entry().demo.state == "up"


def test_what_the_destroy_left_is_swept(demos: Demos) -> None:
    demo = demos.up()
    one, other = group("one", tags(demo)), group("other", tags(demo))
    rule = [{"IpProtocol": "tcp", "FromPort": 1, "ToPort": 1, "UserIdGroupPairs": [{"GroupId": other}]}]
    aws_client("ec2").authorize_security_group_ingress(GroupId=one, IpPermissions=rule)
    iam = aws_client("iam")
    path = f"/stageline/demo-{demo.creation}/machines/"
    iam.create_role(RoleName="r", Path=path, AssumeRolePolicyDocument="{}")
    iam.put_role_policy(RoleName="r", PolicyName="p", PolicyDocument=json.dumps(POLICY))
    iam.create_instance_profile(InstanceProfileName="i", Path=path)
    iam.add_role_to_instance_profile(InstanceProfileName="i", RoleName="r")
    left = leftovers_of(demos.base, demo.creation)
    assert [one.kind for one in left.all()] == ["security_group", "security_group", "profile", "role"]
    for found in left.all():
        left.remove(found)
    assert left.all() == ()


@pytest.mark.parametrize(
    "forged",
    [
        pytest.param({"environment": "prod"}, id="an environment's with a demo's tags"),
        pytest.param({"creation": "ffffffff"}, id="another creation's"),
        pytest.param({"kind": "environment"}, id="of another kind"),
        pytest.param({"project": "shop"}, id="another project's"),
    ],
)
def test_nothing_else_is_swept_whatever_its_tags_say(demos: Demos, forged: dict[str, str]) -> None:
    demo = demos.up()
    other = group("other", tags(demo, **forged))
    down(demos)
    assert other in groups()


def test_a_balancer_is_found_by_its_tags(demos: Demos) -> None:
    demo = demos.up()
    subnets = [one["SubnetId"] for one in aws_client("ec2").describe_subnets()["Subnets"]][:2]
    balancers = aws_client("elbv2")
    balancers.create_load_balancer(Name="other", Subnets=subnets)
    balancers.create_load_balancer(Name="own", Subnets=subnets, Tags=tags(demo))
    balancers.create_target_group(Name="own", Protocol="HTTP", Port=80, VpcId=_vpc(), Tags=tags(demo))
    left = leftovers_of(demos.base, demo.creation)
    assert [one.kind for one in left.all()] == ["balancer", "target_group"]
    for found in left.all():
        left.remove(found)
    assert [one["LoadBalancerName"] for one in balancers.describe_load_balancers()["LoadBalancers"]] == ["other"]


def _vpc() -> str:
    return str(aws_client("ec2").describe_vpcs()["Vpcs"][0]["VpcId"])


def test_a_servers_last_hour_in_the_list_is_nothing_left(demos: Demos) -> None:
    demo = demos.up()
    ec2 = aws_client("ec2")
    ec2.run_instances(
        ImageId="ami-12c6146b", MinCount=1, MaxCount=1,
        TagSpecifications=[{"ResourceType": "instance", "Tags": tags(demo)}],
    )  # fmt: skip
    left = leftovers_of(demos.base, demo.creation)
    [server] = left.all()
    left.remove(server)
    assert left.all() == ()


def test_a_demo_of_another_owner_is_taken_down_by_whoever_may(demos: Demos) -> None:
    assert demos.up(by=ANA).owner != BEN.principal
    down(demos)
    assert demos.registry.all().entries == ()
