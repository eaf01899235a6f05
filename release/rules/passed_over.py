"""Which servers an installation passed over, and what is true of them until they are back."""

from release.records.ledger.event import Details
from release.rules.lanes import StepName


def missed(step: StepName, evidence: Details) -> str:
    """Which servers an installation passed over, in words: they come back with what their slot held before.

    And which ones a switch left out, as nobody knows what their slot holds.
    """
    if step == "switched" and {"left_out", "kept_out"} & evidence.keys():
        left_out = ", ".join(evidence["left_out"]) or "some server"
        return f"{left_out} may hold another release, and is not healthy"
    if step != "installed":
        return ""
    failed = evidence.get("failed", {})
    silent = [name for name in evidence.get("passed_over", ()) if name not in failed]
    words = [f"{name} failed ({why})" for name, why in failed.items()]
    return "; ".join([f"{', '.join(silent)} did not answer", *words] if silent else words)


def until_back(evidence: Details, name: str) -> str:
    """What is true of servers that were passed over, until a release is installed on all of them again."""
    redeployed = f"once they are back: release redeploy {name}, else: release replace-server {name} SERVER"
    if why := evidence.get("kept_out"):
        return f"they may serve another release, as the load balancer keeps them ({why}); {redeployed}"
    return f"the load balancer sends nobody there; {redeployed}"
