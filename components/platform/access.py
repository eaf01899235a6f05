"""Access: the roles of those who work in an environment, and the boundary that no role of it leaves.

What each may do is decided in `settings.permissions`; this makes it so. GitHub's OIDC provider is only named here: an
account has one for all its environments, so `release init` makes it, like the ledger.
Whoever is bounded cannot change what is made here: that takes an administrator.
"""

import json
from dataclasses import dataclass
from typing import Any

import pulumi
from pulumi import Output, ResourceOptions
from pulumi_aws.iam.policy import Policy
from pulumi_aws.iam.role import Role
from pulumi_aws.iam.role_policy_attachment import RolePolicyAttachment

from components.machine import Bounds
from settings import model
from settings.names import Names
from settings.permissions.boundary import boundary
from settings.permissions.identities import PARTIES, Identities, Party, session_seconds
from settings.permissions.place import place_of
from settings.permissions.policies import policies, trust


@dataclass(frozen=True, kw_only=True)
class AccessArgs:
    """Where there is nobody, there is no role for them."""

    names: Names
    access: model.Access
    promotes_from: str | None
    protected: bool


class Access(pulumi.ComponentResource):
    """`bounds` are for the roles of machines; `roles` are the ARNs of those of people and workflows."""

    bounds: Bounds
    roles: dict[Party, Output[str]]

    def __init__(self, name: str, args: AccessArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("stageline:platform:Access", name, {}, opts)
        self._prefix, self._args, self._child = name, args, ResourceOptions(parent=self)
        self._identities = Identities(names=args.names)
        self._place = place_of(args.names, args.promotes_from, protected=args.protected, doors=args.access.open_door)

        self.bounds = Bounds(path=self._identities.machine_path, boundary=self._make_boundary().arn)
        self.roles = {party: self._make_role(party, trust) for party, trust in self._trusts().items()}
        self.register_outputs({"boundary": self.bounds.boundary, "roles": self.roles})

    def _make_boundary(self) -> Policy:
        return self._make_policy("boundary", "What no role of this environment may do", boundary(self._place))

    def _trusts(self) -> dict[Party, dict[str, Any]]:
        """Who may become whom, as far as there is anybody. Operators also prune backups, in a role of its own."""
        found = ((party, trust(party, self._place, self._args.access)) for party in PARTIES)
        return {party: document for party, document in found if document is not None}

    def _make_role(self, party: Party, trust: dict[str, Any]) -> Output[str]:
        role = Role(
            f"{self._prefix}-{party}",
            name=self._identities.name_of(party),
            path=self._identities.access_path,
            assume_role_policy=json.dumps(trust),
            permissions_boundary=self.bounds.boundary,
            max_session_duration=session_seconds(party),
            opts=self._child,
        )
        for number, document in enumerate(policies(party, self._place), start=1):
            self._allow(f"{party}-{number}", role, document)
        arn: Output[str] = role.arn
        return arn

    def _allow(self, part: str, role: Role, document: dict[str, Any]) -> None:
        policy = self._make_policy(part, "What the role of this name may do", document)
        RolePolicyAttachment(f"{self._prefix}-{part}", role=role.name, policy_arn=policy.arn, opts=self._child)

    def _make_policy(self, part: str, description: str, document: dict[str, Any]) -> Policy:
        return Policy(
            f"{self._prefix}-{part}",
            name=self._identities.name_of(part),
            path=self._identities.access_path,
            description=description,
            policy=json.dumps(document),
            opts=self._child,
        )
