"""One request at a time for each service, because moto's models are not made for threads.

Two at once met as `dictionary changed size during iteration`, which clients see as a fault of AWS and try again: then a
creation is done twice.
"""

import io
from collections import defaultdict
from threading import Lock, RLock
from typing import Any

from local.gate.calls import Call

SHARED = {"elbv2": "ec2"}  # load balancers read EC2's models


class Turns:
    """The turn of each service; services do not wait for each other."""

    def __init__(self) -> None:
        self._making = Lock()
        self._turns: defaultdict[str, RLock] = defaultdict(RLock)

    def of(self, call: Call) -> Any:
        """What is held while a call is served."""
        with self._making:
            return self._turns[SHARED.get(call.service, call.service)]


def read_whole(environ: dict[str, Any]) -> None:
    """Have the request's body at hand before its turn comes: a slow sender holds up nobody."""
    if environ.get("wsgi.input_terminated"):
        return  # sent in parts without a length
    environ["wsgi.input"] = io.BytesIO(environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0)))
