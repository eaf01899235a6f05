"""What happened to one request on its way through a load balancer: filled in as it goes, then counted and logged."""

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from secrets import token_hex

from local.balancers.targets import Target

TRACE_HEADER = "X-Amzn-Trace-Id"


@dataclass(kw_only=True)
class Client:
    """Who asked, over what, and for what. `cipher`, `protocol` and `certificate` are of TLS, else None."""

    address: str
    port: int
    request_line: str
    user_agent: str | None
    server_name: str | None
    cipher: str | None
    protocol: str | None
    certificate: str | None


@dataclass(kw_only=True)
class Passage:
    """One request. Times are seconds of the monotonic clock; `target_status` is None until a target answered."""

    client: Client
    trace: str
    began: float = field(default_factory=time.monotonic)
    created: datetime = field(default_factory=lambda: datetime.now(UTC))
    action: str | None = None
    group: str | None = None
    target: Target | None = None
    sent_on: float | None = None
    answered: float | None = None
    ended: float | None = None
    status: int = 0
    target_status: int | None = None
    connection_failed: bool = False
    redirect_url: str | None = None
    received_bytes: int = 0
    sent_bytes: int = 0

    @property
    def target_seconds(self) -> float | None:
        """From the request's way to the target until its answer began."""
        return None if self.answered is None or self.sent_on is None else self.answered - self.sent_on


def new_trace(given: str | None, now: float) -> str:
    """The trace id that a request is forwarded with: a new root, or one more station of the given one."""
    own = f"1-{int(now):08x}-{token_hex(12)}"
    return f"Self={own};{given}" if given else f"Root={own}"
