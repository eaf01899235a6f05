"""What one stack file may say, as frozen and strict pydantic models.

A field's description is the text that a bad value is answered with, so it says what is allowed, with units.
Protections (deletion, final snapshot, object lock ...) have no default: each stack file states them. Nor has what costs
money or decides who gets in. A default is what production may have as well.
Rules between fields stand in `settings.rules`.
"""

import ipaddress
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from contract.configuration import (
    KEPT,
    MOST_ENVIRONMENT,
    MOST_NAMES,
    MOST_VALUE,
    NAME,
    NAME_RULE,
    OF_THE_UNIT,
    OURS,
    name_fault,
    value_fault,
)
from settings.names import NAME_LIMIT, NAME_PATTERN, Names


def _ipv4_block(text: str) -> str:
    """Accept an IPv4 block with its prefix length spelled out and no host bits."""
    if "/" not in text:
        raise ValueError("the prefix length is missing")
    return str(ipaddress.IPv4Network(text))


def _vpc_block(text: str) -> str:
    """Accept a private block that 16 subnets of /27 fit into: a load balancer needs that much of each (AWS's rule).

    AWS takes VPCs from /16.
    """
    block = ipaddress.IPv4Network(_ipv4_block(text))
    if not block.is_private or not 16 <= block.prefixlen <= 23:
        raise ValueError("not a private block from /16 to /23")
    return str(block)


def _log_days(days: int) -> int:
    """Accept what CloudWatch Logs takes as retention."""
    if days not in LOG_DAYS:
        raise ValueError("not a retention of CloudWatch Logs")
    return days


def _distinct(values: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(values)) != len(values):
        raise ValueError("a value stands twice")
    return values


def _name(text: str) -> str:
    """Accept what an application can have a variable of."""
    if fault := name_fault(text):
        raise ValueError(fault)
    return text


def _value(text: str) -> str:
    """Accept what a process can be given."""
    if fault := value_fault(text):
        raise ValueError(fault)
    return text


def _fitting(values: dict[str, str]) -> dict[str, str]:
    """Accept as many as a process can be given together."""
    if len(values) > MOST_NAMES or sum(map(len, (*values, *values.values()))) > MOST_ENVIRONMENT // 2:
        raise ValueError("too many")
    return values


LOG_DAYS = (1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653)
# `json_schema_extra` tells editors what only the validators know (settings/schema.py).
CIDR_PATTERN = r"^([0-9]{1,3}\.){3}[0-9]{1,3}/[0-9]{1,2}$"
GITHUB_ID = "@[1-9][0-9]{0,18}"
OWNER, REPOSITORY = "[A-Za-z0-9][A-Za-z0-9-]{0,38}", "[A-Za-z0-9._-]{1,100}"
REPOSITORY_PATTERN = f"^({OWNER}/{REPOSITORY}|{OWNER}{GITHUB_ID}/{REPOSITORY}{GITHUB_ID})$"
VPC_PATTERN = r"^([0-9]{1,3}\.){3}[0-9]{1,3}/(1[6-9]|2[0-3])$"
SPAN_PATTERN = "^[1-9][0-9]{0,2}[hd]$"
A_LIST = Field(strict=False, json_schema_extra={"uniqueItems": True})

Cidr = Annotated[str, AfterValidator(_ipv4_block), Field(json_schema_extra={"pattern": CIDR_PATTERN})]
Port = Annotated[int, Field(ge=1, le=65535)]
LogDays = Annotated[int, AfterValidator(_log_days), Field(json_schema_extra={"enum": list(LOG_DAYS)})]
Account = Annotated[str, Field(pattern=r"^[0-9]{12}$")]
Zone = Annotated[str, Field(pattern=r"^[a-h]$")]
Principal = Annotated[str, Field(pattern=r"^arn:aws[a-z-]*:iam::[0-9]{12}:(user|role)/[\w+=,.@/-]+$")]
Span = Annotated[str, Field(pattern=SPAN_PATTERN)]
DemoDatabase = Literal["shared", "own", "none"]
Email = Annotated[str, Field(pattern=r"^[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}$")]

VARIABLE_PATTERN = f"^(?!({'|'.join((*OURS, *OF_THE_UNIT))})$|{KEPT}){NAME.pattern}$"
VariableName = Annotated[str, AfterValidator(_name)]
VariableValue = Annotated[
    str, AfterValidator(_value), Field(json_schema_extra={"pattern": r"^[^\0]*$", "maxLength": MOST_VALUE})
]

PORT = "a port, 1 to 65535"
FLAG = "true or false"
DAYS = "1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365 or another number of days that CloudWatch Logs takes"
CIDRS = 'a list of distinct IPv4 blocks like ["203.0.113.0/24"]'


