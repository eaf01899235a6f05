"""boto3's own clients, answered from memory: what they are asked is checked as ever, and no request is made of it.

moto takes ten times longer for the same answer. While a ``Cloud`` is ``answering``, every client of DynamoDB, S3 and
KMS in this process asks it; all other services are still moto's. What the cloud does not know is an error, so that
nobody is answered by half of an AWS. ``test_memory`` runs every behaviour against these, the cloud itself and moto.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from typing import Any
from urllib.parse import unquote

import moto.core  # noqa: F401  (registers its handler with botocore, which comes after these)
from botocore import xform_name
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.exceptions import ClientError
from botocore.handlers import BUILTIN_HANDLERS, REGISTER_LAST

from tests.release.crash.memory import S3, Cloud, DynamoDb, Kms, Points

Parsed = dict[str, Any]
SERVICES = {"dynamodb": DynamoDb, "s3": S3, "kms": Kms}
answers: list[Callable[[Any, Parsed], Parsed]] = []  # the last one counts


@contextmanager
def answering(cloud: Cloud) -> Iterator[None]:
    """Answer every client from this cloud, until the end of the block."""
    services = {name: make(cloud, Points()) for name, make in SERVICES.items()}

    def answer(model: Any, given: Parsed) -> Parsed:
        return _own(getattr(services[model.service_model.service_name], xform_name(model.name))(**given))

    answers.append(answer)
    yield
    answers.remove(answer)


def _keep(params: Parsed, model: Any, context: Parsed, **_: Any) -> None:
    """Keep what a call was given, as it is before it becomes a request."""
    if answers and model.service_model.service_name in SERVICES:
        origin = params.get("CopySource")
        context["given"] = {**params, "CopySource": _origin(origin)} if origin else params


def _answer(model: Any, context: Parsed, **_: Any) -> tuple[AWSResponse, Parsed] | None:
    """The answer of the cloud, where one is asked: the place of a request, and what would be read from its reply."""
    if "given" not in context:
        return None
    try:
        return _reply(200), answers[-1](model, context["given"])
    except ClientError as error:
        return _reply(400), dict(error.response)


def _own(parsed: Parsed) -> Parsed:
    """An answer that nobody else has: boto3's resources change the items in theirs."""
    items: dict[str, Any] = {name: deepcopy(parsed[name]) for name in ("Item", "Items") if name in parsed}
    return {**parsed, **items}


def _reply(status: int) -> AWSResponse:
    return AWSResponse("https://in.memory", status, HTTPHeaders(), None)


def _origin(text: str) -> dict[str, str]:
    """Where a copy comes from, as it was given."""
    bucket, _, key = text.partition("/")
    return {"Bucket": bucket, "Key": unquote(key)}


# After all others, because those before may change what is given, or do something meanwhile.
BUILTIN_HANDLERS.append(("before-parameter-build", _keep, REGISTER_LAST))
BUILTIN_HANDLERS.append(("before-call", _answer, REGISTER_LAST))
