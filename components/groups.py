"""Groups: security groups, and their rules as resources of their own. Nothing that no rule lets through passes.

So a stage can let its servers be reached from a group that belongs to a platform.
"""

from collections.abc import Iterable

from pulumi import Input, Output, Resource, ResourceOptions
from pulumi_aws.ec2.security_group import SecurityGroup
from pulumi_aws.vpc.security_group_egress_rule import SecurityGroupEgressRule
from pulumi_aws.vpc.security_group_ingress_rule import SecurityGroupIngressRule

EVERYWHERE = "0.0.0.0/0"
HTTPS = 443


def make_group(name: str, description: str, vpc_id: Input[str], opts: ResourceOptions) -> Output[str]:
    """A group without rules."""
    group: Output[str] = SecurityGroup(name, vpc_id=vpc_id, description=description, opts=opts).id
    return group


def allow_blocks(name: str, group: Input[str], port: int, blocks: Iterable[str], opts: ResourceOptions) -> None:
    """Let address blocks reach a port. A rule is named after its block: adding one replaces no other."""
    for block in blocks:
        SecurityGroupIngressRule(
            f"{name}-{block.replace('/', '-')}",
            security_group_id=group,
            ip_protocol="tcp",
            from_port=port,
            to_port=port,
            cidr_ipv4=block,
            opts=opts,
        )


def allow_group(
    name: str, source: Input[str], target: Input[str], port: int, opts: ResourceOptions
) -> tuple[Resource, Resource]:
    """Let one group reach another: both sides must say so."""
    out = SecurityGroupEgressRule(
        f"{name}-out",
        security_group_id=source,
        referenced_security_group_id=target,
        ip_protocol="tcp",
        from_port=port,
        to_port=port,
        opts=opts,
    )
    into = SecurityGroupIngressRule(
        f"{name}-in",
        security_group_id=target,
        referenced_security_group_id=source,
        ip_protocol="tcp",
        from_port=port,
        to_port=port,
        opts=opts,
    )
    return out, into


def let_out(name: str, group: Input[str], opts: ResourceOptions) -> None:
    """Let machines reach AWS: artifacts, secrets and parameters come over HTTPS, and nothing else does."""
    SecurityGroupEgressRule(
        name,
        security_group_id=group,
        ip_protocol="tcp",
        from_port=HTTPS,
        to_port=HTTPS,
        cidr_ipv4=EVERYWHERE,
        opts=opts,
    )
