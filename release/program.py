"""What the Pulumi program asks of ``release``: HEAD, and the keys that reach the servers.

Fails hard on anything but a readable HEAD of this very environment: taking "table not found" for "nothing deployed"
would delete the live listener.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field

from contract.slots import SlotName
from contract.up import FENCE, PASSED_OVER, parse_passed_over
from release.doors.aws.bucket import Bucket
from release.doors.aws.secrets import Secrets
from release.doors.aws.session import AwsSession, is_not_found
from release.doors.aws.table import LedgerTable
from release.doors.servers.keys import bastion_public_key, key_part
from release.process.errors import Broken, Refused
from release.records.ledger.head import Content, Head
from release.records.ledger.ledger import Ledger, utc_now
from release.rules.ways_on import way_on
from settings.model import Settings


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """What is recorded of an environment: its slots, the slot to be live, and the keys of its servers.

    `out` are the servers that are marked out, `passed_over` those that this very ``up`` leaves alone.
    `bastion_public_key` is None where servers have public addresses.
    """

    slots: Mapping[SlotName, Content | None]
    declared: SlotName | None
    out: frozenset[str]
    passed_over: frozenset[str]
    deploy_private_key: str = field(repr=False)
    host_public_key: str
    bastion_public_key: str | None


def recorded(settings: Settings) -> Recorded:
    """Read it. Refused when another deployment than the one that started this ``up`` holds the environment now, and
    while one is open that this ``up`` is no part of.
    """
    session = AwsSession(account=settings.account, region=settings.region, role=settings.role)
    head = _head(session, settings)
    refuse_other_fence(os.environ.get(FENCE), head)
    refuse_open(os.environ.get(FENCE), head)
    refuse_lost_artifacts(head, Bucket(session, settings.names.artifact_bucket))
    secrets = Secrets(session)
    refuse_missing_login(secrets, settings)
    return Recorded(
        slots=head.state.slots,
        declared=head.state.declared,
        out=head.state.out_names,
        passed_over=parse_passed_over(os.environ.get(PASSED_OVER, "")),
        deploy_private_key=key_part(secrets, settings.names.deploy_key, "private", settings.environment),
        host_public_key=key_part(secrets, settings.names.host_key, "public", settings.environment),
        bastion_public_key=bastion_public_key(secrets, settings),
    )


def refuse_other_fence(given: str | None, head: Head) -> None:
    """Refused when ``release`` started this program under a fence that is no longer HEAD's; None is a plain up."""
    if given is not None and given != str(head.fence):
        raise Refused(
            f"this up was started under fence {given}, {head.environment} is at fence {head.fence} now",
            hint="another deployment took over; nothing was changed",
        )


def refuse_open(given: str | None, head: Head) -> None:
    """Refused for a plain up while a deployment is open: HEAD says what is being tried, and nobody has seen it yet."""
    opened, name = head.state.open, head.environment
    if given is None and opened is not None:
        raise Refused(
            f"{opened.deployment} is open in {name}: {opened.kind} of {opened.release} in step {opened.step!r}",
            hint=f"wait for it if it is at work (release status {name}), or {way_on(name, head.state)}",
        )


def refuse_lost_artifacts(head: Head, artifacts: Bucket) -> None:
    """Broken after a destroy: slots would be filled with artifacts that went with their bucket."""
    filled = [slot.release for slot in head.state.slots.values() if slot and slot.release]
    if filled and not artifacts.exists():
        raise Broken(
            f"the ledger says that {' and '.join(filled)} are in {head.environment}, but it was destroyed, and its "
            "artifacts with it",
            hint=f"run: release init {head.environment}, which empties its slots; then pulumi up, publish and promote",
        )


def _head(session: AwsSession, settings: Settings) -> Head:
    """HEAD. Where there is no ledger, tell in which place, and first of all whether the account is another one."""
    try:
        return _ledger(session, settings).head()
    except Broken as error:
        if is_not_found(error):
            session.caller()
            error.put_in_context(f"account {settings.account}, region {settings.region}")
        raise


def _ledger(session: AwsSession, settings: Settings) -> Ledger:
    return Ledger(
        LedgerTable(session, settings.names.ledger_table),
        project=settings.project,
        environment=settings.environment,
        account=settings.account,
        now=utc_now,
    )


def refuse_missing_login(secrets: Secrets, settings: Settings) -> None:
    """Broken when the application has no login yet: servers would be sent to a secret that is not there."""
    if secrets.read(settings.names.database_login) is None:
        hint = f"run: release init {settings.environment}"
        raise Broken(f"the secret {settings.names.database_login} is missing", hint=hint)
