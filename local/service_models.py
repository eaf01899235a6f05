"""botocore's models of AWS's services, each read once in this process: together they take seconds and much memory."""

from functools import cache
from typing import Any

import boto3
import botocore.session


def new_session(profile: str | None = None, **credentials: str | None) -> boto3.Session:
    """A boto3 session of its own, which shares with all others what was read."""
    core = botocore.session.Session(profile=profile)
    core.register_component("data_loader", _loader())
    return boto3.Session(botocore_session=core, **credentials)


@cache
def _loader() -> Any:
    return botocore.session.Session().get_component("data_loader")
