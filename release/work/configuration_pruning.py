"""Pruning an environment's configurations: what is judged, and how each one goes.

A deployment that chose one before its lease is refused where HEAD has moved since, as it does by each pruning.
"""

from collections.abc import Iterator, Sequence
from functools import partial

from release.environment import Environment
from release.records.ledger.head import State
from release.rules.configuration_retention import Candidate, judged_documents, judged_versions, uses_of
from release.rules.retention import Judgement, Use
from release.work.deletion import Deletion


def judge(environment: Environment, state: State) -> tuple[Judgement[Candidate], ...]:
    """What would become of each configuration and each version of the secrets.

    Broken where one that is needed cannot be read: then it is not known which secrets it needs.
    """
    configurations = environment.configurations
    uses, stored = (*uses_of(environment.name, state), *_of_releases(environment)), configurations.kept()
    documents = judged_documents(stored, (*uses, *_locked(environment, stored)))
    needed = {use.of for use in uses}
    secrets = {digest: configurations.read(digest).secret for digest in stored if digest in needed}
    of_secrets = [Use(of=secret, what=f"named by configuration {digest[:12]}") for digest, secret in secrets.items()]
    return (*documents, *judged_versions(configurations.stored_versions(), of_secrets))


def deletions(environment: Environment, going: Sequence[Candidate]) -> tuple[Deletion, ...]:
    """How they go."""
    return tuple(
        Deletion(
            name=f"the {one.what}",
            part="configurations",
            word=one.what,
            keeps=lambda stops: "",
            delete=partial(environment.configurations.remove, one.of),
        )
        for one in going
    )


def _locked(environment: Environment, digests: Sequence[str]) -> Iterator[Use]:
    """What S3 lets nobody delete. That is no need of the secrets that it names."""
    now = environment.ledger.now()
    for digest in digests:
        found = environment.configurations.stored(digest)
        if found and (found.held or (found.kept_until is not None and found.kept_until > now)):
            yield Use(of=digest, what="under a retention lock or a legal hold")


def _of_releases(environment: Environment) -> Iterator[Use]:
    """What releases ran with that can still be gone back to."""
    for version in environment.releases.versions():
        known = environment.ledger.known(version)
        if known and known.configuration and environment.releases.has_bytes(known.digest):
            yield Use(of=known.configuration, what=f"the configuration of {version}")
