"""The program of `bench.nothing`: an environment whose slots stand in a variable instead of the ledger."""

import json
import os
from pathlib import Path

import pulumi

from components.environment import declare
from components.machine import Keys
from components.slots import SlotContent, Slots
from settings.stackfile import load

given = json.loads(os.environ["BENCH_SLOTS"])
contents = {
    slot: SlotContent(release=release, digest="0" * 64, deployment="bench")
    for slot, release in given["releases"].items()
}
settings = load(Path(pulumi.get_root_directory()), pulumi.get_stack())
declare(
    settings,
    Slots(blue=contents.get("blue"), green=contents.get("green"), declared=given["declared"]),
    Keys(deploy_private="nothing", host_public="nothing"),
)
