"""Clients of one cloud for programs beside it: they go by what they are given, whatever else their caller works on.

botocore reads variables and files of its own even where all is given: a profile that does not exist, a file that it
cannot read, a proxy, and nothing works any more.
"""

import os
from typing import Any

import boto3
import botocore.session
from botocore.config import Config
from botocore.configprovider import BOTOCORE_DEFAUT_SESSION_VARIABLES

FILES = ("config_file", "credentials_file")


def cloud_client(service: str, *, url: str, region: str, key: str, secret: str) -> Any:
    """A boto3 client of the cloud at ``url``, which reads no ``AWS_…`` variable, no file of AWS's and no proxy."""
    core = botocore.session.Session(session_vars=_own_variables())
    session: Any = boto3.Session(key, secret, region_name=region, botocore_session=core)
    return session.client(service, endpoint_url=url, config=Config(proxies={}))


def _own_variables() -> dict[str, tuple[str | None, None, Any, Any]]:
    """botocore's table of what it looks up: name in a file, variable, default, conversion. Here without variables."""
    return {
        name: (in_file, None, os.devnull if name in FILES else default, conversion)
        for name, (in_file, _, default, conversion) in BOTOCORE_DEFAUT_SESSION_VARIABLES.items()
    }
