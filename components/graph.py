"""Graph: what the program would declare, for whoever must not import components. The form is `contract.graph`'s."""

import gc
import json
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from pulumi import FileAsset
from pydantic import ValidationError

from components.machine import Keys
from components.recording import Declared, record
from components.slots import SlotContent, Slots
from contract.graph import Answer, Held, Question, Resource
from settings.errors import InvalidSettings
from settings.model import Settings
from settings.stackfile import load

KEYS = Keys(deploy_private="none", host_public="ssh-ed25519 none", bastion_host_public="ssh-ed25519 none")
CONTENT = SlotContent(release="1.0.0", digest="0" * 64, deployment="none")


def answer(project_dir: Path, question: Question) -> Answer:
    """The resources of an environment, or why there are none."""
    try:
        settings = changed(stated(project_dir, question["environment"]), question["changes"])
        recording = record(settings, slots(question["slots"]), KEYS)
    except InvalidSettings as error:
        return {"error": str(error).replace("\n", " / ")}
    except ValidationError as error:
        return {"error": f"these settings cannot be: {error.errors(include_url=False)[0]['msg']}"}
    except Exception as error:  # what a program may raise: with changed settings it may come to anything
        return {"error": f"the program failed with {type(error).__name__}: {error}"}
    return {"resources": [resource(one) for one in recording.declared]}


@cache
def stated(project_dir: Path, environment: str) -> Settings:
    """What a stack file says; reading it takes a third as long as declaring what it says."""
    return load(project_dir, environment)


def changed(settings: Settings, changes: Mapping[str, Any]) -> Settings:
    """Settings with some of them, by dotted key, replaced."""
    values = settings.model_dump(mode="json")
    for key, value in changes.items():
        *sections, last = key.split(".")
        section = values
        for name in sections:
            section = section[name]
        section[last] = value
    return Settings.model_validate(values)


def slots(held: Held) -> Slots:
    """Slots that hold a made-up release, or nothing."""
    return Slots(
        blue=CONTENT if held["blue"] else None,
        green=CONTENT if held["green"] else None,
        declared=held["declared"],
    )


def resource(one: Declared) -> Resource:
    """A resource with what policies may look at."""
    return Resource(
        type=one.type,
        name=one.name,
        inputs=one.inputs,
        outputs=one.outputs,
        protect=one.protect,
        ignore_changes=list(one.ignore_changes),
    )


def shown(value: Any) -> Any:
    """A file that a resource is made from, by its path."""
    if isinstance(value, FileAsset):
        return {"file": str(value.path)}
    raise TypeError(f"{type(value).__name__} is not JSON")


def answer_all(project_dir: Path) -> None:
    """Answer each question on stdin at once: who asks decides by the answer what to ask next."""
    gc.freeze()  # what was imported stays: looking through it for garbage would double the time
    gc.set_threshold(200_000)  # and a recording leaves 50,000 things
    gc.enable()
    for line in sys.stdin:
        sys.stdout.write(json.dumps(answer(project_dir, json.loads(line)), default=shown) + "\n")
        sys.stdout.flush()
