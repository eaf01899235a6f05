"""Instances."""

import base64
from typing import Any

from botocore.exceptions import ClientError

from local.aws_provider.calls import first, from_pairs, last_part, pairs, same_members
from local.aws_provider.errors import is_missing
from local.aws_provider.model import Change, Description, Input, Properties, ResourceType, Updating
from local.aws_provider.session import Api
from local.aws_provider.translation import request_for
from local.aws_provider.types.vpc import ec2_tags

USUAL_ROOT_DEVICE = "/dev/xvda"


# --- Instance


def run_instance(api: Api, request: Description) -> Description:
    request = {**request, "MinCount": 1, "MaxCount": 1}
    disk = request.pop("RootDisk", None)
    if disk:
        request["BlockDeviceMappings"] = [{"DeviceName": root_device(api, request["ImageId"]), "Ebs": disk}]
    if "AssociatePublicIpAddress" in request:
        request["NetworkInterfaces"] = [take_interface(request)]
    return dict(api.client.run_instances(**request)["Instances"][0])


def root_device(api: Api, image_id: str) -> str:
    """Find where the image expects its root disk; moto starts images that it cannot describe."""
    try:
        image = first(api.client.describe_images(ImageIds=[image_id])["Images"]) or {}
    except ClientError as error:
        if not is_missing(error):
            raise
        image = {}
    return str(image.get("RootDeviceName") or USUAL_ROOT_DEVICE)


def take_interface(request: Description) -> Description:
    """Move what describes the network into an interface: the only place where AWS takes the public address."""
    moves = {
        "AssociatePublicIpAddress": "AssociatePublicIpAddress",
        "SubnetId": "SubnetId",
        "SecurityGroupIds": "Groups",
        "PrivateIpAddress": "PrivateIpAddress",
    }
    moved = {there: request.pop(here) for here, there in moves.items() if here in request}
    return {"DeviceIndex": 0, **moved}


def read_instance(api: Api, instance_id: str) -> Description | None:
    instance = describe_instance(api, instance_id)
    if instance is None or instance["State"]["Name"] in ("shutting-down", "terminated"):
        return None
    profile = instance.get("IamInstanceProfile", {}).get("Arn")
    return {
        **instance,
        "Arn": api.arn("ec2", f"instance/{instance_id}"),
        "IamInstanceProfile": {"Name": profile and last_part(profile)},
        "SecurityGroupIds": [group["GroupId"] for group in primary_interface(instance).get("Groups", [])],
        "AssociatePublicIpAddress": bool(instance.get("PublicIpAddress")),
        "Monitoring": {"Enabled": instance.get("Monitoring", {}).get("State") in ("enabled", "pending")},
        "UserData": user_data(api, instance_id),
        "DisableApiTermination": attribute(api, instance_id, "disableApiTermination"),
        "InstanceInitiatedShutdownBehavior": attribute(api, instance_id, "instanceInitiatedShutdownBehavior"),
        "RootDisk": root_disk(api, instance),
        "NetworkInterfaceId": primary_interface(instance).get("NetworkInterfaceId"),
    }


def describe_instance(api: Api, instance_id: str) -> Description | None:
    found = first(api.client.describe_instances(InstanceIds=[instance_id])["Reservations"])
    return first(found["Instances"]) if found else None


def primary_interface(instance: Description) -> Description:
    return first(instance.get("NetworkInterfaces", [])) or {}


def attribute(api: Api, instance_id: str, name: str) -> Any:
    answer = api.client.describe_instance_attribute(InstanceId=instance_id, Attribute=name)
    return answer.get(name[0].upper() + name[1:], {}).get("Value")


def user_data(api: Api, instance_id: str) -> str | None:
    text = attribute(api, instance_id, "userData")
    return base64.b64decode(text).decode() if text else None


def root_disk(api: Api, instance: Description) -> Description | None:
    disk = root_mapping(instance)
    if disk is None:
        return None
    volume = first(api.client.describe_volumes(VolumeIds=[disk["VolumeId"]])["Volumes"]) or {}
    return {**volume, "DeleteOnTermination": disk.get("DeleteOnTermination"), "VolumeSize": volume.get("Size")}


def root_mapping(instance: Description) -> Description | None:
    disks = instance.get("BlockDeviceMappings", [])
    root = [disk["Ebs"] for disk in disks if disk["DeviceName"] == instance.get("RootDeviceName")]
    return first(root or [disk["Ebs"] for disk in disks])


