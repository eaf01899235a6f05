"""Policies: the documents that give each party what the table says, and who may become that party."""

import json
import re
from collections.abc import Iterable, Sequence
from typing import Any

from settings.model import Access
from settings.permissions.calls import TABLE, Permission
from settings.permissions.identities import AUDIENCE, GITHUB, Identities, Party
from settings.permissions.place import Place

Document = dict[str, Any]
Statement = dict[str, Any]

MANAGED_LIMIT = 6144
"""Characters of a managed policy, without white space (IAM quotas)."""

# Whoever is further to the right may do what those to the left may.
RANKS: tuple[Party, ...] = ("approver", "ci", "operator", "administrator")


def policies(party: Party, place: Place) -> list[Document]:
    """What a party may do, in as many managed policies as it takes."""
    return [_document(part) for part in _packed(statements(party, place))]


def statements(party: Party, place: Place) -> list[Statement]:
    """What a party may do: one statement for each service and scope."""
    gathered: dict[str, tuple[Statement, set[str]]] = {}
    for permission in permissions(party, place):
        for action in permission.actions:
            reach = _reach(permission, action, place)
            gathered.setdefault(json.dumps(reach, sort_keys=True), (reach, set()))[1].add(action)
    return [{"Effect": "Allow", "Action": sorted(actions), **reach} for reach, actions in gathered.values()]


def permissions(party: Party, place: Place) -> list[Permission]:
    """The lines of the table that are for a party here."""
    return [one for one in TABLE if is_for(one, party) and _holds(one, place)]


def is_for(permission: Permission, party: Party) -> bool:
    """Whether a line of the table is for a party; the pruner reads as approvers do."""
    if party == "pruner":
        return permission.who in ("approver", "pruner")
    return permission.who in RANKS[: RANKS.index(party) + 1]


def trust(party: Party, place: Place, access: Access) -> Document | None:
    """Who may become a party, by what the stack file says; None where it names nobody."""
    people = {"approver": access.approvers, "operator": access.operators, "pruner": access.operators}.get(party, ())
    statements = [_people(people)] if people else []
    if access.repository and party in ("ci", *access.workflows):
        statements.append(_workflows(access.repository, party, place))
    return _document(statements) if statements else None


def github_environment(party: Party, environment: str) -> str:
    """The environment of GitHub in which a job has to run to become a party: whom it asks before, GitHub knows.

    No stack has such a name, with its underscore: else jobs of that one could become more here.
    """
    return environment if party == "ci" else f"{environment}_{party}"


def subjects(repository: str, inside: str) -> list[str]:
    """What GitHub's tokens may call a job of a repository (like owner/name or owner@1/name@2) in GitHub's environment.

    Tokens of repositories made, renamed or transferred since 15 July 2026 name the ids, those of older ones do not, and
    an organisation may change over at any time: so where ids are stated both are trusted. That lets nobody else in: who
    takes over a name that became free gets a token with other ids.
    """
    plain = re.sub("@[0-9]+", "", repository)
    return [f"repo:{one}:environment:{inside}" for one in dict.fromkeys((plain, repository))]


def size(document: Document) -> int:
    """Characters as IAM counts them."""
    return len(json.dumps(document, separators=(",", ":")))


def _people(principals: Sequence[str]) -> Statement:
    return {"Effect": "Allow", "Principal": {"AWS": list(principals)}, "Action": "sts:AssumeRole"}


def _workflows(repository: str, party: Party, place: Place) -> Statement:
    """Workflows of a repository, when they run in the party's environment of GitHub."""
    inside = github_environment(party, place.names.environment)
    return {
        "Effect": "Allow",
        "Principal": {"Federated": Identities(names=place.names).github},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {"StringEquals": {f"{GITHUB}:aud": AUDIENCE, f"{GITHUB}:sub": subjects(repository, inside)}},
    }


def _holds(permission: Permission, place: Place) -> bool:
    """Whether a line is about an environment like this one."""
    if permission.doors and not place.doors:
        return False
    return (place.before is not None or not permission.on.before) and not (permission.unprotected and place.protected)


def _reach(permission: Permission, action: str, place: Place) -> Statement:
    service = action.split(":")[0]
    reach: Statement = {"Resource": place.filled(permission.on.resources, service)}
    if permission.on.condition:
        reach["Condition"] = place.filled(permission.on.condition, service)
    return reach


def _packed(parts: Iterable[Statement]) -> list[list[Statement]]:
    """Statements in order, in lists that fit into one managed policy each."""
    packed: list[list[Statement]] = [[]]
    for part in parts:
        if size(_document([*packed[-1], part])) > MANAGED_LIMIT:
            packed.append([])
        packed[-1].append(part)
    return packed


def _document(parts: list[Statement]) -> Document:
    return {"Version": "2012-10-17", "Statement": parts}
