"""What `pulumi preview --policy-pack` starts: all rules, and any fault refuses."""

from pathlib import Path

from pulumi_policy import EnforcementLevel, PolicyPack

from policy.crossguard import policies
from policy.rules import RULES

PolicyPack(
    name="stageline",
    enforcement_level=EnforcementLevel.MANDATORY,
    policies=policies(RULES, Path(__file__).parents[1]),
)
