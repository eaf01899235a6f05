"""Flow logs: what went through a network."""

from botocore.exceptions import ClientError

from local.aws_provider.calls import first
from local.aws_provider.model import Description, Input, ResourceType
from local.aws_provider.session import Api
from local.aws_provider.types.vpc import ec2_tags

WATCHED = {"VpcId": "VPC", "SubnetId": "Subnet", "NetworkInterfaceId": "NetworkInterface"}
"""What can be watched, with EC2's word for it."""

PREFIXES = {"vpc-": "VpcId", "subnet-": "SubnetId", "eni-": "NetworkInterfaceId"}


def create_flow_log(api: Api, request: Description) -> Description:
    watched = next(place for place in WATCHED if place in request)
    what = {"ResourceType": WATCHED[watched], "ResourceIds": [request.pop(watched)]}
    answer = api.client.create_flow_logs(**request, **what)
    if answer.get("Unsuccessful"):
        # EC2 answers this call as if it had worked.
        raise ClientError({"Error": answer["Unsuccessful"][0]["Error"]}, "CreateFlowLogs")
    return {"FlowLogId": answer["FlowLogIds"][0]}


def read_flow_log(api: Api, flow_log_id: str) -> Description | None:
    found = first(api.client.describe_flow_logs(FlowLogIds=[flow_log_id])["FlowLogs"])
    if found is None:
        return None
    watched = PREFIXES[found["ResourceId"].split("-")[0] + "-"]
    return {**found, watched: found["ResourceId"], "Arn": api.arn("ec2", f"vpc-flow-log/{flow_log_id}")}


FLOW_LOG = ResourceType(
    token="aws:ec2/flowLog:FlowLog",
    service="ec2",
    identity="FlowLogId",
    inputs={
        "vpcId": Input("VpcId", replaces=True),
        "subnetId": Input("SubnetId", replaces=True),
        "eniId": Input("NetworkInterfaceId", replaces=True),
        "trafficType": Input("TrafficType", required=True, replaces=True),
        "logDestinationType": Input("LogDestinationType", default="cloud-watch-logs", replaces=True),
        "logDestination": Input("LogDestination", required=True, replaces=True),
        "iamRoleArn": Input("DeliverLogsPermissionArn", replaces=True),
        "logFormat": Input("LogFormat", computed=True, replaces=True),
        "maxAggregationInterval": Input("MaxAggregationInterval", default=600, replaces=True),
    },
    exactly_one=(("vpcId", "subnetId", "eniId"),),
    outputs={"arn": "Arn"},
    create=create_flow_log,
    read=read_flow_log,
    delete=lambda api, flow_log_id, old: api.client.delete_flow_logs(FlowLogIds=[flow_log_id]),
    tagging=ec2_tags("vpc-flow-log"),
    alone_by=("vpcId", "subnetId", "eniId", "logDestination"),
)

ENTRIES = (FLOW_LOG,)
