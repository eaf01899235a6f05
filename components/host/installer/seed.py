"""bin/seed of a release: example data for a demo, once where they are asked for, behind the migration."""

from __future__ import annotations

from components.host.installer.aws import aws, parameter_call, retried
from components.host.installer.environment import application_environment
from components.host.installer.errors import Failure, Refused
from components.host.installer.files import write_durably
from components.host.installer.migration import run_program
from components.host.installer.order import Content
from components.host.installer.slots import Server, Slot
from components.host.installer.told import last_line
from contract.artifacts import ARTIFACTS
from contract.layout import RELEASE, SEED
from contract.migration import ONCE, let_of


def seed(slot: Slot, content: Content, server: Server) -> None:
    """Run the new release's bin/seed where that is asked for and was not done. Refused where it has none.

    Never in an environment, whatever its parameter holds: only a demo's artifacts lie in a place of their own. A demo
    has one server, so what was done is kept there.
    """
    if server.artifact_folder == ARTIFACTS or not server.migration_parameter:
        return
    deployment, wanted = let_of(retried(lambda: aws(server, *parameter_call(server.migration_parameter))))
    if deployment == content.deployment and wanted and not is_done(slot, wanted):
        run_seed(slot, content, server)
        write_durably(slot.seeded, wanted)


def is_done(slot: Slot, wanted: str) -> bool:
    if not slot.seeded.exists():
        return False
    return wanted in (ONCE, slot.seeded.read_text("utf-8"))


def run_seed(slot: Slot, content: Content, server: Server) -> None:
    release = slot.beside("new") / RELEASE
    command = release / SEED
    if not command.exists():
        raise Refused(f"{SEED} is asked for, and the artifact has none: ship one, or ask for no data")
    environment, secrets = application_environment(server, content, slot.beside("new"))
    code, said = run_program(SEED, [str(command)], release, environment, secrets)
    slot.seed_log.write_text(said.marked(), "utf-8")
    if code != 0:
        raise Failure(f"{SEED} failed with {code}: {last_line(said.text)} (its output: {slot.seed_log})")
