"""A demo's database and the login to it: there before anything is installed that needs them."""

from contract.database import Login, login_text
from release.doors.database.login import ROLE, checked_login, new_login, refuse_strange
from release.process.output import Progress
from release.records.demos.demo import Demo
from release.records.demos.registry import Entry
from release.work.demos.base import Base, change_stack
from settings import demos


def make_database(base: Base, entry: Entry, progress: Progress) -> None:
    """Make the database, and the role that opens it.

    One of a demo's own comes up with its server and without a release: a role is made in it through that server.
    """
    demo = entry.demo
    if demo.database == "none" or demo.content is not None:  # a content is recorded behind this only
        return
    with progress.step(demo.stack, "database"):
        login = _login(base, demo)
        if demo.database == "shared":
            base.database.make(login)
        else:
            change_stack(base, demo, progress, fence=entry.version)
            base.role_of(demo).ensure(base.stack_of(demo).outputs())


def _login(base: Base, demo: Demo) -> Login:
    """The login of its application, made once; in its base's database the role has the demo's own name."""
    settings = base.settings_of(demo)
    secret, role = (
        settings.names.database_login,
        demos.database_of(demo.creation) if demo.database == "shared" else ROLE,
    )
    text = base.secrets.read(secret)
    if text is None:
        text = login_text(new_login(role))
        base.secrets.create(secret, text, demos.tags(settings, creation=demo.creation, owner=demo.owner))
    login = checked_login(text, secret)
    refuse_strange(login, secret, role)
    return login
