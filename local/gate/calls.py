"""Which call of which service an HTTP request is, who signed it and when.

Read from what each protocol sends: the credential's scope names the service; `X-Amz-Target`, `Action`, or (S3) method
and path name the call. The body stays readable for moto.
"""

import io
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from threading import Lock
from typing import Any
from urllib.parse import parse_qs

from moto.core.request import Request
from moto.core.routing import get_service_router
from werkzeug.exceptions import NotFound

from local.control import Connection, Handler

# By the name that stands in signatures: the service's name in boto3. `fault` takes these as targets.
SERVICES: Mapping[str, str] = {
    "acm": "acm",
    "dynamodb": "dynamodb",
    "ec2": "ec2",
    "elasticloadbalancing": "elbv2",
    "servicequotas": "service-quotas",
    "iam": "iam",
    "kms": "kms",
    "logs": "logs",
    "monitoring": "cloudwatch",
    "rds": "rds",
    "s3": "s3",
    "secretsmanager": "secretsmanager",
    "sns": "sns",
    "ssm": "ssm",
    "sts": "sts",
}
FORM = "application/x-www-form-urlencoded"
LONGEST_FORM = 16 * 1024 * 1024
CREDENTIAL = re.compile(r"(?P<key>[^/\s=]+)/\d{8}/(?P<region>[^/]+)/(?P<service>[^/]+)/aws4_request")


@dataclass(frozen=True, kw_only=True)
class Call:
    """One request to the AWS API. Parts that it does not say are empty."""

    service: str  # as boto3 names it
    operation: str
    shape: str  # of its error replies: json, query, ec2 or s3
    key_id: str = ""  # empty when nobody signed it
    region: str = ""  # that it is signed for
    signed_at: datetime | None = None

    @property
    def name(self) -> str:
        return f"{self.service or '?'}:{self.operation or '?'}"


def recognise(environ: dict[str, Any]) -> Call | None:
    """What a WSGI request calls; None for what is no AWS call that has to be signed: anonymous S3, moto's own pages."""
    signed = CREDENTIAL.search(environ.get("HTTP_AUTHORIZATION") or _in_query(environ, "X-Amz-Credential"))
    service = SERVICES.get(signed["service"], signed["service"]) if signed else ""
    target = environ.get("HTTP_X_AMZ_TARGET", "")
    action = "" if target or service == "s3" else _action(environ)
    if not (signed or target or action):
        return None
    return Call(
        service=service or _unsigned_service(action),
        operation=target.rpartition(".")[2] or action or _by_path(service, environ),
        shape=_shape(service, target, action),
        key_id=signed["key"] if signed else "",
        region=signed["region"] if signed else "",
        signed_at=_signed_at(environ),
    )


def _action(environ: dict[str, Any]) -> str:
    return _in_query(environ, "Action") or parse_qs(_form(environ)).get("Action", [""])[0]


def _form(environ: dict[str, Any]) -> str:
    """The body when it is a form; moto reads a copy."""
    length = int(environ.get("CONTENT_LENGTH") or 0)
    if not environ.get("CONTENT_TYPE", "").startswith(FORM) or length > LONGEST_FORM:
        return ""
    body = environ["wsgi.input"].read(length)
    environ["wsgi.input"] = io.BytesIO(body)
    return str(body, "utf-8", "replace")


def _in_query(environ: dict[str, Any], name: str) -> str:
    query = environ.get("QUERY_STRING", "")
    return parse_qs(query).get(name, [""])[0] if name in query else ""


def _unsigned_service(action: str) -> str:
    return "sts" if action.startswith("AssumeRole") else ""


def _by_path(service: str, environ: dict[str, Any]) -> str:
    if service != "s3":
        return ""
    try:
        operation, _ = get_service_router(service).match(Request(environ.copy()))
    except NotFound:
        return ""
    return str(operation.name)


def _shape(service: str, target: str, action: str) -> str:
    if service in ("s3", "ec2"):
        return service
    return "query" if action and not target else "json"


def _signed_at(environ: dict[str, Any]) -> datetime | None:
    try:
        return datetime.strptime(environ.get("HTTP_X_AMZ_DATE", ""), "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        return None


class CallCounts:
    """How often each call was made, by its name."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._counts: Counter[str] = Counter()

    def add(self, call: Call) -> None:
        with self._lock:
            self._counts[call.name] += 1

    def take(self, *, reset: bool) -> dict[str, int]:
        """The counts by name; `reset` starts again from nothing, without losing a call in between."""
        with self._lock:
            counts = dict(sorted(self._counts.items()))
            if reset:
                self._counts.clear()
        return counts


def calls_handler(counts: CallCounts) -> Handler:
    """The control request `calls`, with `"reset": true` to count from now on."""

    def handle(request: dict[str, Any], connection: Connection) -> dict[str, Any]:
        return {"calls": counts.take(reset=bool(request.get("reset")))}

    return handle
