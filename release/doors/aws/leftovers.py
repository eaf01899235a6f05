"""What is in AWS under a demo's tags, service by service, and how each of it is taken away.

It asks the services themselves and not the tagging API: that one tells for minutes of what is gone, and not yet of what
is new. Roles are found by their path, which is a demo's own. Whatever AWS protects, it keeps: that is told, not undone.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from release.doors.aws.session import AwsSession, aws_call
from release.process.errors import Broken
from settings.demos import CREATION
from settings.names import OF_DEMOS

AT_ONCE = 20  # load balancers and groups whose tags can be asked for together
ALIVE = ["pending", "running", "shutting-down", "stopping", "stopped"]  # a terminated instance is shown for an hour


@dataclass(frozen=True, kw_only=True)
class Left:
    """One thing: the kind, which says how it goes, its id or ARN, and of which demo's creation it says it is."""

    kind: str
    id: str
    creation: str = field(compare=False)

    def __str__(self) -> str:
        return f"{self.kind} {self.id}"


class Leftovers:
    """What carries all these tags, and the roles and profiles below a path.

    What is found is deleted: paths are looked at again, so that a listing which heeds no prefix names nothing else.
    """

    def __init__(self, session: AwsSession, tags: Mapping[str, str], path: str) -> None:
        self._session = session
        self._tags = tags
        self._path = path

    def all(self) -> tuple[Left, ...]:
        """Everything that is there, in the order in which it can go."""
        with aws_call("look for what is left"):
            return (
                *self._balancers(),
                *self._instances(),
                *self._databases(),
                *self._rules(),
                *self._target_groups(),
                *self._security_groups(),
                *self._profiles(),
                *self._roles(),
            )

    def remove(self, left: Left) -> None:
        """Take it away; Broken where AWS keeps it, or where something else has to go before."""
        with aws_call(f"delete {left}"):
            getattr(self, f"_remove_{left.kind}")(left.id)

    def _instances(self) -> Iterator[Left]:
        states = {"Name": "instance-state-name", "Values": ALIVE}
        pages = self._ec2.get_paginator("describe_instances").paginate(Filters=[*self._filters(), states])
        for page in pages:
            for reservation in page["Reservations"]:
                for one in reservation["Instances"]:
                    yield Left(kind="instance", id=one["InstanceId"], creation=_tags(one).get(CREATION, ""))

    def _security_groups(self) -> Iterator[Left]:
        pages = self._ec2.get_paginator("describe_security_groups").paginate(Filters=self._filters())
        for page in pages:
            for one in page["SecurityGroups"]:
                yield Left(kind="security_group", id=one["GroupId"], creation=_tags(one).get(CREATION, ""))

    def _rules(self) -> Iterator[Left]:
        """Also those in groups of others, which keep the groups that they name."""
        pages = self._ec2.get_paginator("describe_security_group_rules").paginate(Filters=self._filters())
        for page in pages:
            for one in page["SecurityGroupRules"]:
                if not one["IsEgress"]:
                    id = f"{one['GroupId']}/{one['SecurityGroupRuleId']}"
                    yield Left(kind="rule", id=id, creation=_tags(one).get(CREATION, ""))

    def _databases(self) -> Iterator[Left]:
        for page in self._rds.get_paginator("describe_db_instances").paginate():
            for one in page["DBInstances"]:
                tags = {tag["Key"]: tag["Value"] for tag in one.get("TagList", ())}
                if self._tags.items() <= tags.items():
                    yield Left(kind="database", id=one["DBInstanceIdentifier"], creation=tags.get(CREATION, ""))

    def _balancers(self) -> Iterator[Left]:
        pages = self._elbv2.get_paginator("describe_load_balancers").paginate()
        arns = [one["LoadBalancerArn"] for page in pages for one in page["LoadBalancers"]]
        return self._tagged("balancer", arns)

    def _target_groups(self) -> Iterator[Left]:
        pages = self._elbv2.get_paginator("describe_target_groups").paginate()
        arns = [one["TargetGroupArn"] for page in pages for one in page["TargetGroups"]]
        return self._tagged("target_group", arns)

    def _tagged(self, kind: str, arns: list[str]) -> Iterator[Left]:
        for first in range(0, len(arns), AT_ONCE):
            answer = self._elbv2.describe_tags(ResourceArns=arns[first : first + AT_ONCE])
            for one in answer["TagDescriptions"]:
                if self._tags.items() <= (tags := _tags(one)).items():
                    yield Left(kind=kind, id=one["ResourceArn"], creation=tags.get(CREATION, ""))

    def _profiles(self) -> Iterator[Left]:
        pages = self._iam.get_paginator("list_instance_profiles").paginate(PathPrefix=self._path)
        for page in pages:
            for one in page["InstanceProfiles"]:
                if one["Path"].startswith(self._path):
                    yield Left(kind="profile", id=one["InstanceProfileName"], creation=_creation_in(one["Path"]))

    def _roles(self) -> Iterator[Left]:
        for page in self._iam.get_paginator("list_roles").paginate(PathPrefix=self._path):
            yield from (
                Left(kind="role", id=one["RoleName"], creation=_creation_in(one["Path"]))
                for one in page["Roles"]
                if one["Path"].startswith(self._path)
            )

    def _remove_instance(self, instance: str) -> None:
        self._ec2.terminate_instances(InstanceIds=[instance])

    def _remove_rule(self, rule: str) -> None:
        group, _, one = rule.partition("/")
        self._ec2.revoke_security_group_ingress(GroupId=group, SecurityGroupRuleIds=[one])

    def _remove_database(self, identifier: str) -> None:
        self._rds.delete_db_instance(DBInstanceIdentifier=identifier, SkipFinalSnapshot=True)

    def _remove_security_group(self, group: str) -> None:
        """Its rules first: two groups that name each other keep each other. Not while a network interface has it, which
        AWS would keep it for: whatever that is, its rules stay.
        """
        used = [{"Name": "group-id", "Values": [group]}]
        if found := self._ec2.describe_network_interfaces(Filters=used)["NetworkInterfaces"]:
            raise Broken(f"security_group {group} is in use by {found[0]['NetworkInterfaceId']}")
        rules = self._ec2.describe_security_group_rules(Filters=[{"Name": "group-id", "Values": [group]}])
        revoking = ((False, self._ec2.revoke_security_group_ingress), (True, self._ec2.revoke_security_group_egress))
        for is_egress, revoke in revoking:
            found = [one["SecurityGroupRuleId"] for one in rules["SecurityGroupRules"] if one["IsEgress"] is is_egress]
            if found:
                revoke(GroupId=group, SecurityGroupRuleIds=found)
        self._ec2.delete_security_group(GroupId=group)

    def _remove_balancer(self, arn: str) -> None:
        self._elbv2.delete_load_balancer(LoadBalancerArn=arn)

    def _remove_target_group(self, arn: str) -> None:
        self._elbv2.delete_target_group(TargetGroupArn=arn)

    def _remove_profile(self, name: str) -> None:
        profile = self._iam.get_instance_profile(InstanceProfileName=name)["InstanceProfile"]
        for role in profile["Roles"]:
            self._iam.remove_role_from_instance_profile(InstanceProfileName=name, RoleName=role["RoleName"])
        self._iam.delete_instance_profile(InstanceProfileName=name)

    def _remove_role(self, name: str) -> None:
        for policy in self._iam.list_role_policies(RoleName=name)["PolicyNames"]:
            self._iam.delete_role_policy(RoleName=name, PolicyName=policy)
        self._iam.delete_role(RoleName=name)

    def _filters(self) -> list[dict[str, Any]]:
        return [{"Name": f"tag:{key}", "Values": [value]} for key, value in self._tags.items()]

    @property
    def _ec2(self) -> Any:
        return self._session.client("ec2")

    @property
    def _rds(self) -> Any:
        return self._session.client("rds")

    @property
    def _elbv2(self) -> Any:
        return self._session.client("elbv2")

    @property
    def _iam(self) -> Any:
        return self._session.client("iam")


def _tags(thing: Mapping[str, Any]) -> dict[str, str]:
    return {tag["Key"]: tag.get("Value", "") for tag in thing.get("Tags", [])}


def _creation_in(path: str) -> str:
    """A path is that of machines of an environment, which a demo's is called after its creation."""
    return path.split("/")[2].removeprefix(OF_DEMOS)
