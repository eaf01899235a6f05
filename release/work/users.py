"""What users see, asked of the live URL at the moment it is said: no line about users rests on what should be so.

And the call that moves them, which nobody makes whose lease may be another's by the time that it is heard; with what
is asked before it is made to put something back.
"""

import time
from collections.abc import Callable

from contract.slots import SlotName
from release.doors.aws.listeners import Entrance
from release.doors.aws.session import may_pass
from release.environment import Environment
from release.process.errors import Broken, Inconclusive, StagelineError, ToldToEnd
from release.records.ledger.head import Open
from release.records.ledger.ledger import Holder
from release.rules.objections import HEALTH, healthy_in, unhealthy_in
from release.rules.seen import Seen, seen_in

PAUSES = (1.0, 2.0, 4.0, 8.0)  # seconds between the tries to move users, where AWS could not be asked
LOOKS = 3  # answers that have to agree: each may come from another server


def what_users_see(environment: Environment) -> Seen:
    """Ask the live URL now. Never raises: who cannot ask says so."""
    try:
        url = environment.live_url(environment.listeners.find())
    except StagelineError as error:
        return Seen(version=None, words=f"what users see could not be asked ({error.args[0]})")
    return seen_in([environment.probe.send(url, HEALTH) for _ in range(LOOKS)])


def move_users(
    environment: Environment,
    holder: Holder,
    entrance: Entrance,
    slot: SlotName | None,
    pause: Callable[[float], None] = time.sleep,
) -> str:
    """Let the live listener lead to a slot; why the preview listener did not follow, if it did not.

    LeaseLost where somebody took over: asked before each try, as boto's own would move users that were moved since.
    """
    for seconds in PAUSES:
        holder.refuse_taken_over()
        try:
            return environment.listeners.move(entrance, slot)
        except Broken as error:
            if not may_pass(error):
                raise
        pause(seconds)
    holder.refuse_taken_over()
    return environment.listeners.move(entrance, slot)


class DeadEnd(Inconclusive):
    """What users would get back does not run, and what they have does: they stay, and it stays open (exit code 4)."""


def refuse_dead_end(environment: Environment, opened: Open) -> None:
    """DeadEnd where users would be moved from what serves them to what does not, also after it was asked to start.

    What cannot be told keeps nobody from what served users when the deployment began. What a deployment worked in
    itself has to be seen running.
    """
    target, worked_in = opened.former.declared, opened.slot
    if target is None:
        return
    try:
        why = _why_dead(environment, target)
    except ToldToEnd:
        raise
    except StagelineError as error:
        why = str(error.args[0]) if worked_in == target else ""
    if why:
        raise DeadEnd(f"users stay where they are: what they would get back in slot {target} does not run ({why})")


def _why_dead(environment: Environment, target: SlotName) -> str:
    """Why nothing runs in ``target``; empty where something does by now, and where nothing serves users anyway.

    Raises where neither the load balancer nor a server says so.
    """
    entrance = environment.listeners.find()
    users, targets = environment.listeners.slot_in_use(entrance), environment.balancer.targets(entrance.groups[target])
    if users is None or users == target or healthy_in(targets):
        return ""
    if not environment.verification.healthy(entrance.groups[users]):
        return ""
    try:
        started = environment.fleet.start([one.instance for one in targets], target)
        return "" if started else "no server started it"
    except StagelineError as error:
        if not unhealthy_in(targets):
            raise
        return str(error.args[0])
