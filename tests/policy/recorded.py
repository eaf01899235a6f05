"""Environments as rules see them, recorded without an engine."""

from functools import cache

from components.slots import Slots
from policy.resources import Environment, Resource
from policy.rules import RULES, faults
from settings.model import Access, Bastion, Settings
from tests.components.recording import EMPTY, GREEN_LIVE, record, settings_of

PERSON = "arn:aws:iam::123456789012:role/person"


@cache
def recorded(name: str, slots: Slots = EMPTY) -> Environment:
    """An environment with all its resources."""
    return with_resources(settings_of(name), slots)


@cache
def with_everything(name: str) -> Environment:
    """The same with all that settings can ask for: private servers, notices, and a role for everybody."""
    settings = settings_of(name)
    bastion = Bastion(instance_type="t3.micro", ami=settings.servers.ami)
    changes = {
        "network": settings.network.model_copy(update={"nat": True}),
        "servers": settings.servers.model_copy(update={"public": False, "bastion": bastion}),
        "monitoring": settings.monitoring.model_copy(update={"emails": ("ops@example.com",)}),
        "access": Access(repository="own/app", operators=(PERSON,), approvers=(PERSON,)),
    }
    return with_resources(settings.model_copy(update=changes), GREEN_LIVE)


def with_resources(settings: Settings, slots: Slots) -> Environment:
    """An environment declared without an engine."""
    declared = record(settings, slots).declared
    inputs = {one.urn: one.inputs for one in declared}
    resources = tuple(
        Resource(
            urn=one.urn,
            type=one.type,
            name=one.name,
            inputs=one.inputs,
            protect=one.protect,
            after=one.after,
            provider=inputs.get(one.provider.rpartition("::")[0]),
        )
        for one in declared
    )
    return Environment(settings=settings, tracked=settings, resources=resources)


def everything_said(environment: Environment) -> list[str]:
    """What the rules have against it."""
    return [
        f"{rule.name}: {one.name} {fault}"
        for rule in RULES
        for one in environment.resources
        for fault in faults(rule, one, environment)
    ]
