"""The way of a request through the gate: count it, judge who signed it, let faults act, and hand it to moto."""

import socket
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, NoReturn

from werkzeug.wrappers import Response
from werkzeug.wsgi import ClosingIterator

from local.clock import Clock
from local.gate import refusals
from local.gate.call_faults import CallFaults
from local.gate.calls import Call, CallCounts, recognise
from local.gate.keys import is_valid
from local.gate.permissions import Permissions
from local.gate.turns import Turns, read_whole

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
Application = Callable[[Environ, StartResponse], Iterable[bytes]]

SKEW = timedelta(minutes=5)
S3_SKEW = timedelta(minutes=15)
BY_TOKEN = {"AssumeRoleWithWebIdentity", "AssumeRoleWithSAML"}  # calls that nobody signs


class Gate:
    """A WSGI application in front of moto's."""

    def __init__(
        self,
        moto: Application,
        *,
        clock: Clock,
        counts: CallCounts,
        faults: CallFaults,
        permissions: Permissions,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._moto = moto
        self._clock = clock
        self._counts = counts
        self._faults = faults
        self._permissions = permissions
        self._turns = Turns()
        self._sleep = sleep

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        call = recognise(environ)
        if call is None:
            return self._moto(environ, start_response)
        self._counts.add(call)
        if refused := self._judge(call, environ):
            return refused(environ, start_response)
        return self._pass(call, environ, start_response)

    def _judge(self, call: Call, environ: Environ) -> Response | None:
        if not call.key_id:
            return None if call.operation in BY_TOKEN else refusals.reply(call, refusals.UNSIGNED)
        if not is_valid(call.key_id):
            return refusals.reply(call, refusals.UNKNOWN_KEY)
        if refused := judge_time(call, self._clock.now(UTC)):
            return refused
        why = self._permissions.refusal(call, environ)
        return refusals.reply(call, refusals.DENIED, why) if why else None

    def _pass(self, call: Call, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        acting = self._faults.act(call)
        if acting.delay:
            self._sleep(acting.delay)
        if acting.then == "throttle":
            return refusals.reply(call, refusals.THROTTLED)(environ, start_response)
        if acting.then == "drop":
            _close(environ)
        if acting.then == "lose":
            _do(self._serve_in_turn(call), environ)
            _close(environ)
        return self._serve_in_turn(call)(environ, start_response)

    def _serve_in_turn(self, call: Call) -> Application:
        def serve(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
            read_whole(environ)
            with self._turns.of(call):
                return self._moto(environ, start_response)

        return serve


def judge_time(call: Call, now: datetime) -> Response | None:
    """Refuse a signature that was made too long before or after `now`."""
    if call.signed_at is None:
        return None
    allowed = S3_SKEW if call.service == "s3" else SKEW
    why = f"{_stamp(call.signed_at)} is now {{}} than {{}} ({_stamp(now)} {{}} {allowed.seconds // 60} min.)"
    if call.signed_at < now - allowed:
        return refusals.reply(call, refusals.EXPIRED, why.format("earlier", _stamp(now - allowed), "-"))
    if call.signed_at > now + allowed:
        return refusals.reply(call, refusals.NOT_YET_CURRENT, why.format("still later", _stamp(now + allowed), "+"))
    return None


def _stamp(moment: datetime) -> str:
    return moment.strftime("%Y%m%dT%H%M%SZ")


def _do(application: Application, environ: Environ) -> None:
    """Run a request to its end, and keep its reply from everybody."""
    for _ in ClosingIterator(application(environ, lambda *_: None)):
        continue


def _close(environ: Environ) -> NoReturn:
    """Close the connection without a word. The exception is how werkzeug learns of it."""
    environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
    raise ConnectionResetError("closed by a fault")
