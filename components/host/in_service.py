"""Waits until the load balancer sends requests to this server: run once on a new one, before an old one may go.

The environment sends this text with a line `SETTINGS = '{"region": ...}'` above it to `python3 -`. Standard library
only, Python 3.9 or newer; needs the `aws` command. Everything here may run again without harm.

Only slots that hold a release are waited for, and a target group that no listener refers to counts as done: nobody
gets anything from it, and the load balancer does not check it. Where for a while no other server of a slot is healthy
either, the wait is over: it protects users, and nobody serves any, so a release that is ill everywhere would keep its
own servers from being replaced.
"""

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Union

SETTINGS: str
States = Union[dict[str, str], str]  # of each server, or why they are not known

PAUSE = 1.0  # seconds between two looks
ALONE = 20.0  # seconds without another healthy server: longer than one failed health check, shorter than any limit
COMMAND_LIMIT = 30.0
DONE = ("healthy", "unused")


def main(settings: dict[str, Any]) -> None:
    """`settings`: region, the server's own id, the limit in seconds, and of each slot the target group and the label,
    which is there while the slot holds a release.
    """
    end = time.monotonic() + settings["limit"]
    for slot, group in settings["target_groups"].items():
        if (Path.home() / settings["labels"][slot]).exists():
            wait(slot, group, settings, end)


def wait(slot: str, group: str, settings: dict[str, Any], end: float) -> None:
    served = time.monotonic()  # when another server was healthy last, as far as is known
    while (state := state_of(settings["server"], states := states_in(group, settings["region"]))) not in DONE:
        now = time.monotonic()
        if is_served(settings["server"], states):
            served = now
        elif now - served > ALONE:
            print(f"{slot} is {state}, and healthy on no other server: nobody is waited for")
            return
        if now > end:
            sys.exit(f"the load balancer says that {slot} is {state} after {settings['limit']} seconds")
        time.sleep(PAUSE)


def state_of(server: str, states: States) -> str:
    """The server's state in the words of the load balancer, or why it is not known."""
    return states if isinstance(states, str) else states.get(server, "not registered")


def is_served(server: str, states: States) -> bool:
    """Whether another server is healthy; of an answer that did not come it is taken for granted."""
    return isinstance(states, str) or any(state == "healthy" for id, state in states.items() if id != server)


def states_in(group: str, region: str) -> States:
    """The state of each server; why it is not known where no answer came, which is worth another look."""
    arguments = ["aws", "elbv2", "describe-target-health", "--target-group-arn", group, "--region", region]
    try:
        done = subprocess.run(
            arguments, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, timeout=COMMAND_LIMIT
        )
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        return f"not known ({type(error).__name__})"
    targets = json.loads(done.stdout)["TargetHealthDescriptions"]
    return {target["Target"]["Id"]: target["TargetHealth"]["State"] for target in targets}


if __name__ == "__main__":
    main(json.loads(SETTINGS))  # noqa: F821 - a line above this text gives it
