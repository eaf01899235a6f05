"""Place: the names of one environment, filled into the texts of scopes and conditions."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from settings.names import Names
from settings.permissions.identities import Identities


@dataclass(frozen=True, kw_only=True)
class Place:
    """An environment, and the one that it promotes from, which it reads. Both are meant to be in one account.

    In one that is not `protected`, whoever deploys deletes its old snapshots too. Where `doors` are opened, whoever
    deploys changes what its groups let in.
    """

    names: Names
    before: Names | None
    protected: bool
    doors: bool = False

    @cached_property
    def words(self) -> Mapping[str, str]:
        """What stands for the words in braces."""
        names, identities = self.names, Identities(names=self.names)
        return {
            "project": names.project,
            "environment": names.environment,
            "account": names.account,
            "region": names.region,
            "prefix": f"{names.project}-{names.environment}",
            "path": f"{names.project}/{names.environment}",
            "artifact_bucket": names.artifact_bucket,
            "backup_bucket": names.backup_bucket,
            "state_bucket": names.state_bucket,
            "ledger_table": names.ledger_table,
            "signing_alias": names.signing_alias,
            "state_alias": names.state_alias,
            "database_alias": names.database_alias,
            "migration_parameter": names.migration_parameter,
            "machine_path": identities.machine_path,
            "access_path": identities.access_path,
            "boundary": identities.boundary,
            "github": identities.github,
            "ci_role": identities.role("ci"),
            "operator_role": identities.role("operator"),
            "pruner_role": identities.role("pruner"),
            **self._words_before(),
        }

    def filled(self, value: Any, service: str = "") -> Any:
        """A text, list or mapping with every word in braces filled in."""
        if isinstance(value, str):
            return value.format(**self.words, service=service)
        if isinstance(value, Mapping):
            return {key: self.filled(item, service) for key, item in value.items()}
        return [self.filled(item, service) for item in value]

    def _words_before(self) -> dict[str, str]:
        if self.before is None:
            return {}
        return {
            "artifact_bucket_before": self.before.artifact_bucket,
            "ledger_table_before": self.before.ledger_table,
            "signing_alias_before": self.before.signing_alias,
        }


def place_of(names: Names, promotes_from: str | None, *, protected: bool, doors: bool = False) -> Place:
    """The place of an environment's names."""
    before = promotes_from and Names(
        project=names.project, environment=promotes_from, account=names.account, region=names.region
    )
    return Place(names=names, before=before or None, protected=protected, doors=doors)
