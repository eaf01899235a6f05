"""What an entry of the table says about a resource type.

An entry is a `ResourceType`: its inputs and outputs by the names that the program uses, each with the place where AWS
keeps the value, and the functions that create, read, update and delete it. Everything that all types have in common
(names, defaults, tags, differences) is worked out from the entry; the entry's own functions only speak to AWS.

A place is a dotted path into AWS's request and description, which share their shape: `"CidrBlock"`,
`"Matcher.HttpCode"`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from functools import cached_property
from typing import Any

from local.aws_provider.session import Api

Properties = dict[str, Any]
"""Values by the names that the program uses (camelCase)."""

Description = dict[str, Any]
"""A resource, or a request for one, by AWS's names (PascalCase)."""


DEFAULTED = "__defaults"
"""In the inputs it lists what was named automatically, so that the name survives the next run, and so that a name of
the program's own is never mistaken for one."""


Group = tuple[str, ...]
"""Inputs that exclude each other. An input of which AWS allows only some others stands in several groups of two."""


@dataclass(frozen=True, kw_only=True)
class Change:
    """What an update has to bring about: the values until now (nothing for a new resource) and the wanted ones."""

    old: Properties
    new: Properties


Update = Callable[[Api, str, Change], object]
"""Brings the resource of that id from the old values to the new ones."""


def exactly(one: Any, other: Any) -> bool:
    """Say whether two values are equal; the rule for inputs that name no other."""
    return bool(one == other)


def unchanged(value: Any) -> Any:
    """Give back the value as it is: what the program writes is what AWS wants."""
    return value


@dataclass(frozen=True)
class Input:
    """One property that a program may set. `place` is where AWS keeps it.

    An object without a place has its fields lie where it would lie itself.
    """

    place: str = ""
    _: KW_ONLY
    required: bool = False
    default: Any = None
    """What the program gets when it gives nothing."""
    computed: bool = False
    """AWS chooses when the program gives nothing, so leaving it out is no wish to change it."""
    replaces: bool = False
    """Another value needs a new resource."""
    replaces_if_switched: bool = False
    """To give it, or to give it no longer, needs a new resource; another value does not."""
    replaces_if: str = ""
    """Another value needs a new resource where the boolean input of this name is true."""
    later: bool = False
    """Not part of the create call: sent by its update right after it, unless it is the default."""
    only_here: bool = False
    """Never sent: it steers what this provider does (`forceDestroy`)."""
    never_read: bool = False
    """Sent, but AWS does not tell it (a password)."""
    secret: bool = False
    same: Callable[[Any, Any], bool] = exactly
    """Whether two ways of writing the value mean the same to AWS."""
    to_aws: Callable[[Any], Any] = unchanged
    from_aws: Callable[[Any], Any] = unchanged
    fields: Mapping[str, "Input"] = field(default_factory=dict)
    """The properties of a nested object."""
    many: bool = False
    """The value is a list of such objects."""
    conflicts: tuple[Group, ...] = ()
    """Of the fields of each group a program may give one at most."""
    exactly_one: tuple[Group, ...] = ()
    """Of the fields of each group a program has to give one, and no other."""

    @property
    def holds_secret(self) -> bool:
        """Say whether the value, or any field of it, is a secret."""
        return self.secret or any(entry.holds_secret for entry in self.fields.values())

    @property
    def exclusions(self) -> tuple[Group, ...]:
        """Give the groups of fields of which there cannot be two."""
        return self.conflicts + self.exactly_one

    @property
    def readable(self) -> bool:
        """Say whether AWS tells this value."""
        return not self.only_here and not self.never_read


@dataclass(frozen=True, kw_only=True)
class Updating:
    """Which inputs one update function looks after; it runs once, however many of them changed."""

    inputs: tuple[str, ...]
    run: Update


@dataclass(frozen=True, kw_only=True)
class Autoname:
    """How a name is made for a resource whose program gives none: prefix, logical name, dash, seven hex digits."""

    input: str = "name"
    prefix: str = ""
    longest: int = 255
    lower_case: bool = False


@dataclass(frozen=True, kw_only=True)
class Tagging:
    """How a service writes tags: in the create call (None: only afterwards), in a description, and later."""

    request: Callable[[Mapping[str, str]], Description] | None
    read: Callable[[Api, Description], Mapping[str, str]]
    set: Callable[[Api, str, Mapping[str, str]], object]
    remove: Callable[[Api, str, Sequence[str]], object]


MERGED_TAGS = "tagsAll"
"""The provider's tags and the resource's own: added by the check, never given by a program."""
TAGS = {"tags": Input(), MERGED_TAGS: Input()}
REGION = {"region": Input(computed=True, replaces=True)}


@dataclass(frozen=True, kw_only=True)
class ResourceType:
    """One entry of the table."""

    token: str
    service: str
    """The boto3 client that the functions get."""
    identity: str
    """The place of the id in the description."""
    inputs: Mapping[str, Input]
    conflicts: tuple[Group, ...] = ()
    """Of the inputs of each group a program may give one at most."""
    exactly_one: tuple[Group, ...] = ()
    """Of the inputs of each group a program has to give one, and no other."""
    outputs: Mapping[str, str] = field(default_factory=dict)
    """What only AWS knows: property to place."""
    create: Callable[[Api, Description], Description]
    """From a request to a description that holds at least the identity."""
    read: Callable[[Api, str], Description | None]
    """From an id to the whole description, or None when there is no such resource (or AWS says `…NotFound`)."""
    delete: Callable[[Api, str, Properties], object]
    updates: Sequence[Updating] = ()
    settle: Callable[[Api, str], object] | None = None
    """Waits until a new resource can be used."""
    tagging: Tagging | None = None
    autoname: Autoname | None = None
    alone_by: tuple[str, ...] = ()
    """AWS allows one resource with these values: a replacement that keeps them has to delete the old one first."""
    global_service: bool = False
    """The service has no regions (IAM), so its resources take no `region`."""
    restless: tuple[str, ...] = ()
    """Outputs that an update may change: unknown in its preview."""

    @cached_property
    def all_inputs(self) -> Mapping[str, Input]:
        """Every input with those that no entry repeats: tags and region."""
        tags = TAGS if self.tagging else {}
        region = {} if self.global_service else REGION
        return {**self.inputs, **tags, **region}

    @property
    def exclusions(self) -> tuple[Group, ...]:
        """Give the groups of inputs of which there cannot be two."""
        return self.conflicts + self.exactly_one

    @cached_property
    def one_of_a_kind(self) -> tuple[str, ...]:
        """The inputs whose values only one resource can have at a time."""
        return self.alone_by or ((self.autoname.input,) if self.autoname else ())
