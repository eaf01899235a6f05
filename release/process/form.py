"""How values of the ledger are stored, so that the tool of yesterday and that of tomorrow read each other.

Every stored value keeps the keys that it does not know, and writes them back: what a newer version added is not lost
by an older one that passes by. A reader refuses one thing only, a *higher* format, and says so in that word.
"""

import json
from typing import Any, Self, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from release.process.canonical import canonical_json
from release.process.errors import Broken

FORMAT = 2
"""Of HEAD, events, plans, stops and the lease. It is raised when an older version would misread what is written."""

T = TypeVar("T", bound="Form")


class Unreadable(Broken):
    """A stored value that this version cannot read (exit code 1)."""


class HigherFormat(Unreadable):
    """A stored value that a newer version wrote: it is spoilt for nobody but this one (exit code 1)."""


class Form(BaseModel):
    """A value as the ledger stores it: frozen, of exact types, with the keys that it does not know."""

    model_config = ConfigDict(strict=True, frozen=True, extra="allow")

    def but(self, **changes: Any) -> Self:
        """This value with some of it changed, what it does not know included."""
        if unknown := changes.keys() - type(self).model_fields.keys():
            raise TypeError(f"{type(self).__name__} has no {', '.join(sorted(unknown))}")
        return type(self).model_validate({**dict(self), **changes})


def stored(value: Form) -> str:
    """A value as it is stored."""
    return canonical_json(value.model_dump()).decode()


def read_form(form: type[T], text: str, what: str) -> T:
    """A stored value; Unreadable when it is spoilt, or of a higher format than this version knows."""
    try:
        value = form.model_validate_json(text)
    except (ValidationError, RecursionError) as error:
        refuse_higher(_format_in(text), what)
        raise Unreadable(f"{what} is not readable: {first_problem(error)}", hint="see: release audit ENV") from None
    refuse_higher(_whole(getattr(value, "format", 0)), what)
    return value


def refuse_higher(format: int, what: str) -> None:
    """HigherFormat for what a newer version wrote."""
    if format > FORMAT:
        raise HigherFormat(
            f"{what} has a higher format ({format}) than this version reads ({FORMAT})",
            hint="use the version of Stageline that wrote it, or a newer one",
        )


def first_problem(error: Exception) -> str:
    """What is wrong with a stored value, and where in it."""
    if not isinstance(error, ValidationError):
        return type(error).__name__
    problem = error.errors(include_url=False, include_input=False)[0]
    return f"{'.'.join(str(part) for part in problem['loc']) or 'text'}: {problem['msg']}"


def _format_in(text: str) -> int:
    """The format that a text states; 0 for one that states none, or is none: reading it tells what is wrong."""
    try:
        return _whole(json.loads(text)["format"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return 0


def _whole(format: object) -> int:
    return format if isinstance(format, int) else 0
