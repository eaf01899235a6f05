"""Demos on moto: secrets, objects and the registry are real."""

import pytest

from tests.release.demos import Demos
from tests.release.world import World


@pytest.fixture
def demos(world: World) -> Demos:
    return Demos(world)
