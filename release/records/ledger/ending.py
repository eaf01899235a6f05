"""How a deployment ended, said by the event that closes it.

Every way out passes through here: its own last step, a person's word, the putting back, a rollback that takes over, an
environment that is no more. Who wants to tell somebody of it needs to know no other place.
"""

from typing import Literal

from release.process.form import Form
from release.records.ledger.head import Open

How = Literal["live", "accepted", "adopted", "put back", "superseded", "destroyed"]


class Ending(Form):
    """A deployment that is over, and how: *live* by all its steps, *accepted* or *adopted* by a person's word.

    *put back*: it failed or was aborted, and users have what they had. *superseded*: a rollback took over from it.
    *destroyed*: with its environment.
    """

    deployment: str
    kind: str
    release: str
    how: How


def ending(opened: Open | None, how: How | None) -> Ending | None:
    """The end of the deployment that was open; None where none was, or where it goes on."""
    if opened is None or how is None:
        return None
    return Ending(deployment=opened.deployment, kind=opened.kind, release=opened.release, how=how)
