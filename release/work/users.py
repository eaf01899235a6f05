"""What users see, asked of the live URL at the moment it is said: no line about users rests on what should be so.

And the call that moves them, which nobody makes whose lease may be another's by the time that it is heard.
"""

import time
from collections.abc import Callable

from contract.slots import SlotName
from release.doors.aws.listeners import Entrance
from release.doors.aws.session import may_pass
from release.environment import Environment
from release.process.errors import Broken, StagelineError
from release.records.ledger.ledger import Holder
from release.rules.objections import HEALTH
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
