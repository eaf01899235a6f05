"""The verbs of the installer, each imported when it is called:

    install     an order as JSON on stdin: {"slot", "port", "release", "digest", "configuration", "deployment",
                "reuse"}; without a release (and digest: null) the slot is emptied. An order that was carried out before
                changes nothing where the slot's unit runs; where it does not, it is started, and only where that does
                not help installed again. With `reuse` a slot that holds these very bytes, with this configuration, by
                another deployment keeps them: it is relabelled, or started, and only where that does not help
                installed. `--settle SECONDS`: how long the release must stay healthy before it counts as installed
    empty       {"slot"} on stdin: stop the slot and forget what it holds
    start SLOT  make the release that the slot holds run, and wait until it is healthy
    status      what both slots hold, whether their units run, what they answer and which deployment's migration began
                last; like every verb it first puts back what a killed run left
    run SLOT    what the slot's systemd unit executes: fetch the database's address and become the application

Verbs answer one JSON object on stdout, whose `result` is one of these:

    installed, unchanged    the slot holds this content, and it is healthy; unchanged with a `note`: it was proven
                            healthy when this very order was carried out, it runs, and it is not healthy now
    relabelled              the same, and only its label is new: it held and ran these very bytes before
    started                 the same, and it had to be started for that
    refused, restored       it does not, and the slot is what it was before; refused: by a rule
    busy                    another run is at work in the slot, and this one touched nothing
    emptied                 the slot is empty; as before, when there is a `why`
    broken                  the server failed, also in putting the slot back: `why` says what to do

A failure also says its `why` as one line on stderr and exits with 1; a `note` is no failure. Nothing printed here ever
holds a secret, because the caller puts all of it into its own error texts.

`install` also says what became of bin/migrate, as `migration`: none (the release has none, or it did not come to that),
not asked for, done, failed. A migration runs only while the environment's parameter for that holds the very deployment
of the order: so nothing migrates again but a deployment that goes forward.
"""

from __future__ import annotations

import json
import os
import re
import signal
import sys
from collections.abc import Sequence
from typing import Any

from components.host.installer.errors import Busy, Refused, Stopped, describe
from components.host.installer.order import parse_emptied, parse_order, parse_slot
from components.host.installer.signals import fail_on_signals, ignore_signals
from components.host.installer.slots import Slot
from contract.slots import SLOTS

LONGEST_ORDER = 1 << 16  # signs
SETTLE = 5.0  # seconds for which a release must stay healthy, where the command line does not say it


def main() -> int:
    prepare_process()
    try:
        result = perform(sys.argv[1] if len(sys.argv) > 1 else "", sys.argv[2:])
        ignore_signals()
    except Exception as error:
        ignore_signals()
        result = {"result": named(error), "why": describe(error)}
    print(json.dumps(result))
    if "why" in result:
        print(result["why"], file=sys.stderr)
    return 1 if "why" in result else 0


def named(error: Exception) -> str:
    if isinstance(error, Busy):
        return "busy"
    return "refused" if isinstance(error, (Refused, Stopped)) else "broken"


def prepare_process() -> None:
    os.umask(0o077)
    # Over SSH there is no login session that would say where the user's systemd listens.
    os.environ.setdefault("XDG_RUNTIME_DIR", f"/run/user/{os.getuid()}")
    fail_on_signals()


def perform(verb: str, arguments: Sequence[str]) -> dict[str, Any]:
    """What a verb answers. Its modules are imported before it does anything: then another installer may be copied here.

    Those of other verbs are not: `status` and `run` are started often, and need few of them.
    """
    if verb == "install":
        return carry_out(sys.stdin.read(LONGEST_ORDER), parse_settle(arguments))
    if verb == "empty" and not arguments:
        from components.host.installer.empty import empty

        return empty(Slot(parse_slot(sys.stdin.read(LONGEST_ORDER))))
    if verb == "status" and not arguments:
        from components.host.installer.status import status

        return status()
    if verb == "start" and len(arguments) == 1:
        from components.host.installer.start import start

        return start(named_slot(arguments[0]))
    if verb == "run" and len(arguments) == 1:
        from components.host.installer.run import run

        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        run(named_slot(arguments[0]))
    raise usage()


def carry_out(text: str, settle: float) -> dict[str, Any]:
    """An order: to fill a slot, or to empty it."""
    if emptied := parse_emptied(text):
        from components.host.installer.empty import empty

        return {**empty(Slot(emptied)), "migration": "none"}
    from components.host.installer.install import install

    return install(parse_order(text), settle)


def named_slot(name: str) -> Slot:
    for slot in SLOTS:
        if slot == name:
            return Slot(slot)
    raise usage()


def parse_settle(arguments: Sequence[str]) -> float:
    if not arguments:
        return SETTLE
    if (
        len(arguments) != 2
        or arguments[0] != "--settle"
        or not re.fullmatch(r"[0-9]{1,3}(\.[0-9]{1,3})?", arguments[1])
    ):
        raise usage()
    return float(arguments[1])


def usage() -> Refused:
    return Refused("usage: installer.pyz install [--settle SECONDS, 0 to 999] | empty | status | start SLOT | run SLOT")


if __name__ == "__main__":
    sys.exit(main())
