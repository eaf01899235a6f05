"""A balancer ten times faster than declared, and two applications."""

from collections.abc import Iterator

import pytest

from local.balancers import Balancers
from local.pace import Pace
from tests.local.balancers.world import ARN, HERE, Application, Around, Backend, LoadBalancer, World, free_port


@pytest.fixture
def world() -> Iterator[World]:
    backend, model, around = Backend(), LoadBalancer(), Around()
    balancers = Balancers(around.doors(), Pace(factor=10))
    balancers.start()
    balancers.add(backend, model, HERE)
    assert model.arn == ARN
    yield World(balancers, backend, model, free_port(), around)
    balancers.close()


@pytest.fixture
def blue() -> Iterator[Application]:
    application = Application("blue")
    yield application
    application.close()


@pytest.fixture
def green() -> Iterator[Application]:
    application = Application("green")
    yield application
    application.close()
