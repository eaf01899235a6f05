"""What a configuration changes, by names alone, and what in it looks as if it had to be a secret."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping

from contract.configuration import Document

TELLING_NAME = re.compile(
    "SECRET|PASSW(OR)?D|PASSPHRASE|TOKEN|CREDENTIAL|(API|ACCESS|PRIVATE|SIGNING|ENCRYPTION)_?KEY", re.IGNORECASE
)
TELLING_VALUE = re.compile(
    "-----BEGIN [A-Z ]*PRIVATE KEY|://[^/@:]*:[^/@]+@|^(AKIA|ASIA)[A-Z0-9]{16}$|^gh[pousr]_|^xox[a-z]-|^[sr]k_live_|^eyJ"
)


def differences(before: Document | None, after: Document | None) -> str:
    """What changes from one configuration to another, in a line without values; empty where nothing does."""
    said = [*_of_values(_values(before), _values(after)), *_of_versions(_versions(before), _versions(after))]
    return "; ".join(said)


def looks_secret(environment: Mapping[str, str]) -> tuple[str, ...]:
    """The names whose name or value tells of a secret."""
    return tuple(
        sorted(name for name, value in environment.items() if TELLING_NAME.search(name) or TELLING_VALUE.search(value))
    )


def secrets_warning(names: Iterable[str], environment: str) -> str:
    """What to do about them."""
    return (
        f"{', '.join(names)} in app.environment of {environment} may be a secret, and all may read it there: keep it "
        f"with release config set {environment} NAME"
    )


def _values(document: Document | None) -> Mapping[str, str]:
    return document.environment if document else {}


def _versions(document: Document | None) -> Mapping[str, int]:
    return document.secrets if document else {}


def _of_values(before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[str]:
    yield from _of(before, after, lambda name: f"{name} changed")


def _of_versions(before: Mapping[str, int], after: Mapping[str, int]) -> Iterator[str]:
    yield from _of(before, after, lambda name: f"{name} set anew (version {after[name]})")


def _of(before: Mapping[str, object], after: Mapping[str, object], changed: Callable[[str], str]) -> Iterator[str]:
    for name in sorted({*before} | {*after}):
        if name not in after:
            yield f"{name} gone"
        elif name not in before:
            yield f"{name} new"
        elif before[name] != after[name]:
            yield changed(name)


def compared(ones: Mapping[str, str | None], others: Mapping[str, str | None], one: str, other: str) -> list[str]:
    """How two environments differ, a line for each name; a value of None is a secret, compared with nothing."""
    return [said for name in sorted({*ones} | {*others}) if (said := _compared(name, ones, others, one, other))]


def _compared(name: str, ones: Mapping[str, str | None], others: Mapping[str, str | None], one: str, other: str) -> str:
    if name not in others or name not in ones:
        return f"{name} only in {one if name in ones else other}"
    if (ones[name] is None) != (others[name] is None):
        return f"{name} a secret in {one if ones[name] is None else other}, and open to all in the other"
    return f"{name} has other values" if ones[name] != others[name] else ""
