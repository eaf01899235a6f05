"""What one stack file may say, as frozen and strict pydantic models.

A field's description is the text that a bad value is answered with, so it says what is allowed, with units.
Protections (deletion, final snapshot, object lock ...) have no default: each stack file states them.
Rules between fields stand in `settings.rules`.
"""

import ipaddress
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from settings.names import NAME_LIMIT, NAME_PATTERN, Names


def _ipv4_block(text: str) -> str:
    """Accept an IPv4 block with its prefix length spelled out and no host bits."""
    if "/" not in text:
        raise ValueError("the prefix length is missing")
    return str(ipaddress.IPv4Network(text))


def _vpc_block(text: str) -> str:
    """Accept a private block that 16 subnets fit into: AWS takes VPCs from /16 and subnets down to /28."""
    block = ipaddress.IPv4Network(_ipv4_block(text))
    if not block.is_private or not 16 <= block.prefixlen <= 24:
        raise ValueError("not a private block from /16 to /24")
    return str(block)


def _distinct(values: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(values)) != len(values):
        raise ValueError("a value stands twice")
    return values


Cidr = Annotated[str, AfterValidator(_ipv4_block)]
Port = Annotated[int, Field(ge=1, le=65535)]
Account = Annotated[str, Field(pattern=r"^[0-9]{12}$")]
Zone = Annotated[str, Field(pattern=r"^[a-z]$")]

PORT = "a port, 1 to 65535"
FLAG = "true or false"
CIDRS = 'a list of distinct IPv4 blocks like ["203.0.113.0/24"]'


