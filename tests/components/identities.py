"""The list of identities in `urns.txt`: the resources of a representative set of environments, by URN.

    .venv/bin/python -m tests.components.identities

adds what is new. It removes nothing: a URN that is gone is a resource that the next `pulumi up` deletes. Whoever means
that takes its line out by hand; whoever renamed it gives the new one `aliases=[pulumi.Alias(name="its old name")]`.

A line is the environment, the types from the outermost component to the resource, and the logical name: what stays of
a URN without stack and project.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

from pulumi.runtime.proto import alias_pb2

from components.recording import STACK, Declared, Recording
from settings.model import Settings
from tests.components.recording import GREEN_LIVE, private_settings_of, record, settings_of

FILE = Path(__file__).parent / "urns.txt"
COMMAND = ".venv/bin/python -m tests.components.identities"
SEPARATOR = "::"


def large() -> Settings:
    """Three private servers behind a bastion in three zones, and everything else that a setting adds."""
    settings = private_settings_of("prod")
    sections: Mapping[str, Mapping[str, object]] = {
        "network": {"zones": ("a", "b", "c")},
        "servers": {"count": 3},
        "storage": {"readable_by": ("210987654321",)},
        "monitoring": {"emails": ("ops@example.com",)},
        "access": {
            "repository": "example/stageline",
            "operators": ("arn:aws:iam::123456789012:user/ops",),
            "approvers": ("arn:aws:iam::123456789012:user/lead",),
        },
    }
    changed = {name: getattr(settings, name).model_copy(update=values) for name, values in sections.items()}
    return settings.model_copy(update=changed)


def environments() -> dict[str, Recording]:
    """The representative set, each with a live release and another one."""
    settings = {"dev": settings_of("dev"), "prod": settings_of("prod"), "large": large()}
    return {name: record(one, GREEN_LIVE) for name, one in settings.items()}


def identities(recording: Recording) -> dict[str, frozenset[str]]:
    """Each resource's identity, and those under which it would be found too because of its aliases."""
    found: dict[str, frozenset[str]] = {}
    for one in recording.declared:
        found[one.urn] = frozenset(_former(one, found.get(one.parent, frozenset())))
    return {
        identity(urn): frozenset(map(identity, former)) for urn, former in found.items() if f"::{STACK}::" not in urn
    }


def lost(listed: set[str], there: Mapping[str, frozenset[str]]) -> set[str]:
    """What is listed, but neither there nor an alias of what is there."""
    return listed - set(there) - {former for formers in there.values() for former in formers}


def identity(urn: str) -> str:
    """A URN without stack and project."""
    return SEPARATOR.join(urn.split(SEPARATOR)[2:])


def listed() -> dict[str, set[str]]:
    """The list, by environment."""
    lines = [line.split(" ", 1) for line in FILE.read_text("utf-8").splitlines()]
    return {name: {urn for here, urn in lines if here == name} for name, _ in lines}


def _former(one: Declared, parents: frozenset[str]) -> Iterator[str]:
    """As the engine works it out: every own name, with the parent's own URN and with each of its former ones."""
    for alias in (None, *one.aliases):
        if alias is not None and alias.urn:
            yield alias.urn
            continue
        for parent in (None, *parents):
            former = _former_urn(one, alias.spec if alias else alias_pb2.Alias.Spec(), parent)
            if former != one.urn:
                yield former


def _former_urn(one: Declared, alias: alias_pb2.Alias.Spec, former_parent: str | None) -> str:
    """A child that is named after its parent was named after its former one too."""
    parent = "" if alias.noParent else alias.parentUrn or former_parent or one.parent
    name = alias.name or one.name
    if former_parent and not alias.name:
        here, there = (urn.rsplit(SEPARATOR, 1)[1] for urn in (one.parent, former_parent))
        name = there + name.removeprefix(here) if name.startswith(here) else name
    return Recording().make_urn(parent, alias.type or one.type, name)


def main() -> None:
    """Write the list again, with what is new."""
    before = listed() if FILE.exists() else {}
    lines = {
        f"{name} {urn}\n"
        for name, recording in environments().items()
        for urn in before.get(name, set()) | set(identities(recording))
    }
    FILE.write_text("".join(sorted(lines)), "utf-8")


if __name__ == "__main__":
    main()
