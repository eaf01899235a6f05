"""moto as the AWS API of this cloud: one HTTP server in this process, and the IAM user that people act as."""

import logging
import socket
from threading import Thread

from moto.iam.models import iam_backends
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import make_server

from local.access import AccessKey
from local.errors import CloudError

ACCOUNT = "123456789012"  # moto's own, and the one in the tracked stack files
PARTITION = "aws"
REGION = "eu-central-1"
USER = "ops"
BACKLOG = 256


class AwsApi:
    """The server. It listens from the start, so that a taken port is known before anything else is done.

    moto's own ThreadedMotoServer binds in its thread and leaves its starter waiting for ever when the port is taken;
    these are the same few lines with the binding in front.
    """

    def __init__(self, address: str, port: int) -> None:
        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        self.url = f"http://{address}:{port}"
        self._socket = _listen(address, port)
        self._server = make_server(
            address,
            port,
            DomainDispatcherApplication(create_backend_app),
            threaded=True,
            request_handler=MotoRequestHandler,
            fd=self._socket.fileno(),
        )
        self._thread = Thread(target=self._server.serve_forever, name="aws-api", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._socket.close()


def create_user() -> AccessKey:
    """A real IAM user with an access key, so that callers have an identity."""
    iam = iam_backends[ACCOUNT][PARTITION]
    iam.create_user(REGION, USER)
    key = iam.create_access_key(USER)
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
