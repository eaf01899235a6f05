"""Security groups that tests make."""

from typing import Any

from tests.aws_clients import aws_client


def group_in(vpc: str, name: str, tags: list[dict[str, str]]) -> str:
    tagged: list[Any] = [{"ResourceType": "security-group", "Tags": tags}]
    made = aws_client("ec2").create_security_group(
        GroupName=name, Description=name, VpcId=vpc, TagSpecifications=tagged
    )
    return str(made["GroupId"])