class Section(BaseModel):
    """A part of a stack file: no unknown key, no silent conversion (`"2"` is not 2), no later change."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class Network(Section):
    """Address space of one environment."""

    cidr: Annotated[str, AfterValidator(_vpc_block)] = Field(
        description="a private IPv4 block from /16 to /23 without host bits, like 10.10.0.0/16",
        json_schema_extra={"pattern": VPC_PATTERN},
    )
    zones: Annotated[tuple[Zone, ...], A_LIST, AfterValidator(_distinct)] = Field(
        default=("a", "b"),
        min_length=2,
        max_length=6,
        description='2 to 6 distinct letters of zones from a to h, like ["a", "b"] (a load balancer needs two)',
    )
    nat: bool = Field(default=False, description="true (private subnets reach the internet, at a price) or false")
    flow_log_days: LogDays = Field(default=90, description=DAYS)


class Bastion(Section):
    """The one machine that SSH reaches from outside where servers are private."""

    instance_type: str = Field(
        pattern=r"^[a-z][a-z0-9-]*\.[a-z0-9-]+$", description="an EC2 instance type like t3.micro"
    )
    ami: str = Field(pattern=r"^ami-[0-9a-f]{8,17}$", description="a pinned image id like ami-0123456789abcdef0")


class Servers(Section):
    """The machines that run releases, and how the installer reaches them."""

    count: int = Field(default=2, ge=1, le=20, description="how many servers, 1 to 20")
    instance_type: str = Field(
        pattern=r"^[a-z][a-z0-9-]*\.[a-z0-9-]+$", description="an EC2 instance type like t3.small"
    )
    ami: str = Field(pattern=r"^ami-[0-9a-f]{8,17}$", description="a pinned image id like ami-0123456789abcdef0")
    disk_gb: int = Field(default=30, ge=8, le=1024, description="size of the root disk, 8 to 1024 GB")
    user: str = Field(
        default="stageline",
        pattern=r"^[a-z][a-z0-9-]{0,30}$",
        description="a Linux user name of lower-case letters, digits and dashes",
    )
    public: bool = Field(description="true (in public subnets) or false (in private ones, behind a bastion)")
    bastion: Bastion | None = Field(
        default=None, description="a section of instance_type and ami, or null where servers are public"
    )
    ssh_port: Port = Field(default=22, description=PORT)
    ssh_sources: Annotated[tuple[Cidr, ...], A_LIST, AfterValidator(_distinct)] = Field(
        min_length=1, description=f"{CIDRS} that may reach SSH (of the bastion, if there is one), never the whole world"
    )
    dial_error_limit: int = Field(
        default=60, ge=1, le=120, description="how many failed SSH dials to bear (about one a second), 1 to 120"
    )
    install_timeout: int = Field(
        default=300, ge=30, le=3600, description="time limit of one install on one server, 30 to 3600 seconds"
    )
    settle: int = Field(
        default=10, ge=0, le=600, description="how long a new release must stay healthy on a server, 0 to 600 seconds"
    )


class App(Section):
    """What the application is told beside its secrets, which `release config set` keeps."""

    environment: Annotated[dict[VariableName, VariableValue], AfterValidator(_fitting)] = Field(
        default={},
        json_schema_extra={"propertyNames": {"pattern": VARIABLE_PATTERN}},
        description=f"up to {MOST_NAMES} names ({NAME_RULE}, none that the server sets itself) with texts in quotes "
        "that all may read, 64 kB together",
    )

    def __hash__(self) -> int:
        """Settings are frozen, and stand for themselves in sets and caches; a dict of them cannot."""
        return hash(tuple(sorted(self.environment.items())))


class Database(Section):
    """The managed database. Its passwords are made and kept in secrets and never stand in a setting."""

    engine: Literal["postgres", "mysql"] = Field(description="postgres or mysql")
    version: str = Field(pattern=r"^[0-9]+(\.[0-9]+){0,2}$", description='an engine version in quotes, like "17.4"')
    instance_class: str = Field(
        pattern=r"^db\.[a-z0-9-]+\.[a-z0-9-]+$", description="an RDS instance class like db.t4g.small"
    )
    storage_gb: int = Field(ge=20, le=16384, description="size of the disk, 20 to 16384 GB")
    port: Port = Field(description=PORT)
    tls: bool = Field(default=True, description="true (connections without TLS are refused) or false")
    multi_az: bool = Field(description="true (a standby in a second zone) or false")
    backup_days: int = Field(ge=0, le=35, description="how long RDS keeps automatic backups, 0 to 35 days")
    deletion_protection: bool = Field(description=FLAG)
    final_snapshot: bool = Field(description=FLAG)


class Health(Section):
    """How the load balancer judges a server. Times in seconds."""

    interval: int = Field(default=10, ge=5, le=300, description="seconds between checks, 5 to 300")
    timeout: int = Field(default=5, ge=2, le=120, description="seconds to wait for an answer, 2 to 120")
    healthy: int = Field(default=3, ge=2, le=10, description="good answers in a row until healthy, 2 to 10")
    unhealthy: int = Field(default=2, ge=2, le=10, description="bad answers in a row until unhealthy, 2 to 10")


class LoadBalancer(Section):
    """The public door: a live listener for the world and a preview listener for the team."""

    live_port: Port = Field(description=PORT)
    live_sources: Annotated[tuple[Cidr, ...], A_LIST, AfterValidator(_distinct)] = Field(
        default=("0.0.0.0/0",), min_length=1, description=f"{CIDRS} that may see what is live"
    )
    preview_port: Port = Field(description=PORT)
    preview_sources: Annotated[tuple[Cidr, ...], A_LIST, AfterValidator(_distinct)] = Field(
        min_length=1, description=f"{CIDRS} that may see the preview, never the whole world"
    )
    certificate: str | None = Field(
        pattern=r"^arn:aws[a-z-]*:acm:[a-z0-9-]+:[0-9]{12}:certificate/[0-9a-zA-Z-]+$",
        description="the ARN of an ACM certificate, or null for plain HTTP",
    )
    domain: str | None = Field(
        default=None,
        pattern=r"^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}$",
        description="the name in the certificate, which leads to the load balancer, like app.example.com, or null",
    )
    redirect_port: Port | None = Field(
        default=None, description="a port that sends plain HTTP to live_port, or null without TLS"
    )
    access_log_days: int = Field(default=90, ge=1, le=3653, description="how long access logs are kept, 1 to 3653 days")
    health: Health = Field(default=Health(), description="a section of interval, timeout, healthy and unhealthy")
    drain: int = Field(
        default=30, ge=1, le=300, description="how long requests to a leaving server may take, 1 to 300 seconds"
    )
    deletion_protection: bool = Field(description=FLAG)


class Storage(Section):
    """The artifact and backup buckets."""

    object_lock: Literal["none", "governance", "compliance"] = Field(description="none, governance or compliance")
    readable_by: Annotated[tuple[Account, ...], A_LIST, AfterValidator(_distinct)] = Field(
        default=(),
        description="a list of distinct accounts of 12 digits in quotes that may read artifacts, [] for none",
    )
    force_destroy: bool = Field(description="true (destroy deletes what buckets hold) or false")
    keep_releases: int = Field(
        default=5, ge=2, le=1000, description="how many verified releases to keep to go back to, 2 to 1000"
    )


class Backup(Section):
    """The backup that a deployment takes of the database before it changes anything, and how long such backups stay.

    AWS counts the manual snapshots of all databases of an account in a region together, also of those that are not of
    this project.
    """

    before: Literal["snapshot", "none"] = Field(
        description="snapshot (of the database, before each deployment) or none (RDS's own backups are all there is)"
    )
    keep: int = Field(
        default=5, ge=1, le=1000, description="how many snapshots of deployments stay however old they are, 1 to 1000"
    )
    keep_days: int = Field(
        default=30,
        ge=0,
        le=3650,
        description="how old the snapshots of deployments beyond those get, 0 to 3650 days (0: they go at once)",
    )
    quota: int = Field(
        default=100,
        ge=2,
        le=100000,
        description="how many manual snapshots AWS lets the account have in the region, 2 to 100000",
    )
    warn_at: int = Field(
        default=80, ge=1, le=100, description="from how much of the quota on to warn, 1 to 100 percent"
    )


class Monitoring(Section):
    """Who is told when something is wrong, and how long logs are kept."""

    emails: Annotated[tuple[Email, ...], A_LIST, AfterValidator(_distinct)] = Field(
        description='a list of distinct e-mail addresses that alarms go to, like ["ops@example.com"], [] for none'
    )
    log_days: LogDays = Field(default=90, description=DAYS)


class Watch(Section):
    """How long a release is watched where users are, and what it may do meanwhile.

    CloudWatch tells requests and memory once a minute, and CPU every five minutes: a figure has to come when the
    watch lasts two of its periods. A shorter watch goes by its own requests and by restarts.
    """

    seconds: int = Field(
        default=600, ge=1, le=3600, description="how long a release is watched after the switch, 1 to 3600 seconds"
    )
    error_percent: float = Field(
        default=1, ge=0, le=100, description="how many of 100 requests may be answered wrongly meanwhile, 0 to 100"
    )
    p95_ms: int = Field(
        default=200,
        ge=1,
        le=60000,
        description="within how many milliseconds 95 of 100 requests must be answered, 1 to 60000",
    )
    cpu_percent: int = Field(
        default=80, ge=1, le=100, description="how much of its CPU a server may use, 1 to 100 percent"
    )
    memory_percent: int = Field(
        default=70, ge=1, le=100, description="how much of its memory a server may use, 1 to 100 percent"
    )


class Access(Section):
    """Who may do what in the environment's account."""

    repository: str | None = Field(
        default=None,
        pattern=REPOSITORY_PATTERN,
        description="the GitHub repository whose workflows deploy, like owner/name or, with GitHub's ids of both, "
        "owner@123/name@456, or null for none",
    )
    operators: Annotated[tuple[Principal, ...], A_LIST, AfterValidator(_distinct)] = Field(
        default=(),
        description="a list of distinct ARNs of IAM users or roles that may operate the environment, [] for none",
    )
    approvers: Annotated[tuple[Principal, ...], A_LIST, AfterValidator(_distinct)] = Field(
        default=(),
        description="a list of distinct ARNs of IAM users or roles that may approve releases, [] for none",
    )
    workflows: Annotated[tuple[Literal["operator", "pruner"], ...], A_LIST, AfterValidator(_distinct)] = Field(
        default=(),
        description="what workflows of the repository may be beside ci: a list of operator (they apply stack files) "
        "and pruner (they delete old backups)",
    )
    open_door: bool = Field(
        default=False,
        description="true (ci may let an address in for one deployment, as hosted runners need it) or false",
    )


