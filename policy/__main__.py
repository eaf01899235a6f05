"""What `pulumi preview --policy-pack` starts: all rules, and any fault refuses."""

import io
import sys
from pathlib import Path

from pulumi_policy import EnforcementLevel, PolicyPack

from policy.crossguard import policies
from policy.rules import RULES

# The engine waits on this pipe for the port that the pack writes and does not flush: for ever, if it is buffered.
sys.stdout = io.TextIOWrapper(io.FileIO(sys.stdout.fileno(), "w", closefd=False), write_through=True)

PolicyPack(
    name="stageline",
    enforcement_level=EnforcementLevel.MANDATORY,
    policies=policies(RULES, Path(__file__).parents[1]),
)