def instance_state(api: Api, instance_id: str) -> str:
    return str((describe_instance(api, instance_id) or {"State": {"Name": "terminated"}})["State"]["Name"])


def wait_for_state(api: Api, instance_id: str, state: str) -> None:
    api.wait_until(lambda: instance_state(api, instance_id) == state, f"instance {instance_id} to be {state}")


def set_stopped_attributes(api: Api, instance_id: str, change: Change) -> None:
    """Change what AWS only changes while the instance is stopped."""
    api.client.stop_instances(InstanceIds=[instance_id])
    wait_for_state(api, instance_id, "stopped")
    if change.new["instanceType"] != change.old.get("instanceType"):
        modify(api, instance_id, InstanceType={"Value": change.new["instanceType"]})
    if change.new.get("userData") != change.old.get("userData"):
        text = base64.b64encode(change.new.get("userData", "").encode()).decode()
        modify(api, instance_id, Attribute="userData", Value=text)
    api.client.start_instances(InstanceIds=[instance_id])
    wait_for_state(api, instance_id, "running")


def set_groups(api: Api, instance_id: str, change: Change) -> None:
    # By the interface: it is where AWS keeps the groups, and moto does not copy them there from the instance.
    interface = primary_interface(describe_instance(api, instance_id) or {})
    api.client.modify_network_interface_attribute(
        NetworkInterfaceId=interface["NetworkInterfaceId"], Groups=change.new["vpcSecurityGroupIds"]
    )


def set_protections(api: Api, instance_id: str, change: Change) -> None:
    modify(api, instance_id, DisableApiTermination={"Value": change.new["disableApiTermination"]})


def set_source_check(api: Api, instance_id: str, change: Change) -> None:
    modify(api, instance_id, SourceDestCheck={"Value": change.new["sourceDestCheck"]})


def set_shutdown(api: Api, instance_id: str, change: Change) -> None:
    wanted = change.new["instanceInitiatedShutdownBehavior"]
    modify(api, instance_id, Attribute="instanceInitiatedShutdownBehavior", Value=wanted)


def modify(api: Api, instance_id: str, **what: Any) -> None:
    api.client.modify_instance_attribute(InstanceId=instance_id, **what)


def set_monitoring(api: Api, instance_id: str, change: Change) -> None:
    switch = api.client.monitor_instances if change.new["monitoring"] else api.client.unmonitor_instances
    switch(InstanceIds=[instance_id])


def set_metadata_options(api: Api, instance_id: str, change: Change) -> None:
    options = request_for(METADATA_OPTIONS, change.new.get("metadataOptions") or {})
    api.client.modify_instance_metadata_options(InstanceId=instance_id, **options)


def set_profile(api: Api, instance_id: str, change: Change) -> None:
    wanted = change.new.get("iamInstanceProfile")
    current = profile_association(api, instance_id)
    if not current:
        api.client.associate_iam_instance_profile(IamInstanceProfile={"Name": wanted}, InstanceId=instance_id)
    elif wanted:
        api.client.replace_iam_instance_profile_association(IamInstanceProfile={"Name": wanted}, AssociationId=current)
    else:
        api.client.disassociate_iam_instance_profile(AssociationId=current)


def profile_association(api: Api, instance_id: str) -> str | None:
    found = api.client.describe_iam_instance_profile_associations(
        Filters=[{"Name": "instance-id", "Values": [instance_id]}]
    )["IamInstanceProfileAssociations"]
    return found[0]["AssociationId"] if found else None


def set_disk(api: Api, instance_id: str, change: Change) -> None:
    disk = root_mapping(describe_instance(api, instance_id) or {}) or {}
    wanted = request_for(ROOT_DISK, change.new.get("rootBlockDevice") or {})
    sizes = {"VolumeSize": "Size", "VolumeType": "VolumeType", "Iops": "Iops", "Throughput": "Throughput"}
    request = {there: wanted[here] for here, there in sizes.items() if here in wanted}
    api.client.modify_volume(VolumeId=disk["VolumeId"], **request)


def set_volume_tags(api: Api, instance_id: str, change: Change) -> None:
    disk = root_mapping(describe_instance(api, instance_id) or {}) or {}
    old, new = change.old.get("volumeTags") or {}, change.new["volumeTags"]
    gone = [{"Key": key} for key in sorted(set(old) - set(new))]
    if gone:
        api.client.delete_tags(Resources=[disk["VolumeId"]], Tags=gone)
    if new:
        api.client.create_tags(Resources=[disk["VolumeId"]], Tags=pairs(new))


