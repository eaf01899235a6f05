"""The AWS API of the local cloud alone, in this process: what it serves is reached by HTTP, its tables by hand too."""

import os
import socket
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager

from moto.core.base_backend import BackendDict

from local.aws_api import ACCOUNT, REGION, AwsApi, create_user
from local.hooks.transactions import install_transactions
from release.doors.aws.session import AwsSession
from release.doors.aws.table import LedgerTable
from release.records.ledger.ledger import Ledger, utc_now

PROJECT_NAME, ENVIRONMENT = "stageline", "dev"


@contextmanager
def served() -> Iterator[AwsApi]:
    """An empty AWS, to which boto3's clients of this process and of those that it starts talk until the end."""
    BackendDict.reset()  # others of this process leave users and tables
    with ExitStack() as installed:
        install_transactions(installed)
        api = AwsApi("127.0.0.1", _free_port())
        api.start()
        installed.callback(api.close)
        key = create_user()
        installed.enter_context(
            _variables(
                {
                    "AWS_ACCESS_KEY_ID": key.id,
                    "AWS_SECRET_ACCESS_KEY": key.secret,
                    "AWS_DEFAULT_REGION": REGION,
                    "AWS_ENDPOINT_URL": api.url,
                }
            )
        )
        yield api


def open_ledger(table: str) -> Ledger:
    """A ledger of dev's in the table of this name, by a session of its own."""
    session = AwsSession(account=ACCOUNT, region=REGION, role=None)
    return Ledger(
        LedgerTable(session, table), project=PROJECT_NAME, environment=ENVIRONMENT, account=ACCOUNT, now=utc_now
    )


@contextmanager
def _variables(values: Mapping[str, str]) -> Iterator[None]:
    theirs = [name for name in os.environ if name.startswith("AWS_")]
    before = {name: os.environ.get(name) for name in (*values, *theirs)}
    for name in before:
        os.environ.pop(name, None)
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
