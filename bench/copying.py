"""`python -m bench.copying SOURCE TARGET KEY DIGEST`: the copy that a promotion makes, in a process of its own.

Prints what went over the connection to S3, as JSON: `sent` and `received`, in bytes, with all headers.
"""

import json
import os
import sys
from typing import Any

from release.doors.aws.bucket import Bucket
from release.doors.aws.session import AwsSession

ACCOUNT = "123456789012"


def main(source: str, target: str, key: str, digest: str) -> None:
    """Copy, and count."""
    session = AwsSession(account=ACCOUNT, region=os.environ["AWS_REGION"], role=None)
    counted = {"sent": 0, "received": 0}
    events = session.client("s3").meta.events

    def sending(request: Any, **_: Any) -> None:
        counted["sent"] += len(request.url) + _length(request.headers) + len(request.body or b"")

    def received(response_dict: Any, **_: Any) -> None:
        counted["received"] += _length(response_dict["headers"]) + len(response_dict["body"])

    events.register("before-send.s3", sending)
    events.register("response-received.s3", received)
    if not Bucket(session, target).copy_new_from(Bucket(session, source), key, digest, None):
        sys.exit(f"{key} is in {target} already")
    print(json.dumps(counted))


def _length(headers: Any) -> int:
    return sum(len(f"{name}: {value}\r\n") for name, value in headers.items())


if __name__ == "__main__":
    main(*sys.argv[1:])
