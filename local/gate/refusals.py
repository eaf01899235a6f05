"""How AWS says no before it looks at a call: each service's own code and status, in its protocol's own shape."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from uuid import uuid4

from werkzeug.wrappers import Response

from local.gate.calls import Call


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """Why a call is not done."""

    status: int
    code: str
    message: str


Refusals = Mapping[str, Refusal]  # by the shape of the reply

_RATE = "Rate exceeded"
THROTTLED: Refusals = {
    "json": Refusal(status=400, code="ThrottlingException", message=_RATE),
    "query": Refusal(status=400, code="Throttling", message=_RATE),
    "ec2": Refusal(status=503, code="RequestLimitExceeded", message="Request limit exceeded."),
    "s3": Refusal(status=503, code="SlowDown", message="Please reduce your request rate."),
}

_TOKEN = "The security token included in the request is invalid."
_NOT_VALIDATED = "AWS was not able to validate the provided access credentials"
UNKNOWN_KEY: Refusals = {
    "json": Refusal(status=400, code="UnrecognizedClientException", message=_TOKEN),
    "query": Refusal(status=403, code="InvalidClientTokenId", message=_TOKEN),
    "ec2": Refusal(status=401, code="AuthFailure", message=_NOT_VALIDATED),
    "s3": Refusal(
        status=403,
        code="InvalidAccessKeyId",
        message="The AWS Access Key Id you provided does not exist in our records.",
    ),
}

DENIED: Refusals = {
    "json": Refusal(status=400, code="AccessDeniedException", message="{why}"),
    "query": Refusal(status=403, code="AccessDenied", message="{why}"),
    "ec2": Refusal(
        status=403,
        code="UnauthorizedOperation",
        message="You are not authorized to perform this operation. {why}",
    ),
    "s3": Refusal(status=403, code="AccessDenied", message="{why}"),
}

_MISSING = "Request is missing Authentication Token"
UNSIGNED: Refusals = {
    "json": Refusal(status=400, code="MissingAuthenticationTokenException", message=_MISSING),
    "query": Refusal(status=403, code="MissingAuthenticationToken", message=_MISSING),
}

_SKEWED = "The difference between the request time and the current time is too large."
_S3_SKEWED = Refusal(status=403, code="RequestTimeTooSkewed", message=_SKEWED)
EXPIRED: Refusals = {
    "json": Refusal(status=400, code="InvalidSignatureException", message="Signature expired: {why}"),
    "query": Refusal(status=403, code="SignatureDoesNotMatch", message="Signature expired: {why}"),
    "ec2": Refusal(status=400, code="RequestExpired", message="Request has expired."),
    "s3": _S3_SKEWED,
}
NOT_YET_CURRENT: Refusals = {
    "json": Refusal(status=400, code="InvalidSignatureException", message="Signature not yet current: {why}"),
    "query": Refusal(status=403, code="SignatureDoesNotMatch", message="Signature not yet current: {why}"),
    "ec2": Refusal(status=401, code="AuthFailure", message=_NOT_VALIDATED),
    "s3": _S3_SKEWED,
}


def reply(call: Call, refusals: Refusals, why: str = "") -> Response:
    """The refusal as the call's client understands it."""
    refusal = refusals[call.shape]
    message = refusal.message.format(why=why)
    request_id = str(uuid4())
    headers = {"x-amzn-RequestId": request_id}
    if call.shape == "json":
        if call.service in QUERY_COMPATIBLE:
            headers["x-amzn-query-error"] = f"{refusals['query'].code};Sender"
        body = json.dumps({"__type": refusal.code, "message": message})
        return Response(body, refusal.status, headers, content_type="application/x-amz-json-1.1")
    error = f"<Code>{refusal.code}</Code><Message>{escape(message)}</Message>"
    return Response(
        _XML[call.shape].format(error=error, id=request_id), refusal.status, headers, content_type="text/xml"
    )


QUERY_COMPATIBLE = {"cloudwatch"}  # services that spoke query once, and whose clients still go by its codes
_XML = {
    "query": "<ErrorResponse><Error><Type>Sender</Type>{error}</Error><RequestId>{id}</RequestId></ErrorResponse>",
    "ec2": "<Response><Errors><Error>{error}</Error></Errors><RequestID>{id}</RequestID></Response>",
    "s3": "<Error>{error}<RequestId>{id}</RequestId></Error>",
}
