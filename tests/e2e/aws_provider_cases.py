"""One case for each resource type of the local AWS provider: what it is made with, and what happens to it.

A text like `${vpc.id}` stands for an output of the resource of that name.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

Clients = Callable[[str], Any]
State = Mapping[str, Any]
"""A resource as the stack holds it: `id` and its outputs."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """`update` and `replacement` are other values for some inputs; `drift` is a change behind Pulumi's back.

    A case without an update is of a type in which nothing can be changed in place.
    """

    type: str
    inputs: Mapping[str, Any]
    update: Mapping[str, Any] = field(default_factory=dict)
    replacement: Mapping[str, Any] = field(default_factory=dict)
    drift: Callable[[Clients, State], object] | None = None
    after: tuple[str, ...] = ()
    reads: tuple[str, ...] = ()
    """Outputs that a program may read: known once the resource exists."""


def trust(service: str) -> str:
    """Make the trust policy of a role."""
    return policy({"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"})


def policy(*statements: Mapping[str, Any]) -> str:
    """Make a policy."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def bucket_policy(sid: str) -> str:
    """Make a policy of the bucket under test."""
    return policy(
        {
            "Sid": sid,
            "Effect": "Deny",
            "Principal": "*",
            "Action": "s3:*",
            "Resource": "${bucket.arn}/*",
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        }
    )


def retag(clients: Clients, state: State) -> None:
    """Change a tag of an EC2 resource by hand."""
    clients("ec2").create_tags(Resources=[state["id"]], Tags=[{"Key": "case", "Value": "by hand"}])


def ssh_rule(cidr: str, port: int) -> dict[str, Any]:
    """Make an inline rule."""
    return {"protocol": "tcp", "fromPort": port, "toPort": port, "cidrBlocks": [cidr]}


REGION = "eu-central-1"
AMI = "ami-03cf127a"
OTHER_AMI = "ami-1ecae776"
TAGS = {"case": "one"}
RETAGGED = {"case": "two", "more": "yes"}

