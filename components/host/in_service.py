"""Waits until the load balancer sends requests to this server: run once on a new one, before an old one may go.

The environment sends this text with a line `SETTINGS = '{"region": ...}'` above it to `python3 -`. Standard library
only, Python 3.9 or newer; needs the `aws` command. Everything here may run again without harm.

Only slots that hold a release are waited for, and a target group that no listener refers to counts as done: nobody
gets anything from it, and the load balancer does not check it.
"""

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

SETTINGS: str

PAUSE = 1.0  # seconds between two looks
COMMAND_LIMIT = 30.0
DONE = ("healthy", "unused")


def main(settings: dict[str, Any]) -> None:
    """`settings`: region, the server's own id, the target group of each slot, and the limit in seconds."""
    end = time.monotonic() + settings["limit"]
    for slot, group in settings["target_groups"].items():
        if holds_release(slot):
            wait(slot, group, settings, end)


def wait(slot: str, group: str, settings: dict[str, Any], end: float) -> None:
    while (state := state_of(group, settings["server"], settings["region"])) not in DONE:
        if time.monotonic() > end:
            sys.exit(f"the load balancer says that {slot} is {state} after {settings['limit']} seconds")
        time.sleep(PAUSE)


def holds_release(slot: str) -> bool:
    return (Path.home() / "stageline/slots" / slot / "slot.json").exists()


def state_of(group: str, server: str, region: str) -> str:
    """The server's state in the words of the load balancer; an answer that did not come is worth another look."""
    arguments = ["aws", "elbv2", "describe-target-health", "--target-group-arn", group, "--region", region]
    try:
        done = subprocess.run(
            arguments, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, timeout=COMMAND_LIMIT
        )
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        return f"not known ({type(error).__name__})"
    targets = json.loads(done.stdout)["TargetHealthDescriptions"]
    states = [target["TargetHealth"]["State"] for target in targets if target["Target"]["Id"] == server]
    return states[0] if states else "not registered"


if __name__ == "__main__":
    main(json.loads(SETTINGS))  # noqa: F821 - a line above this text gives it
