"""`release redeploy`: what is live is installed again; where nothing is, there is nothing to do."""

import pytest

from release.process.errors import Refused
from release.verbs.redeploy import proposal_again
from tests.release.world import World


def test_nothing_live_cannot_be_deployed_again(world: World) -> None:
    with pytest.raises(Refused, match="nothing is live in dev"):
        proposal_again(world.dev)
