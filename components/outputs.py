"""Outputs: what a platform hands to the stages that stand on it, as one frozen value.

The program exports it as the output `platform`. So a stage of another stack can be given what that output holds: a
`PlatformOutputs` of the same keys. It only has to be known whether there is a bastion; all else may still come.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from pulumi import Input

from components.machine import Bounds

Ids = Input[Sequence[Input[str]]]


@dataclass(frozen=True, kw_only=True)
class BastionOutputs:
    """Where SSH goes through, the key that is shown there, and the group that may reach servers."""

    address: Input[str]
    host_key: Input[str]
    group_id: Input[str]


@dataclass(frozen=True, kw_only=True)
class PlatformOutputs:
    """Nothing in it is a secret. There is a `bastion` where servers are private.

    `machine_subnet_ids` are where servers stand, from when there is a way out of these subnets. `bounds` are what roles
    of servers are made with. `access_bucket` is where load balancers may write their logs.
    """

    vpc_id: Input[str]
    public_subnet_ids: Ids
    private_subnet_ids: Ids
    machine_subnet_ids: Ids
    bounds: Bounds
    artifact_bucket: Input[str]
    log_key_arn: Input[str]
    access_bucket: Input[str]
    server_logs: Input[str]
    server_logs_arn: Input[str]
    bastion: BastionOutputs | None

    @classmethod
    def of(cls, exported: Mapping[str, Any]) -> Self:
        """The platform of another stack, by what that exported."""
        bounds, bastion = Bounds(**exported["bounds"]), exported.get("bastion")
        return cls(**{**exported, "bounds": bounds, "bastion": BastionOutputs(**bastion) if bastion else None})

    @property
    def exported(self) -> dict[str, Any]:
        """The same as plain mappings."""
        return {**vars(self), "bounds": vars(self.bounds), "bastion": vars(self.bastion) if self.bastion else None}
