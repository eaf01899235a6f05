"""How the program is asked what it would declare, without an engine and an account: `release parity` does.

    python PROGRAM_DIR --graph PROJECT_DIR

Each line on stdin is a `Question` about one environment, each line on stdout an `Answer`, both as JSON.
"""

from __future__ import annotations

from typing import Any, TypedDict

from contract.slots import SlotName

GRAPH = "--graph"


class Held(TypedDict):
    """Which slots hold something, made up, and to which one the live listener points."""

    blue: bool
    green: bool
    declared: SlotName | None


class Question(TypedDict):
    """`changes` are settings by dotted key that are taken instead of those of the stack file, without asking whether a
    stack file might say so: that is how parity finds out which setting makes a difference.
    """

    environment: str
    changes: dict[str, Any]
    slots: Held


class Resource(TypedDict):
    """A resource with what policies may look at. Keys and releases are made up, so no secret can be in it."""

    type: str
    name: str
    inputs: dict[str, Any]
    outputs: dict[str, Any]
    protect: bool
    ignore_changes: list[str]


class Answer(TypedDict, total=False):
    """The resources, or in one line why there are none."""

    resources: list[Resource]
    error: str