class Demo(Section):
    """Throwaway stacks of branches that stand on this environment's platform: what each one is, and how many."""

    instance_type: str = Field(
        default="t3.micro", pattern=r"^[a-z][a-z0-9-]*\.[a-z0-9-]+$", description="an EC2 instance type like t3.micro"
    )
    database: DemoDatabase = Field(
        default="shared",
        description="shared (a database and a role of each demo's own in this environment's instance), own (an "
        "instance of its own) or none",
    )
    ttl: Span = Field(default="3d", description="how long a demo lives unless its owner says it, like 12h or 3d")
    max_ttl: Span = Field(default="30d", description="how long it may be given at a time, like 12h or 30d")
    most: int = Field(default=20, ge=1, le=50, description="how many demos there may be, 1 to 50")
    most_per_owner: int = Field(default=3, ge=1, le=50, description="how many of them may be one caller's, 1 to 50")
    open_to: Annotated[tuple[Cidr, ...], A_LIST, AfterValidator(_distinct)] | None = Field(
        default=None, description=f"{CIDRS} that may see a demo, or null for those of load_balancer.preview_sources"
    )
    pinned_by: Annotated[tuple[Principal, ...], A_LIST, AfterValidator(_distinct)] = Field(
        default=(), description="a list of distinct ARNs of IAM users or roles that may pin demos, [] for nobody"
    )
    daily_budget: int | None = Field(
        default=None,
        ge=1,
        le=100_000,
        description="what all demos of the project may cost a day by settings/prices.toml, 1 to 100000 USD, or null "
        "for no limit",
    )
    on_budget: Literal["refuse", "stop"] = Field(
        default="refuse",
        description="refuse (beyond demo.daily_budget no new demo is made) or stop (and the oldest that is not pinned "
        "is ended until the others fit)",
    )
    warn_before: Span = Field(
        default="24h", description="how long before its end a demo's owner is warned, like 12h or 1d"
    )
    on_protected: bool = Field(default=False, description="true (demos may stand on a protected environment) or false")


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
    network: Network = Field(description="a section of cidr, zones, nat and flow_log_days")
    servers: Servers = Field(description="a section, see settings/model.py")
    app: App = Field(default=App(), description="a section of environment")
    database: Database = Field(description="a section, see settings/model.py")
    load_balancer: LoadBalancer = Field(description="a section, see settings/model.py")
    storage: Storage = Field(description="a section of object_lock, readable_by, force_destroy and keep_releases")
    backup: Backup = Field(description="a section of before, keep, keep_days, quota and warn_at")
    monitoring: Monitoring = Field(description="a section of emails and log_days")
    watch: Watch = Field(
        default=Watch(), description="a section of seconds, error_percent, p95_ms, cpu_percent and memory_percent"
    )
    access: Access = Field(
        default=Access(), description="a section of repository, operators, approvers, workflows and open_door"
    )
    demo: Demo | None = Field(default=None, description="a section, see settings/model.py, or no such key for no demos")

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
