"""Who acts in an environment, by name: the roles of people and workflows, and the boundary that none of them leaves.

Roles of people stand under one path and those of machines under another, so that a policy can tell them apart: whoever
deploys may change machines' roles, and never their own.
"""

from dataclasses import dataclass
from typing import Literal, get_args

from settings.names import Names

Party = Literal["approver", "ci", "operator", "pruner", "administrator"]
PARTIES: tuple[Party, ...] = get_args(Party)

GITHUB = "token.actions.githubusercontent.com"
AUDIENCE = "sts.amazonaws.com"

SESSION_SECONDS = 3600
"""How long credentials of a role last at most where nothing else is said: AWS's own default."""
DEPLOYING_SECONDS = 4 * 3600
"""The same for roles that deploy. They have to last until the deployment is closed, also where it is put back.

With prod's settings each part takes at most: a snapshot 25 minutes, the install 72, checks 14, a watch 13, putting back
72. That is 3 h 16 min; AWS allows 12 hours, and each hour more is one more for whoever steals them.
"""


@dataclass(frozen=True, kw_only=True)
class Identities:
    """ARNs and paths of one environment's roles; a pure function of its names."""

    names: Names

    @property
    def access_path(self) -> str:
        """Where the roles of people and workflows stand, and the boundary."""
        return f"/{self.names.project}/{self.names.environment}/access/"

    @property
    def machine_path(self) -> str:
        """Where the roles of servers, of the bastion and of flow logs stand."""
        return f"/{self.names.project}/{self.names.environment}/machines/"

    @property
    def boundary(self) -> str:
        """The managed policy that bounds every role of the environment."""
        return f"arn:aws:iam::{self.names.account}:policy{self.access_path}{self.name_of('boundary')}"

    @property
    def github(self) -> str:
        """The OIDC provider of GitHub Actions: an account has one, whatever number of environments is in it."""
        return github_provider(self.names.account)

    def role(self, party: Party) -> str:
        """The ARN of a party's role."""
        return f"arn:aws:iam::{self.names.account}:role{self.access_path}{self.name_of(party)}"

    def name_of(self, part: str) -> str:
        """What a role or policy is called. IAM wants these names distinct in an account, whatever their paths."""
        return f"{self.names.project}-{self.names.environment}-{part}"


def session_seconds(party: Party) -> int:
    """How long whoever becomes this party may ask to be it; shorter unless they ask."""
    return DEPLOYING_SECONDS if party in ("ci", "operator") else SESSION_SECONDS


def github_provider(account: str) -> str:
    """The ARN of GitHub's OIDC provider in an account."""
    return f"arn:aws:iam::{account}:oidc-provider/{GITHUB}"
