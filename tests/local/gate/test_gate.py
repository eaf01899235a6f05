"""What passes the gate to moto, in which order it is judged, and what faults do to it on the way."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from moto import mock_aws
from moto.iam.models import iam_backends
from werkzeug.datastructures import Headers
from werkzeug.test import EnvironBuilder, run_wsgi_app

from local.access import AccessKey
from local.aws_api import ACCOUNT, PARTITION, USER, create_user
from local.clock import Clock
from local.faults import Fault
from local.gate.call_faults import CallFaults
from local.gate.calls import CallCounts
from local.gate.gate import Gate
from local.gate.permissions import Permissions

NOW = datetime(2026, 11, 21, 10, 45, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@dataclass
class Moto:
    """Answers every request, and remembers what it was given."""

    bodies: list[bytes] = field(default_factory=list)

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        self.bodies.append(environ["wsgi.input"].read())
        start_response("200 OK", [])
        return [b"done"]


@dataclass
class Socket:
    """The connection of a request."""

    closed: int = 0

    def shutdown(self, how: int) -> None:
        self.closed += 1


@dataclass
class Passage:
    """A gate, and everything around it."""

    key: AccessKey
    moto: Moto = field(default_factory=Moto)
    clock: Clock = field(default_factory=lambda: Clock(lambda tz: NOW))
    counts: CallCounts = field(default_factory=CallCounts)
    faults: CallFaults = field(default_factory=CallFaults)
    permissions: Permissions = field(default_factory=Permissions)
    slept: list[float] = field(default_factory=list)
    connection: Socket = field(default_factory=Socket)

    def send(self, service: str = "kms", key_id: str | None = None, at: datetime = NOW, **more: Any) -> tuple[str, str]:
        """The status and body of a call's reply."""
        gate = Gate(self.moto, clock=self.clock, counts=self.counts, faults=self.faults, permissions=self.permissions,
                    sleep=self.slept.append)  # fmt: skip
        headers = {"X-Amz-Date": at.strftime("%Y%m%dT%H%M%SZ"), "X-Amz-Target": "TrentService.ListKeys"}
        if key_id != "":
            scope = f"{key_id or self.key.id}/20261121/eu-central-1/{service}/aws4_request"
            headers["Authorization"] = f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host"
        environ = EnvironBuilder(method="POST", headers=Headers(headers), data=b"{}", **more).get_environ()
        body, status, _ = run_wsgi_app(gate, {**environ, "werkzeug.socket": self.connection})
        return status, b"".join(body).decode()

    def let(self, kind: str, seconds: float = 0.0) -> None:
        self.faults.inject(Fault(id=kind, kind=kind, target="*", seconds=seconds))


@pytest.fixture
def passage() -> Iterator[Passage]:
    with mock_aws():
        yield Passage(key=create_user())


def test_a_call_that_nothing_is_wrong_with_reaches_moto_and_is_counted(passage: Passage) -> None:
    assert passage.send() == ("200 OK", "done")
    assert (passage.moto.bodies, passage.counts.take(reset=False)) == ([b"{}"], {"kms:ListKeys": 1})


@pytest.mark.parametrize(
    ("service", "away", "done"),
    [
        pytest.param("kms", 5 * MINUTE, True, id="five minutes ahead"),
        pytest.param("kms", -5 * MINUTE, True, id="five minutes behind"),
        pytest.param("kms", 6 * MINUTE, False, id="six minutes ahead"),
        pytest.param("kms", -6 * MINUTE, False, id="six minutes behind"),
        pytest.param("s3", 15 * MINUTE, True, id="s3 fifteen minutes ahead"),
        pytest.param("s3", -16 * MINUTE, False, id="s3 sixteen minutes behind"),
    ],
)
def test_a_signature_may_be_so_far_from_the_clouds_time(
    passage: Passage, service: str, away: timedelta, done: bool
) -> None:
    passage.clock.inject(Fault(id="f1", kind="clock", target="", seconds=3600))
    status, _ = passage.send(service, at=NOW + timedelta(hours=1) + away)
    assert (status == "200 OK", len(passage.moto.bodies)) == (done, int(done))


@pytest.mark.parametrize(
    ("away", "said"),
    [
        pytest.param(
            -6 * MINUTE,
            "Signature expired: 20261121T103900Z is now earlier than 20261121T104000Z (20261121T104500Z - 5 min.)",
            id="behind",
        ),
        pytest.param(
            6 * MINUTE,
            "Signature not yet current: 20261121T105100Z is now still later than 20261121T105000Z"
            " (20261121T104500Z + 5 min.)",
            id="ahead",
        ),
    ],
)
def test_how_far_a_signature_is_off_is_told(passage: Passage, away: timedelta, said: str) -> None:
    assert said in passage.send(at=NOW + away)[1]


def test_what_nobody_signed_is_not_done(passage: Passage) -> None:
    status, body = passage.send(key_id="")
    assert (status, "MissingAuthenticationTokenException" in body) == ("400 BAD REQUEST", True)
    assert passage.moto.bodies == []


@pytest.mark.parametrize("spoilt", ["unknown", "inactive", "deleted", "of a deleted user"])
def test_a_key_that_is_not_valid_here_does_nothing(passage: Passage, spoilt: str) -> None:
    iam = iam_backends[ACCOUNT][PARTITION]
    key_id = "AKIAIOSFODNN7EXAMPLE" if spoilt == "unknown" else passage.key.id
    if spoilt == "inactive":
        iam.update_access_key(USER, key_id, "Inactive")
    if spoilt == "deleted":
        iam.delete_access_key(key_id, USER)
    if spoilt == "of a deleted user":
        iam.delete_user_policy(USER, "everything")
        iam.delete_user(USER)
    status, body = passage.send(key_id=key_id)
    assert (status, "UnrecognizedClientException" in body) == ("400 BAD REQUEST", True)
    assert passage.moto.bodies == []


def test_a_refused_call_uses_up_no_fault(passage: Passage) -> None:
    passage.faults.inject(Fault(id="f1", kind="throttle", target="*", times=1))
    passage.send(key_id="AKIAIOSFODNN7EXAMPLE")
    assert "ThrottlingException" in passage.send()[1]


def test_a_late_call_is_done_after_the_delay(passage: Passage) -> None:
    passage.let("delay", seconds=2.5)
    assert (passage.send(), passage.slept) == (("200 OK", "done"), [2.5])


def test_a_throttled_call_is_not_done(passage: Passage) -> None:
    passage.let("throttle")
    status, _ = passage.send()
    assert (status, passage.moto.bodies) == ("400 BAD REQUEST", [])


@pytest.mark.parametrize(("kind", "bodies"), [("drop", []), ("lose", [b"{}"])])
def test_a_dropped_call_is_not_done_and_a_lost_one_is_and_neither_is_answered(
    passage: Passage, kind: str, bodies: list[bytes]
) -> None:
    passage.let(kind)
    with pytest.raises(ConnectionResetError):
        passage.send()
    assert (passage.moto.bodies, passage.connection.closed) == (bodies, 1)