class Section(BaseModel):
    """A part of a stack file: no unknown key, no silent conversion (`"2"` is not 2), no later change."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class Network(Section):
    """Address space of one environment."""

    cidr: Annotated[str, AfterValidator(_vpc_block)] = Field(
        description="a private IPv4 block from /16 to /24 without host bits, like 10.10.0.0/16"
    )
    zones: Annotated[tuple[Zone, ...], Field(strict=False), AfterValidator(_distinct)] = Field(
        min_length=2,
        max_length=6,
        description='2 to 6 distinct letters of zones, like ["a", "b"] (a load balancer needs two)',
    )
    nat: bool = Field(description="true (private subnets reach the internet, at a price) or false")


class Servers(Section):
    """The machines that run releases, and how the installer reaches them."""

    count: int = Field(ge=1, le=20, description="how many servers, 1 to 20")
    instance_type: str = Field(
        pattern=r"^[a-z][a-z0-9-]*\.[a-z0-9-]+$", description="an EC2 instance type like t3.small"
    )
    ami: str = Field(pattern=r"^ami-[0-9a-f]{8,17}$", description="a pinned image id like ami-0123456789abcdef0")
    disk_gb: int = Field(ge=8, le=1024, description="size of the root disk, 8 to 1024 GB")
    user: str = Field(
        default="stageline",
        pattern=r"^[a-z][a-z0-9-]{0,30}$",
        description="a Linux user name of lower-case letters, digits and dashes",
    )
    public: Literal[True] = Field(
        description="true (servers stand in public subnets; private ones would need a bastion)"
    )
    ssh_port: Port = Field(default=22, description=PORT)
    ssh_sources: Annotated[tuple[Cidr, ...], Field(strict=False), AfterValidator(_distinct)] = Field(
        min_length=1, description=f"{CIDRS} that may reach SSH, never the whole world"
    )
    dial_error_limit: int = Field(
        ge=1, le=120, description="how many failed SSH dials to bear (about one a second), 1 to 120"
    )
    install_timeout: int = Field(
        ge=30, le=3600, description="time limit of one install on one server, 30 to 3600 seconds"
    )
    settle: int = Field(
        default=10, ge=0, le=600, description="how long a new release must stay healthy on a server, 0 to 600 seconds"
    )


class Database(Section):
    """The managed database. Its password is made and kept by RDS and never stands in a setting."""

    engine: Literal["postgres", "mysql"] = Field(description="postgres or mysql")
    version: str = Field(pattern=r"^[0-9]+(\.[0-9]+){0,2}$", description='an engine version in quotes, like "17.4"')
    instance_class: str = Field(
        pattern=r"^db\.[a-z0-9-]+\.[a-z0-9-]+$", description="an RDS instance class like db.t4g.small"
    )
    storage_gb: int = Field(ge=20, le=16384, description="size of the disk, 20 to 16384 GB")
    port: Port = Field(description=PORT)
    multi_az: bool = Field(description="true (a standby in a second zone) or false")
    backup_days: int = Field(ge=0, le=35, description="how long RDS keeps automatic backups, 0 to 35 days")
    deletion_protection: bool = Field(description=FLAG)
    final_snapshot: bool = Field(description=FLAG)


class Health(Section):
    """How the load balancer judges a server. Times in seconds."""

    interval: int = Field(ge=5, le=300, description="seconds between checks, 5 to 300")
    timeout: int = Field(ge=2, le=120, description="seconds to wait for an answer, 2 to 120")
    healthy: int = Field(ge=2, le=10, description="good answers in a row until healthy, 2 to 10")
    unhealthy: int = Field(ge=2, le=10, description="bad answers in a row until unhealthy, 2 to 10")


class LoadBalancer(Section):
    """The public door: a live listener for the world and a preview listener for the team."""

    live_port: Port = Field(description=PORT)
    preview_port: Port = Field(description=PORT)
    preview_sources: Annotated[tuple[Cidr, ...], Field(strict=False), AfterValidator(_distinct)] = Field(
        min_length=1, description=f"{CIDRS} that may see the preview, never the whole world"
    )
    certificate: str | None = Field(
        pattern=r"^arn:aws[a-z-]*:acm:[a-z0-9-]+:[0-9]{12}:certificate/[0-9a-zA-Z-]+$",
        description="the ARN of an ACM certificate, or null for plain HTTP",
    )
    domain: str | None = Field(
        pattern=r"^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}$",
        description="the name in the certificate, which leads to the load balancer, like app.example.com, or null",
    )
    health: Health = Field(description="a section of interval, timeout, healthy and unhealthy")
    deletion_protection: bool = Field(description=FLAG)


class Storage(Section):
    """The artifact and backup buckets."""

    object_lock: Literal["none", "governance", "compliance"] = Field(description="none, governance or compliance")
    readable_by: Annotated[tuple[Account, ...], Field(strict=False), AfterValidator(_distinct)] = Field(
        description="a list of distinct accounts of 12 digits in quotes that may read artifacts, [] for none"
    )
    force_destroy: bool = Field(description="true (destroy deletes what buckets hold) or false")


class Settings(Section):
    """One environment, validated. `project` comes from Pulumi.yaml, `environment` from the file's name."""

    project: str = Field(
        pattern=f"^{NAME_PATTERN}$",
        max_length=NAME_LIMIT,
        description="a lower-case letter, then up to 30 lower-case letters or digits, with single dashes between",
    )
    environment: str
    account: Account = Field(description='an AWS account of 12 digits in quotes, like "123456789012"')
    region: str = Field(pattern=r"^[a-z]{2}(-[a-z]+)+-[0-9]$", description="an AWS region like eu-central-1")
    role: str | None = Field(
        default=None,
        pattern=r"^arn:aws[a-z-]*:iam::[0-9]{12}:role/[\w+=,.@/-]+$",
        description="the ARN of an IAM role to assume, or null",
    )
    owner: str = Field(
        pattern=r"^[a-z0-9][a-z0-9@._-]{0,62}$",
        description="the team or address that answers for the environment, in lower case",
    )
    protected: bool = Field(description=FLAG)
    promotes_from: str | None = Field(default=None, description="another environment, or no such key for the first")
    network: Network = Field(description="a section of cidr, zones and nat")
    servers: Servers = Field(description="a section, see settings/model.py")
    database: Database = Field(description="a section, see settings/model.py")
    load_balancer: LoadBalancer = Field(description="a section, see settings/model.py")
    storage: Storage = Field(description="a section of object_lock, readable_by and force_destroy")

    @property
    def names(self) -> Names:
        """The names that `release` and the program both derive."""
        return Names(project=self.project, environment=self.environment, account=self.account, region=self.region)

    @property
    def tags(self) -> dict[str, str]:
        """The tags that everything of this environment carries, whoever made it."""
        return {
            "project": self.project,
            "environment": self.environment,
            "owner": self.owner,
            "managed-by": "stageline",
        }