NETWORK = {
    "vpc": Case(
        type="aws:ec2/vpc:Vpc",
        inputs={"cidrBlock": "10.0.0.0/16", "enableDnsHostnames": True, "tags": TAGS},
        update={"enableDnsHostnames": False, "tags": RETAGGED},
        drift=lambda clients, vpc: clients("ec2").modify_vpc_attribute(
            VpcId=vpc["id"], EnableDnsHostnames={"Value": True}
        ),
        reads=("arn", "mainRouteTableId", "defaultSecurityGroupId", "defaultNetworkAclId", "ownerId"),
    ),
    "other-vpc": Case(
        type="aws:ec2/vpc:Vpc",
        inputs={"cidrBlock": "10.1.0.0/16"},
        replacement={"cidrBlock": "10.2.0.0/16"},
    ),
    "gateway": Case(
        type="aws:ec2/internetGateway:InternetGateway",
        inputs={"vpcId": "${vpc.id}", "tags": TAGS},
        update={"tags": RETAGGED},
        drift=retag,
        reads=("arn", "ownerId"),
    ),
    "subnet": Case(
        type="aws:ec2/subnet:Subnet",
        inputs={
            "vpcId": "${vpc.id}",
            "cidrBlock": "10.0.1.0/24",
            "availabilityZone": f"{REGION}a",
            "mapPublicIpOnLaunch": False,
            "tags": TAGS,
        },
        update={"mapPublicIpOnLaunch": True, "tags": RETAGGED},
        replacement={"cidrBlock": "10.0.11.0/24"},
        drift=lambda clients, subnet: clients("ec2").modify_subnet_attribute(
            SubnetId=subnet["id"], MapPublicIpOnLaunch={"Value": False}
        ),
        reads=("arn", "availabilityZoneId"),
    ),
    "subnet-b": Case(
        type="aws:ec2/subnet:Subnet",
        inputs={"vpcId": "${vpc.id}", "cidrBlock": "10.0.2.0/24", "availabilityZone": f"{REGION}b"},
    ),
    "table": Case(
        type="aws:ec2/routeTable:RouteTable",
        inputs={"vpcId": "${vpc.id}", "tags": TAGS},
        update={"tags": RETAGGED},
        drift=retag,
        reads=("arn",),
    ),
    "other-table": Case(
        type="aws:ec2/routeTable:RouteTable",
        inputs={"vpcId": "${vpc.id}"},
        replacement={"vpcId": "${other-vpc.id}"},
    ),
    "route": Case(
        type="aws:ec2/route:Route",
        inputs={"routeTableId": "${table.id}", "destinationCidrBlock": "0.0.0.0/0", "gatewayId": "${gateway.id}"},
        update={"gatewayId": None, "natGatewayId": "${nat.id}"},
        replacement={"destinationCidrBlock": "192.168.0.0/16"},
        drift=lambda clients, route: clients("ec2").replace_route(
            RouteTableId=route["routeTableId"],
            DestinationCidrBlock=route["destinationCidrBlock"],
            GatewayId=clients("ec2").describe_internet_gateways()["InternetGateways"][0]["InternetGatewayId"],
        ),
        reads=("state", "origin"),
    ),
    "association": Case(
        type="aws:ec2/routeTableAssociation:RouteTableAssociation",
        inputs={"routeTableId": "${table.id}", "subnetId": "${subnet.id}"},
        replacement={"subnetId": "${subnet-b.id}"},
        drift=lambda clients, association: clients("ec2").disassociate_route_table(AssociationId=association["id"]),
    ),
    "address": Case(
        type="aws:ec2/eip:Eip",
        inputs={"domain": "vpc", "tags": TAGS},
        update={"tags": RETAGGED},
        drift=retag,
        reads=("publicIp", "allocationId", "arn"),
    ),
    "nat": Case(
        type="aws:ec2/natGateway:NatGateway",
        inputs={"allocationId": "${address.id}", "subnetId": "${subnet.id}", "tags": TAGS},
        update={"tags": RETAGGED},
        replacement={"subnetId": "${subnet-b.id}"},
        drift=retag,
        reads=("publicIp", "privateIp"),
        after=("gateway",),
    ),
    "endpoint": Case(
        type="aws:ec2/vpcEndpoint:VpcEndpoint",
        inputs={
            "vpcId": "${vpc.id}",
            "serviceName": f"com.amazonaws.{REGION}.s3",
            "routeTableIds": ["${table.id}"],
            "tags": TAGS,
        },
        update={"routeTableIds": ["${table.id}", "${vpc.mainRouteTableId}"], "tags": RETAGGED},
        replacement={"serviceName": f"com.amazonaws.{REGION}.dynamodb"},
        drift=lambda clients, endpoint: clients("ec2").modify_vpc_endpoint(
            VpcEndpointId=endpoint["id"], RemoveRouteTableIds=[endpoint["routeTableIds"][-1]]
        ),
        reads=("arn", "state"),
    ),
    "default-group": Case(
        type="aws:ec2/defaultSecurityGroup:DefaultSecurityGroup",
        inputs={"vpcId": "${vpc.id}", "tags": TAGS},
        update={"ingress": [ssh_rule("10.0.0.0/8", 22)], "tags": RETAGGED},
        drift=lambda clients, group: clients("ec2").authorize_security_group_egress(
            GroupId=group["id"],
            IpPermissions=[{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}],
        ),
        reads=("arn", "name"),
    ),
    "other-default-group": Case(
        type="aws:ec2/defaultSecurityGroup:DefaultSecurityGroup",
        inputs={"vpcId": "${other-vpc.id}"},
        replacement={"vpcId": "${other-vpc.id}"},  # which is another VPC by then
    ),
    "group": Case(
        type="aws:ec2/securityGroup:SecurityGroup",
        inputs={"vpcId": "${vpc.id}", "description": "under test", "tags": TAGS},
        update={"tags": RETAGGED},
        replacement={"description": "of another description"},
        drift=retag,
        reads=("arn", "name"),
    ),
    "inline-group": Case(
        type="aws:ec2/securityGroup:SecurityGroup",
        inputs={"vpcId": "${vpc.id}", "ingress": [ssh_rule("10.0.0.0/8", 22)], "egress": []},
        update={"ingress": [ssh_rule("10.0.0.0/8", 22), ssh_rule("10.1.0.0/16", 443)]},
        drift=lambda clients, group: clients("ec2").revoke_security_group_ingress(
            GroupId=group["id"],
            IpPermissions=[{"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "10.0.0.0/8"}]}],
        ),
    ),
    "ingress": Case(
        type="aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
        inputs={
            "securityGroupId": "${group.id}",
            "ipProtocol": "tcp",
            "fromPort": 22,
            "toPort": 22,
            "cidrIpv4": "10.0.0.0/8",
            "description": "ssh",
            "tags": TAGS,
        },
        update={"fromPort": 2222, "toPort": 2222, "description": "another port", "tags": RETAGGED},
        replacement={"securityGroupId": "${inline-group.id}"},
        drift=lambda clients, rule: clients("ec2").modify_security_group_rules(
            GroupId=rule["securityGroupId"],
            SecurityGroupRules=[
                {
                    "SecurityGroupRuleId": rule["id"],
                    "SecurityGroupRule": {
                        "IpProtocol": "tcp",
                        "FromPort": 1,
                        "ToPort": 65535,
                        "CidrIpv4": "0.0.0.0/0",
                    },
                }
            ],
        ),
        reads=("arn", "securityGroupRuleId"),
    ),
    "egress": Case(
        type="aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule",
        inputs={"securityGroupId": "${group.id}", "ipProtocol": "-1", "cidrIpv4": "0.0.0.0/0"},
        update={"cidrIpv4": "10.0.0.0/8"},
        replacement={"securityGroupId": "${inline-group.id}"},
        drift=lambda clients, rule: clients("ec2").revoke_security_group_egress(
            GroupId=rule["securityGroupId"], SecurityGroupRuleIds=[rule["id"]]
        ),
    ),
}

STORAGE = {
    "bucket": Case(
        type="aws:s3/bucket:Bucket",
        inputs={"objectLockEnabled": True, "forceDestroy": True, "tags": TAGS},
        update={"tags": RETAGGED},
        replacement={"bucket": "another-name-for-the-bucket"},
        drift=lambda clients, bucket: clients("s3").delete_bucket_tagging(Bucket=bucket["id"]),
        reads=("arn", "bucketRegionalDomainName"),
    ),
    "plain-bucket": Case(
        type="aws:s3/bucket:Bucket", inputs={"bucket": "a-plain-bucket", "forceDestroy": True}, reads=("arn",)
    ),
    "versioning": Case(
        type="aws:s3/bucketVersioning:BucketVersioning",
        inputs={"bucket": "${plain-bucket.bucket}", "versioningConfiguration": {"status": "Enabled"}},
        update={"versioningConfiguration": {"status": "Suspended"}},
        replacement={"bucket": "${bucket.bucket}", "versioningConfiguration": {"status": "Enabled"}},
        drift=lambda clients, versioning: clients("s3").put_bucket_versioning(
            Bucket=versioning["id"], VersioningConfiguration={"Status": "Enabled"}
        ),
    ),
    "access-block": Case(
        type="aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
        inputs={"bucket": "${plain-bucket.bucket}", "blockPublicAcls": True},
        update={"blockPublicPolicy": True, "ignorePublicAcls": True, "restrictPublicBuckets": True},
        replacement={"bucket": "${bucket.bucket}"},
        drift=lambda clients, block: clients("s3").delete_public_access_block(Bucket=block["id"]),
    ),
    "encryption": Case(
        type="aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
        inputs={
            "bucket": "${plain-bucket.bucket}",
            "rules": [{"applyServerSideEncryptionByDefault": {"sseAlgorithm": "AES256"}}],
        },
        update={
            "rules": [
                {
                    "applyServerSideEncryptionByDefault": {"sseAlgorithm": "aws:kms", "kmsMasterKeyId": "${key.arn}"},
                    "bucketKeyEnabled": True,
                }
            ]
        },
        replacement={"bucket": "${bucket.bucket}"},
        drift=lambda clients, encryption: clients("s3").put_bucket_encryption(
            Bucket=encryption["id"],
            ServerSideEncryptionConfiguration={
                "Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]
            },
        ),
    ),
    "bucket-policy": Case(
        type="aws:s3/bucketPolicy:BucketPolicy",
        inputs={"bucket": "${bucket.bucket}", "policy": bucket_policy("One")},
        update={"policy": bucket_policy("Two")},
        replacement={"bucket": "${plain-bucket.bucket}"},
        drift=lambda clients, attached: clients("s3").put_bucket_policy(
            Bucket=attached["id"], Policy=attached["policy"].replace("Two", "ByHand")
        ),
    ),
    "object-lock": Case(
        type="aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration",
        inputs={"bucket": "${bucket.bucket}", "rule": {"defaultRetention": {"mode": "GOVERNANCE", "days": 1}}},
        update={"rule": {"defaultRetention": {"mode": "GOVERNANCE", "days": 2}}},
        replacement={"bucket": "${bucket.bucket}"},  # which is another bucket by then
        drift=lambda clients, lock: clients("s3").put_object_lock_configuration(
            Bucket=lock["id"],
            ObjectLockConfiguration={
                "ObjectLockEnabled": "Enabled",
                "Rule": {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 9}},
            },
        ),
    ),
    "key": Case(
        type="aws:kms/key:Key",
        inputs={"description": "under test", "enableKeyRotation": True, "deletionWindowInDays": 7, "tags": TAGS},
        update={"description": "changed", "enableKeyRotation": False, "isEnabled": False, "tags": RETAGGED},
        drift=lambda clients, key: clients("kms").update_key_description(KeyId=key["id"], Description="by hand"),
        reads=("arn", "keyId", "policy"),
    ),
    "signing-key": Case(
        type="aws:kms/key:Key",
        inputs={"keyUsage": "SIGN_VERIFY", "customerMasterKeySpec": "ECC_NIST_P256", "deletionWindowInDays": 7},
        replacement={"customerMasterKeySpec": "ECC_NIST_P384"},
    ),
    "alias": Case(
        type="aws:kms/alias:Alias",
        inputs={"name": "alias/under-test", "targetKeyId": "${key.keyId}"},
        update={"targetKeyId": "${signing-key.keyId}"},
        replacement={"name": "alias/renamed"},
        drift=lambda clients, alias: clients("kms").delete_alias(AliasName=alias["id"]),
        reads=("arn", "targetKeyArn"),
    ),
    "parameter": Case(
        type="aws:ssm/parameter:Parameter",
        inputs={"name": "/case/database", "type": "String", "value": "one", "description": "of a case", "tags": TAGS},
        update={"value": "two", "description": "changed", "tags": RETAGGED},
        replacement={"name": "/case/other"},
        drift=lambda clients, parameter: clients("ssm").put_parameter(
            Name=parameter["id"], Value="by hand", Type="String", Overwrite=True
        ),
        reads=("arn", "version"),
    ),
}

MACHINES = {
    "role": Case(
        type="aws:iam/role:Role",
        inputs={"assumeRolePolicy": trust("ec2.amazonaws.com"), "description": "of a case", "tags": TAGS},
        update={
            "assumeRolePolicy": trust("lambda.amazonaws.com"),
            "description": "changed",
            "maxSessionDuration": 7200,
            "tags": RETAGGED,
        },
        replacement={"path": "/case/"},
        drift=lambda clients, role: clients("iam").update_role(RoleName=role["id"], Description="by hand"),
        reads=("arn", "name", "uniqueId"),
    ),
    "role-policy": Case(
        type="aws:iam/rolePolicy:RolePolicy",
        inputs={
            "role": "${role.name}",
            "policy": policy({"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}),
        },
        update={"policy": policy({"Effect": "Allow", "Action": "s3:PutObject", "Resource": "*"})},
        replacement={"name": "a-name-of-its-own"},
        drift=lambda clients, attached: clients("iam").delete_role_policy(
            RoleName=attached["role"], PolicyName=attached["name"]
        ),
    ),
    "profile": Case(
        type="aws:iam/instanceProfile:InstanceProfile",
        inputs={"role": "${role.name}", "tags": TAGS},
        update={"tags": RETAGGED},
        replacement={"path": "/case/"},
        drift=lambda clients, profile: clients("iam").remove_role_from_instance_profile(
            InstanceProfileName=profile["id"], RoleName=profile["role"]
        ),
        reads=("arn", "name"),
    ),
    "server": Case(
        type="aws:ec2/instance:Instance",
        inputs={
            "ami": AMI,
            "instanceType": "t3.micro",
            "subnetId": "${subnet-b.id}",
            "vpcSecurityGroupIds": ["${group.id}"],
            "associatePublicIpAddress": True,
            "iamInstanceProfile": "${profile.name}",
            "userData": "#!/bin/sh\necho one\n",
            "metadataOptions": {"httpEndpoint": "enabled", "httpTokens": "required", "httpPutResponseHopLimit": 1},
            "rootBlockDevice": {"encrypted": True, "volumeSize": 10, "volumeType": "gp3"},
            "tags": TAGS,
        },
        update={
            "instanceType": "t3.small",
            "userData": "#!/bin/sh\necho two\n",
            "vpcSecurityGroupIds": ["${group.id}", "${inline-group.id}"],
            "metadataOptions": {"httpEndpoint": "enabled", "httpTokens": "optional", "httpPutResponseHopLimit": 2},
            "rootBlockDevice": {"encrypted": True, "volumeSize": 12, "volumeType": "gp3"},
            "disableApiTermination": True,
            "forceDestroy": True,
            "tags": RETAGGED,
        },
        replacement={"ami": OTHER_AMI},
        drift=lambda clients, server: clients("ec2").modify_instance_attribute(
            InstanceId=server["id"], DisableApiTermination={"Value": False}
        ),
        reads=("arn", "publicIp", "privateIp", "primaryNetworkInterfaceId", "availabilityZone"),
    ),
    "subnet-group": Case(
        type="aws:rds/subnetGroup:SubnetGroup",
        inputs={"subnetIds": ["${subnet.id}", "${subnet-b.id}"], "description": "of a case", "tags": TAGS},
        update={"description": "changed", "tags": RETAGGED},
        replacement={"name": "a-subnet-group"},
        drift=lambda clients, group: clients("rds").modify_db_subnet_group(
            DBSubnetGroupName=group["id"], DBSubnetGroupDescription="by hand", SubnetIds=group["subnetIds"]
        ),
        reads=("arn",),
    ),
    "database": Case(
        type="aws:rds/instance:Instance",
        inputs={
            "engine": "postgres",
            "engineVersion": "16",
            "instanceClass": "db.t4g.micro",
            "allocatedStorage": 20,
            "storageType": "gp3",
            "storageEncrypted": True,
            "dbName": "app",
            "username": "stageline",
            "manageMasterUserPassword": True,
            "dbSubnetGroupName": "${subnet-group.name}",
            "vpcSecurityGroupIds": ["${group.id}"],
            "backupRetentionPeriod": 1,
            "multiAz": False,
            "deletionProtection": True,
            "copyTagsToSnapshot": True,
            "skipFinalSnapshot": True,
            "applyImmediately": True,
            "tags": TAGS,
        },
        update={
            "instanceClass": "db.t4g.small",
            "allocatedStorage": 30,
            "backupRetentionPeriod": 7,
            "multiAz": True,
            "deletionProtection": False,
            "tags": RETAGGED,
        },
        replacement={"dbName": "other"},
        drift=lambda clients, database: clients("rds").modify_db_instance(
            DBInstanceIdentifier=database["id"], BackupRetentionPeriod=3, ApplyImmediately=True
        ),
        reads=("arn", "address", "port", "endpoint", "identifier", "masterUserSecrets"),
    ),
    "balancer": Case(
        type="aws:lb/loadBalancer:LoadBalancer",
        inputs={
            "subnets": ["${subnet.id}", "${subnet-b.id}"],
            "securityGroups": ["${group.id}"],
            "internal": False,
            "dropInvalidHeaderFields": True,
            "tags": TAGS,
        },
        update={"securityGroups": ["${inline-group.id}"], "idleTimeout": 30, "tags": RETAGGED},
        replacement={"internal": True},
        drift=lambda clients, balancer: clients("elbv2").modify_load_balancer_attributes(
            LoadBalancerArn=balancer["id"], Attributes=[{"Key": "idle_timeout.timeout_seconds", "Value": "99"}]
        ),
        reads=("arn", "arnSuffix", "dnsName", "zoneId"),
    ),
    "targets": Case(
        type="aws:lb/targetGroup:TargetGroup",
        inputs={
            "port": 8081,
            "protocol": "HTTP",
            "vpcId": "${vpc.id}",
            "targetType": "instance",
            "deregistrationDelay": 5,
            "healthCheck": {
                "path": "/health",
                "interval": 10,
                "timeout": 5,
                "healthyThreshold": 2,
                "unhealthyThreshold": 2,
                "matcher": "200",
            },
            "tags": TAGS,
        },
        update={"deregistrationDelay": 6, "healthCheck": {"path": "/ready", "interval": 11}, "tags": RETAGGED},
        replacement={"port": 8082},
        drift=lambda clients, targets: clients("elbv2").modify_target_group(
            TargetGroupArn=targets["id"], HealthCheckPath="/by-hand"
        ),
        reads=("arn", "arnSuffix"),
    ),
    "other-targets": Case(
        type="aws:lb/targetGroup:TargetGroup", inputs={"port": 80, "protocol": "HTTP", "vpcId": "${vpc.id}"}
    ),
    "attachment": Case(
        type="aws:lb/targetGroupAttachment:TargetGroupAttachment",
        inputs={"targetGroupArn": "${targets.arn}", "targetId": "${server.id}", "port": 8081},
        replacement={"port": 8082},
        drift=lambda clients, attachment: clients("elbv2").deregister_targets(
            TargetGroupArn=attachment["targetGroupArn"], Targets=[{"Id": attachment["targetId"]}]
        ),
    ),
    "listener": Case(
        type="aws:lb/listener:Listener",
        inputs={
            "loadBalancerArn": "${balancer.arn}",
            "port": 8080,
            "protocol": "HTTP",
            "defaultActions": [
                {
                    "type": "fixed-response",
                    "fixedResponse": {"contentType": "text/plain", "messageBody": "nothing", "statusCode": "503"},
                }
            ],
            "tags": TAGS,
        },
        update={"defaultActions": [{"type": "forward", "targetGroupArn": "${targets.arn}"}], "tags": RETAGGED},
        replacement={"loadBalancerArn": "${other-balancer.arn}"},
        drift=lambda clients, listener: clients("elbv2").modify_listener(
            ListenerArn=listener["id"],
            DefaultActions=[{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404"}}],
        ),
        reads=("arn",),
    ),
    "other-balancer": Case(
        type="aws:lb/loadBalancer:LoadBalancer", inputs={"subnets": ["${subnet.id}", "${subnet-b.id}"]}
    ),
}

CASES: Mapping[str, Case] = {**NETWORK, **STORAGE, **MACHINES}