def terminate(api: Api, instance_id: str, old: Properties) -> None:
    if old.get("forceDestroy") and old.get("disableApiTermination"):
        modify(api, instance_id, DisableApiTermination={"Value": False})
    api.client.terminate_instances(InstanceIds=[instance_id])
    # Its groups, subnet and profile stay in use until it is really gone.
    wait_for_state(api, instance_id, "terminated")


METADATA_OPTIONS = {
    "httpEndpoint": Input("HttpEndpoint", computed=True),
    "httpTokens": Input("HttpTokens", computed=True),
    "httpPutResponseHopLimit": Input("HttpPutResponseHopLimit", computed=True),
    "instanceMetadataTags": Input("InstanceMetadataTags", computed=True),
}

ROOT_DISK = {
    "volumeSize": Input("VolumeSize", computed=True),
    "volumeType": Input("VolumeType", computed=True),
    "iops": Input("Iops", computed=True),
    "throughput": Input("Throughput", computed=True),
    "encrypted": Input("Encrypted", computed=True, replaces=True),
    "kmsKeyId": Input("KmsKeyId", computed=True, replaces=True),
    "deleteOnTermination": Input("DeleteOnTermination", default=True, replaces=True),
}

INSTANCE = ResourceType(
    token="aws:ec2/instance:Instance",
    service="ec2",
    identity="InstanceId",
    inputs={
        "ami": Input("ImageId", required=True, replaces=True),
        "instanceType": Input("InstanceType", required=True),
        "subnetId": Input("SubnetId", computed=True, replaces=True),
        "vpcSecurityGroupIds": Input("SecurityGroupIds", computed=True, same=same_members),
        "associatePublicIpAddress": Input("AssociatePublicIpAddress", computed=True, replaces=True),
        "privateIp": Input("PrivateIpAddress", computed=True, replaces=True),
        "availabilityZone": Input("Placement.AvailabilityZone", computed=True, replaces=True),
        "iamInstanceProfile": Input("IamInstanceProfile.Name"),
        "userData": Input("UserData", replaces_if="userDataReplaceOnChange"),
        "userDataReplaceOnChange": Input(only_here=True, default=False),
        "metadataOptions": Input("MetadataOptions", computed=True, fields=METADATA_OPTIONS),
        "rootBlockDevice": Input("RootDisk", computed=True, fields=ROOT_DISK),
        "volumeTags": Input("RootDisk.Tags", computed=True, later=True, from_aws=from_pairs),
        "ebsOptimized": Input("EbsOptimized", computed=True, replaces=True),
        "monitoring": Input("Monitoring.Enabled", default=False),
        "sourceDestCheck": Input("SourceDestCheck", default=True, later=True),
        "disableApiTermination": Input("DisableApiTermination", default=False),
        "instanceInitiatedShutdownBehavior": Input("InstanceInitiatedShutdownBehavior", computed=True),
        "forceDestroy": Input(only_here=True, default=False),
    },
    outputs={
        "arn": "Arn",
        "instanceState": "State.Name",
        "publicIp": "PublicIpAddress",
        "publicDns": "PublicDnsName",
        "privateDns": "PrivateDnsName",
        "primaryNetworkInterfaceId": "NetworkInterfaceId",
    },
    create=run_instance,
    settle=lambda api, instance_id: wait_for_state(api, instance_id, "running"),
    read=read_instance,
    delete=terminate,
    updates=[
        Updating(inputs=("instanceType", "userData"), run=set_stopped_attributes),
        Updating(inputs=("vpcSecurityGroupIds",), run=set_groups),
        Updating(inputs=("iamInstanceProfile",), run=set_profile),
        Updating(inputs=("metadataOptions",), run=set_metadata_options),
        Updating(inputs=("rootBlockDevice",), run=set_disk),
        Updating(inputs=("volumeTags",), run=set_volume_tags),
        Updating(inputs=("monitoring",), run=set_monitoring),
        Updating(inputs=("sourceDestCheck",), run=set_source_check),
        Updating(inputs=("disableApiTermination",), run=set_protections),
        Updating(inputs=("instanceInitiatedShutdownBehavior",), run=set_shutdown),
    ],
    tagging=ec2_tags("instance"),
    alone_by=("privateIp",),
    restless=("publicIp", "publicDns", "instanceState"),
)

ENTRIES = (INSTANCE,)
