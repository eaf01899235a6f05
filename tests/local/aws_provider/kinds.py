"""A resource type for tests: one input of each sort."""

from typing import Any

from local.aws_provider.calls import same_json, same_members, tags_by
from local.aws_provider.model import Autoname, Input, ResourceType, Updating


def nothing(*_: Any) -> Any:
    """Stand for a call that a pure test never makes."""
    return None


WIDGET = ResourceType(
    token="test:index/widget:Widget",
    service="test",
    identity="WidgetId",
    inputs={
        "name": Input("Name", replaces=True),
        "size": Input("Size", required=True),
        "zone": Input("Placement.Zone", computed=True, replaces=True),
        "policy": Input("Policy", same=same_json),
        "groups": Input("Groups", same=same_members),
        "deletable": Input("Deletable", default=True, later=True),
        "lock": Input("Lock"),
        "force": Input(only_here=True, default=False),
        "password": Input("Password", never_read=True, secret=True),
        "text": Input("Text", replaces_if="force"),
        "check": Input(fields={"path": Input("CheckPath"), "code": Input("Matcher.Code", computed=True)}),
        "disks": Input(
            "Disks",
            many=True,
            conflicts=(("kind", "snapshot"),),
            fields={
                "gb": Input("Gigabytes", required=True),
                "kind": Input("Kind", default="ssd"),
                "snapshot": Input("Snapshot"),
                "key": Input("Key", replaces=True),
            },
        ),
        "source": Input(
            "Source", exactly_one=(("image", "copy"),), fields={"image": Input("Image"), "copy": Input("Copy")}
        ),
    },
    conflicts=(("deletable", "lock"), ("groups", "text", "policy")),
    outputs={"arn": "Arn"},
    create=nothing,
    read=nothing,
    delete=nothing,
    updates=[Updating(inputs=("size",), run=nothing)],
    tagging=tags_by("tag", "untag", "Name"),
    autoname=Autoname(longest=20),
    restless=("arn",),
)
