"""What users see, asked of the live URL at the moment it is said: no line about users rests on what should be so."""

from release.environment import Environment
from release.process.errors import StagelineError
from release.rules.objections import HEALTH
from release.rules.seen import Seen, seen_in

LOOKS = 3  # answers that have to agree: each may come from another server


def what_users_see(environment: Environment) -> Seen:
    """Ask the live URL now. Never raises: who cannot ask says so."""
    try:
        url = environment.live_url(environment.listeners.find())
    except StagelineError as error:
        return Seen(version=None, words=f"what users see could not be asked ({error.args[0]})")
    return seen_in([environment.probe.send(url, HEALTH) for _ in range(LOOKS)])
