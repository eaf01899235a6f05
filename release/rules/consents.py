"""What a person who goes back may overrule, each thing by its own name: nobody says yes to what they were not told of.

One that overrules nothing is no mistake: the same command is repeated while the environment changes under it.
"""

from collections.abc import Iterable
from typing import Literal, get_args

Consent = Literal["veto", "schema", "doubt", "unverified", "fewer-servers"]
CONSENTS: tuple[Consent, ...] = get_args(Consent)


def options(consents: Iterable[Consent]) -> str:
    """How they are given, each once."""
    return " ".join(f"--despite {one}" for one in dict.fromkeys(consents))


def to_overrule(environment: str, consent: Consent) -> str:
    """The whole command, for a hint."""
    return f"release rollback {environment} {options([consent])} --reason WHY"
