"""Replacing a function of a class or module of moto, and putting the original back when the hooks are taken off."""

from collections.abc import Callable
from contextlib import ExitStack
from types import ModuleType
from typing import Any

Wrap = Callable[[Callable[..., Any]], Callable[..., Any]]


def replace(installed: ExitStack, owner: type | ModuleType, name: str, wrap: Wrap) -> None:
    """Set `owner.name` to `wrap(original)` until `installed` is closed."""
    original = getattr(owner, name)
    inherited = name not in vars(owner)
    setattr(owner, name, wrap(original))
    if inherited:
        installed.callback(delattr, owner, name)
    else:
        installed.callback(setattr, owner, name, original)


def add(installed: ExitStack, owner: type, name: str, function: Callable[..., Any]) -> None:
    """Give `owner` a function that it does not have until `installed` is closed."""
    setattr(owner, name, function)
    installed.callback(delattr, owner, name)
