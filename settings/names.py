"""Names that `release` must find in an account without asking anyone.

They are a pure function of project, environment, account and region. Everything else that Stageline makes is
named by Pulumi. Standard library only: `release` reads names before it reads anything heavy.
"""

import re
from dataclasses import dataclass

NAME_PATTERN = r"[a-z][a-z0-9]*(-[a-z0-9]+)*"
NAME_LIMIT = 31
DEMO = "demo"
OF_DEMOS = f"{DEMO}-"
ENVIRONMENT_RULE = (
    "a lower-case letter, then up to 30 lower-case letters or digits, with single dashes between; "
    "what begins with demo- is kept for demos"
)
BUCKET_NAME_LIMIT = 63

# Single dashes, none at the end: RDS refuses other identifiers, and these names become part of its snapshots'.
_ENVIRONMENT = re.compile(NAME_PATTERN)


def is_environment_name(text: str) -> bool:
    """Whether `text` may name an environment, and so become part of a path, a bucket and a stack."""
    return len(text) <= NAME_LIMIT and _ENVIRONMENT.fullmatch(text) is not None and not text.startswith(OF_DEMOS)


@dataclass(frozen=True, kw_only=True)
class Names:
    """The derived names of one environment in one account and region."""

    project: str
    environment: str
    account: str
    region: str

    @property
    def label(self) -> str:
        """What people see in AWS: the dashboard's name, and what those of machines and alarms begin with."""
        return f"{self.project}-{self.environment}"

    @property
    def ledger_table(self) -> str:
        """DynamoDB table of the append-only history; made by `release init`, not by Pulumi."""
        return f"{self.label}-ledger"

    @property
    def artifact_bucket(self) -> str:
        """S3 bucket of artifacts; account and region make it unique in the world."""
        return f"{self.label}-artifacts-{self.account}-{self.region}"

    @property
    def backup_bucket(self) -> str:
        """S3 bucket of configuration and stack-state backups."""
        return f"{self.label}-backups-{self.account}-{self.region}"

    @property
    def state_bucket(self) -> str:
        """S3 bucket of the Pulumi state of all the project's environments in an account and region."""
        return f"{self.project}-state-{self.account}-{self.region}"

    @property
    def demos_table(self) -> str:
        """DynamoDB table of all the project's demos in an account and region; made by `release init`, not by Pulumi."""
        return f"{self.project}-demos"

    @property
    def signing_alias(self) -> str:
        """KMS alias of the key that signs release manifests and verdicts."""
        return f"alias/{self.label}-signing"

    @property
    def state_alias(self) -> str:
        """KMS alias of the key that encrypts secrets in the stack's state; made by `release init`."""
        return f"alias/{self.label}-state"

    @property
    def database_alias(self) -> str:
        """KMS alias of the key that encrypts the database and its snapshots."""
        return f"alias/{self.label}-database"

    @property
    def deploy_key(self) -> str:
        """Secret with the SSH key pair that installs releases; read by the program, never by servers."""
        return f"{self._path}/deploy-key"

    @property
    def authorized_keys(self) -> str:
        """Secret with the `authorized_keys` lines that servers refresh, so that rotation replaces nothing."""
        return f"{self._path}/authorized-keys"

    @property
    def host_key(self) -> str:
        """Secret with the servers' SSH host key pair; servers fetch it at boot, so it can be pinned."""
        return f"{self._path}/host-key"

    @property
    def bastion_host_key(self) -> str:
        """Secret with the bastion's own SSH host key pair; only where servers are private."""
        return f"{self._path}/bastion-host-key"

    @property
    def database_login(self) -> str:
        """Secret with the name and password of the application's role in the database; made by `release init`."""
        return f"{self._path}/database-login"

    def configuration(self, version: int | str) -> str:
        """Secret with the application's secrets as they were set in one version; `*` stands for any.

        No environment's name has a `+`: whoever may read the secrets beside it may not read these.
        """
        return f"{self._path}+configuration/{version}"

    @property
    def demos_login(self) -> str:
        """Secret with the role that makes demos' databases beside the application's; made by `release init`."""
        return f"{self._path}/demos-login"

    @property
    def database_parameter(self) -> str:
        """SSM parameter with the database's address and the name of the application's secret; holds no password."""
        return f"/{self._path}/database"

    @property
    def migration_parameter(self) -> str:
        """SSM parameter with the deployment that may run its migration now; `release` writes it, servers read it."""
        return f"/{self._path}/migration"

    @property
    def platform_parameter(self) -> str:
        """SSM parameter with what stages of other stacks need of the platform: whoever makes a demo reads it there."""
        return f"/{self._path}/platform"

    @property
    def guard_parameter(self) -> str:
        """SSM parameter that stands in the way of a protected environment's destruction."""
        return f"/{self._path}/guard"

    @property
    def server_logs(self) -> str:
        """Log group of the servers' logs; they are told its name when they boot."""
        return f"/{self._path}/servers"

    @property
    def _path(self) -> str:
        return f"{self.project}/{self.environment}"
