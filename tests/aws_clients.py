"""Clients of moto's AWS for the tests of one process: making one takes longer than most tests that use it.

moto empties what is behind them at each ``mock_aws()``; the clients themselves keep nothing.
"""

from functools import cache
from typing import Any

import boto3
import moto.core  # noqa: F401  (registers its handler with botocore, which a client has to be made after)

REGION = "eu-central-1"


@cache
def aws_client(service: str, region: str = REGION) -> Any:
    """The client of a service, with credentials that only moto accepts."""
    return _session().client(service, region_name=region)


@cache
def aws_resource(service: str, region: str = REGION) -> Any:
    """The resource of a service, likewise."""
    return _session().resource(service, region_name=region)


@cache
def _session() -> Any:
    return boto3.Session(aws_access_key_id="test", aws_secret_access_key="test")
