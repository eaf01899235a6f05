"""What the AWS API holds of the things that are real here, as plain values: by these names people speak of them.

Read from moto's models, in all accounts and regions.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from local import models
from local.errors import CloudError


@dataclass(frozen=True, kw_only=True)
class Owner:
    """The account and region that hold a thing; project and environment are its tags, empty when it has none."""

    account: str
    region: str
    project: str
    environment: str


@dataclass(frozen=True, kw_only=True)
class Server:
    """An EC2 instance that was not terminated."""

    owner: Owner
    id: str
    name: str
    address: str

    @property
    def words(self) -> tuple[str, ...]:
        """By what it can be named."""
        return (self.id, self.name, self.address)


@dataclass(frozen=True, kw_only=True)
class Database:
    """An RDS instance. `name` is that of its first database."""

    owner: Owner
    id: str
    name: str
    address: str
    port: int
    user: str
    password: str = field(repr=False)

    @property
    def words(self) -> tuple[str, ...]:
        """By what it can be named; an environment has one."""
        return (self.id, self.address, self.owner.environment)


@dataclass(frozen=True, kw_only=True)
class LoadBalancer:
    """An application load balancer, and its ports with what they speak (`http`, `https`)."""

    owner: Owner
    arn: str
    name: str
    address: str
    listeners: Mapping[int, str]

    @property
    def words(self) -> tuple[str, ...]:
        """By what it can be named."""
        return (self.name, self.address, self.owner.environment)


class Named(Protocol):
    """Something that people name."""

    @property
    def words(self) -> tuple[str, ...]: ...


N = TypeVar("N", bound=Named)


def servers() -> list[Server]:
    """All servers, running or stopped."""
    return [_server(one) for one in instances() if one.state != "terminated"]


def databases() -> list[Database]:
    """All databases that are real here."""
    return [_database(one) for one in database_instances()]


def load_balancers() -> list[LoadBalancer]:
    """All load balancers."""
    return [_load_balancer(backend, one) for backend, one in balancers()]


def find(kind: str, word: str, things: Iterable[N]) -> N:
    """The one thing that is named so. Raises `CloudError` when there is none, or more than one."""
    found = [thing for thing in things if word and word in thing.words]
    if not found:
        raise CloudError(f"there is no {kind} {word!r}: `local-cloud status` lists them")
    if len(found) > 1:
        raise CloudError(f"{word!r} names {len(found)} of the {kind}s: take the id of one, `local-cloud status` has it")
    return found[0]


def instances() -> Iterator[Any]:
    """moto's instances, also those that were terminated."""
    for backend in models.backends("ec2"):
        for reservation in list(backend.reservations.values()):
            yield from reservation.instances


def database_instances() -> Iterator[Any]:
    """moto's RDS instances with a cluster behind them."""
    for backend in models.backends("rds"):
        yield from (one for one in list(backend.databases.values()) if vars(one).get("local_address"))


def balancers() -> Iterator[tuple[Any, Any]]:
    """moto's load balancers, each with the backend that holds it."""
    for backend in models.backends("elbv2"):
        yield from ((backend, one) for one in list(backend.load_balancers.values()))


def _server(instance: Any) -> Server:
    tags = {tag["key"]: tag["value"] for tag in instance.get_tags()}
    return Server(
        owner=_owner(instance.ec2_backend, tags),
        id=instance.id,
        name=tags.get("Name", ""),
        address=instance.private_ip_address,
    )


def _database(instance: Any) -> Database:
    return Database(
        owner=_owner(instance.backend, {tag["Key"]: tag["Value"] for tag in instance.tags}),
        id=instance.db_instance_identifier,
        name=instance.db_name or "postgres",
        address=instance.local_address,
        port=int(instance.port),
        user=instance.master_username,
        password=instance._master_user_password,
    )


def _load_balancer(backend: Any, balancer: Any) -> LoadBalancer:
    return LoadBalancer(
        owner=_owner(backend, backend.tagging_service.get_tag_dict_for_resource(balancer.arn)),
        arn=balancer.arn,
        name=balancer.name,
        address=balancer.dns_name,
        listeners={int(one.port): one.protocol.lower() for one in list(balancer.listeners.values())},
    )


def _owner(backend: Any, tags: Mapping[str, Any]) -> Owner:
    return Owner(
        account=backend.account_id,
        region=backend.region_name,
        project=str(tags.get("project", "")),
        environment=str(tags.get("environment", "")),
    )
