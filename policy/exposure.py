"""Exposure: nothing is reachable that need not be."""

import ipaddress
from collections.abc import Iterator
from typing import Any

from policy.resources import BUCKET_CLOSED, DEFAULT_GROUP, UNKNOWN, Environment, Resource

LOCKS = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")
WIDEST = {4: 8, 6: 32}
"""The shortest prefix that is not taken for the whole world, by IP version: two halves are the world as well."""


def bucket_is_closed(bucket: Resource, environment: Environment) -> Iterator[str]:
    """All four of S3's locks against public access; one alone leaves a way."""
    closed = environment.of(bucket, BUCKET_CLOSED)
    if not any(all(one.setting(lock) is True for lock in LOCKS) for one in closed):
        yield f"could be opened to the public: add a BucketPublicAccessBlock with {', '.join(LOCKS)}"


def acl_is_private(acl: Resource, _: Environment) -> Iterator[str]:
    """The old way to publish a bucket."""
    if acl.setting("acl") not in (None, "private", "log-delivery-write"):
        yield f"gives the bucket away with the ACL {acl.setting('acl')}: use private"


def database_is_private(database: Resource, _: Environment) -> Iterator[str]:
    """Said, not left to the subnets: AWS guesses from them."""
    if database.setting("publiclyAccessible") is not False:
        yield "can have a public address: set publicly_accessible=False"


def world_reaches_live_only(one: Resource, environment: Environment) -> Iterator[str]:
    """The live listener and what redirects to it. Never SSH, never the preview, never a range of ports."""
    balancer = environment.settings.load_balancer
    public = {port for port in (balancer.live_port, balancer.redirect_port) if port is not None}
    ports = (one.setting("fromPort"), one.setting("toPort"))
    is_public_port = one.setting("ipProtocol") == "tcp" and ports[0] == ports[1] and ports[0] in public
    for block in sources(one):
        if is_world(block) and not is_public_port:
            yield f"lets {block} reach ports {ports[0]} to {ports[1]}: only {sorted(public)} are for everyone"


def sources(rule: Resource) -> list[Any]:
    """The address blocks that an ingress rule names."""
    return [block for key in ("cidrIpv4", "cidrIpv6") if (block := rule.setting(key)) not in (None, UNKNOWN)]


def is_world(block: str) -> bool:
    """Whether so many addresses are meant that it could be anyone."""
    network = ipaddress.ip_network(block, strict=False)
    return network.prefixlen < WIDEST[network.version]


def group_has_no_rules_inside(group: Resource, _: Environment) -> Iterator[str]:
    """A rule inside a group takes turns with rules beside it, and nobody judges it by itself."""
    if group.inputs.get("ingress") or group.inputs.get("egress"):
        yield "has rules inside: declare each as a resource of its own (the default group has none at all)"


def default_group_is_emptied(vpc: Resource, environment: Environment) -> Iterator[str]:
    """AWS's default group lets all that forgot to name another one reach each other."""
    if not any(environment.of(vpc, DEFAULT_GROUP)):
        yield "keeps AWS's default security group with its rules: add a DefaultSecurityGroup without any"


def metadata_needs_a_token(instance: Resource, _: Environment) -> Iterator[str]:
    """IMDSv2, one hop: a release that can be made to fetch a URL cannot be made to fetch the role's credentials."""
    if instance.setting("metadataOptions.httpTokens") != "required":
        yield "gives its credentials to any request (IMDSv1): set http_tokens to required"
    if instance.setting("metadataOptions.httpPutResponseHopLimit") != 1:
        yield "gives metadata tokens beyond the server itself: set http_put_response_hop_limit to 1"


def balancer_drops_bad_headers(balancer: Resource, _: Environment) -> Iterator[str]:
    """Headers that two servers read differently smuggle requests."""
    if balancer.setting("dropInvalidHeaderFields") is not True:
        yield "passes invalid headers on: set drop_invalid_header_fields=True"
