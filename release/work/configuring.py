"""Choosing the configuration that a deployment forward gives its release: once, when it starts."""

from dataclasses import replace

from contract.configuration import Document
from release.environment import Environment
from release.process.errors import StagelineError
from release.process.text import bounded
from release.records.configurations import digest_of
from release.rules.configuring import differences
from release.work.executor import Proposal


def configured(environment: Environment, proposal: Proposal) -> Proposal:
    """The proposal with the configuration that is set now. Refused where a name is set in two places."""
    document = environment.configurations.chosen(environment.settings.app.environment)
    live = proposal.head.state.live
    return replace(
        proposal,
        release=proposal.release.but(configuration=document and digest_of(document)),
        configuration=document,
        reconfigured=_said(environment, live.configuration if live else None, document),
    )


def _said(environment: Environment, live: str | None, document: Document | None) -> str:
    """What changes for users, in a line. That what is live had cannot be read, is said and stops nothing."""
    if live == (document and digest_of(document)):
        return ""
    try:
        before = environment.configurations.read(live) if live else None
    except StagelineError as error:
        return bounded(f"configuration: what changes is not known ({error.args[0]})")
    return bounded(f"configuration: {differences(before, document) or 'the same values'}")
