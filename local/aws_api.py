"""moto as the AWS API of this cloud: one HTTP server in this process, and the IAM user that people act as."""

import json
import logging
import re
import socket
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC
from threading import Lock, Thread
from typing import Any

from moto.iam.models import iam_backends
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.http import http_date
from werkzeug.serving import make_server

from local.access import AccessKey
from local.clock import Clock
from local.errors import CloudError
from local.gate.call_faults import CallFaults
from local.gate.calls import CallCounts
from local.gate.gate import Gate
from local.gate.permissions import Permissions

ACCOUNT = "123456789012"  # moto's own, and the one in the tracked stack files
PARTITION = "aws"
REGION = "eu-central-1"
USER = "ops"
EVERYTHING = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]})
BACKLOG = 256

_creating = Lock()


class AwsApi:
    """The server, with its clock, its counts and its faults.

    It listens from the start, so that a taken port is known before anything else is done.

    moto's own ThreadedMotoServer binds in its thread and leaves its starter waiting for ever when the port is taken;
    these are the same few lines with the binding in front.
    """

    def __init__(self, address: str, port: int) -> None:
        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        self.url = f"http://{address}:{port}"
        self.clock = Clock()
        self.counts = CallCounts()
        self.call_faults = CallFaults()
        self.permissions = Permissions()
        self._socket = _listen(address, port)
        moto = _Dispatcher(create_backend_app)
        self._server = make_server(
            address,
            port,
            Gate(moto, clock=self.clock, counts=self.counts, faults=self.call_faults, permissions=self.permissions),
            threaded=True,
            request_handler=_telling(self.clock),
            fd=self._socket.fileno(),
        )
        self._hooks = ExitStack()
        self._thread = Thread(target=self._server.serve_forever, name="aws-api", daemon=True)

    def start(self) -> None:
        self.clock.install(self._hooks)
        self._thread.start()

    def status(self) -> list[dict[str, str]]:
        """Whether it still serves."""
        return [{"name": "AWS API", "address": self.url, "state": "running" if self._thread.is_alive() else "crashed"}]

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        self._socket.close()
        self._hooks.close()


class _Dispatcher(DomainDispatcherApplication):  # type: ignore[misc]  # moto's server has no types
    """Finds the service of a host once. moto lists all its folders for each request, which takes longer than most."""

    def __init__(self, create_app: Callable[[Any], Any]) -> None:
        super().__init__(create_app)
        self._known: dict[str | None, Any] = {}

    def get_backend_for_host(self, host: str | None) -> Any:
        if host not in self._known:
            self._known[host] = super().get_backend_for_host(host)
        return self._known[host]


def _telling(clock: Clock) -> type[MotoRequestHandler]:
    class RequestHandler(MotoRequestHandler):  # type: ignore[misc]  # moto's server has no types
        """Says the cloud's time in each reply's `Date`."""

        def date_time_string(self, timestamp: float | None = None) -> str:
            return http_date(clock.now(UTC) if timestamp is None else timestamp)

    return RequestHandler


def create_user(account: str = ACCOUNT) -> AccessKey:
    """The key of the real IAM user that people act as in an account; both are made when they are first asked for.

    The user may do everything, also while permissions are enforced.

    Raises `CloudError` when that is no account number.
    """
    if not re.fullmatch(r"\d{12}", account):
        raise CloudError(f"an AWS account has 12 digits, not {account!r}: give one like {ACCOUNT}")
    iam = iam_backends[account][PARTITION]
    with _creating:
        if USER not in iam.users:
            iam.create_user(REGION, USER)
            iam.put_user_policy(USER, "everything", EVERYTHING)
        active = [key for key in iam.list_access_keys(USER) if key.status == "Active"]
        key = active[0] if active else iam.create_access_key(USER)
    return AccessKey(id=key.access_key_id, secret=key.secret_access_key)


def _listen(address: str, port: int) -> socket.socket:
    server = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        server.bind((address, port))
    except OSError as error:
        server.close()
        raise CloudError(
            f"port {port} is taken on {address} ({error.strerror}): stop the program that listens"
            " there and run `local-cloud up` again"
        ) from error
    server.listen(BACKLOG)
    return server
