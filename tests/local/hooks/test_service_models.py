from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from threading import Barrier

import pytest
from moto.core import utils
from moto.core.base_backend import AccountSpecificBackend

from local.hooks.service_models import install_service_models

AT_ONCE = 8


@pytest.fixture(autouse=True)
def installed() -> Iterator[None]:
    with ExitStack() as installed:
        install_service_models(installed)
        yield


def test_many_requests_at_once_read_a_service_once() -> None:
    start = Barrier(AT_ONCE)

    def load(_: int) -> int:
        start.wait()
        return id(utils._load_service_model("sns", "service-2"))

    with ThreadPoolExecutor(AT_ONCE) as pool:
        assert len(set(pool.map(load, range(AT_ONCE)))) == 1


def test_each_service_and_kind_of_model_is_its_own() -> None:
    sns, sqs = (utils._load_service_model(name, "service-2") for name in ("sns", "sqs"))
    assert (sns["metadata"]["serviceId"], sqs["metadata"]["serviceId"]) == ("SNS", "SQS")
    assert "pagination" in utils._load_service_model("sns", "paginators-1")


def test_regions_are_known_from_what_is_shared() -> None:
    assert "eu-central-1" in AccountSpecificBackend.get_session().get_available_regions("sns")
    assert AccountSpecificBackend.get_session() is AccountSpecificBackend.get_session()
