"""EC2, ELB and Service Quotas: what an account and region offer, how much of it is in use, and how much may be."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from release.doors.aws.session import AwsSession, aws_call, aws_code
from release.process.errors import Broken

NO_IMAGE = {"InvalidAMIID.NotFound", "InvalidAMIID.Malformed", "InvalidAMIID.Unavailable"}
NO_TYPE = {"InvalidInstanceType", "InvalidParameterValue"}
STANDARD = "acdhimrtz"  # the first letters of instance types that share one quota of vCPUs


@dataclass(frozen=True, kw_only=True)
class Image:
    """A machine image: for which CPU it is, like x86_64 (empty where that is not told), and in which state."""

    id: str
    architecture: str
    state: str


@dataclass(frozen=True, kw_only=True)
class Kind:
    """An instance type: for which CPUs it takes images, and how many vCPUs it has."""

    name: str
    architectures: tuple[str, ...]
    vcpus: int


@dataclass(frozen=True, kw_only=True)
class Quota:
    """Where Service Quotas keeps one."""

    service: str
    code: str


VPCS = Quota(service="vpc", code="L-F678F1CE")
ADDRESSES = Quota(service="ec2", code="L-0263D0A3")
VCPUS = Quota(service="ec2", code="L-1216C47A")
BALANCERS = Quota(service="elasticloadbalancing", code="L-53DA6B97")


class Account:
    """Reads only. Broken where AWS does not answer, or the caller may not ask."""

    def __init__(self, session: AwsSession) -> None:
        self._session = session

    def image(self, id: str) -> Image | None:
        """The image; None where the account does not see one of that id in the region."""
        try:
            with aws_call(f"look for the image {id}"):
                found = self._ec2.describe_images(ImageIds=[id])["Images"]
        except Broken as error:
            if aws_code(error) in NO_IMAGE:
                return None
            raise
        return next((_image(id, one) for one in found), None)

    def kind(self, name: str) -> Kind | None:
        """The instance type; None where the region has none of that name."""
        try:
            with aws_call(f"look for the instance type {name}"):
                found = self._ec2.describe_instance_types(InstanceTypes=[name])["InstanceTypes"]
        except Broken as error:
            if aws_code(error) in NO_TYPE:
                return None
            raise
        return next((_kind(one) for one in found), None)

    def zones(self) -> frozenset[str]:
        """The letters of the region's zones that may be used."""
        filters = [{"Name": "state", "Values": ["available"]}]
        with aws_call("list the zones of the region"):
            found = self._ec2.describe_availability_zones(Filters=filters)["AvailabilityZones"]
        return frozenset(one["ZoneName"].removeprefix(self._session.region) for one in found)

    def quota(self, quota: Quota) -> int:
        """How much of it the account may have in the region; what all accounts have, where it never got another one."""
        client, which = self._session.client("service-quotas"), {"ServiceCode": quota.service, "QuotaCode": quota.code}
        try:
            with aws_call(f"read the quota {quota.code} of {quota.service}"):
                found = client.get_service_quota(**which)
        except Broken as error:
            if aws_code(error) != "NoSuchResourceException":
                raise
            with aws_call(f"read what all accounts have of the quota {quota.code} of {quota.service}"):
                found = client.get_aws_default_service_quota(**which)
        return int(found["Quota"]["Value"])

    def vpcs(self) -> int:
        """How many VPCs there are."""
        with aws_call("count the VPCs"):
            return sum(len(page["Vpcs"]) for page in self._ec2.get_paginator("describe_vpcs").paginate())

    def addresses(self) -> int:
        """How many elastic addresses there are."""
        with aws_call("count the elastic addresses"):
            return len(self._ec2.describe_addresses()["Addresses"])

    def vcpus(self) -> int:
        """How many vCPUs the running instances of ordinary types have."""
        running = [{"Name": "instance-state-name", "Values": ["pending", "running"]}]
        with aws_call("count the vCPUs in use"):
            pages = self._ec2.get_paginator("describe_instances").paginate(Filters=running)
            found = [one for page in pages for group in page["Reservations"] for one in group["Instances"]]
        return sum(_vcpus(one) for one in found if one["InstanceType"][0] in STANDARD)

    def balancers(self) -> int:
        """How many application load balancers there are."""
        with aws_call("count the load balancers"):
            pages = self._session.client("elbv2").get_paginator("describe_load_balancers").paginate()
            return sum(one["Type"] == "application" for page in pages for one in page["LoadBalancers"])

    @property
    def _ec2(self) -> Any:
        return self._session.client("ec2")


def _image(id: str, entry: Mapping[str, Any]) -> Image:
    return Image(id=id, architecture=entry.get("Architecture", ""), state=entry["State"])


def _kind(entry: Mapping[str, Any]) -> Kind:
    return Kind(
        name=entry["InstanceType"],
        architectures=tuple(entry["ProcessorInfo"]["SupportedArchitectures"]),
        vcpus=entry["VCpuInfo"]["DefaultVCpus"],
    )


def _vcpus(instance: Mapping[str, Any]) -> int:
    options = instance.get("CpuOptions", {})
    return int(options.get("CoreCount", 1)) * int(options.get("ThreadsPerCore", 1))
