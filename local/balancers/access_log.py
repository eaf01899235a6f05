"""The access log of a load balancer, as AWS writes it: one line per request, gzip files in a bucket.

Lines are gathered, and stored every five minutes of declared time and when the balancer is closed. What cannot be
stored is lost, as on AWS ("best effort"): the log never stops a request.
"""

import gzip
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from secrets import token_hex

from local.balancers.passage import Passage
from local.errors import CloudError

log = logging.getLogger(__name__)

LOG_INTERVAL = 300.0
MOST_LINES = 10_000  # a file is stored early when it would become larger

Store = Callable[[str, str, bytes], None]


@dataclass(frozen=True, kw_only=True)
class LogPlace:
    """Where the attributes of a load balancer say that its log goes."""

    bucket: str
    prefix: str


def log_place(attributes: Mapping[str, str]) -> LogPlace | None:
    """None when the log is off."""
    if attributes.get("access_logs.s3.enabled") != "true":
        return None
    return LogPlace(
        bucket=attributes.get("access_logs.s3.bucket", ""), prefix=attributes.get("access_logs.s3.prefix", "")
    )


class AccessLog:
    """The log of one load balancer with the address `address`. `store(bucket, key, content)` puts an object."""

    def __init__(self, arn: str, address: str, store: Store) -> None:
        self._arn, self._address, self._store = arn, address, store
        self._lines: dict[LogPlace, list[str]] = {}

    def write(self, place: LogPlace, passage: Passage) -> None:
        lines = self._lines.setdefault(place, [])
        lines.append(line_of(passage, balancer_id(self._arn)))
        if len(lines) >= MOST_LINES:
            self.flush(datetime.now(UTC))

    def flush(self, now: datetime) -> None:
        """Store what was written since the last time, if anything."""
        written, self._lines = self._lines, {}
        for place, lines in written.items():
            content = gzip.compress("".join(f"{line}\n" for line in lines).encode())
            try:
                self._store(place.bucket, log_key(self._arn, self._address, place.prefix, now), content)
            except CloudError as error:
                log.warning("%d lines of the access log of %s are lost: %s", len(lines), self._arn, error)


def balancer_id(arn: str) -> str:
    """`app/NAME/ID` of a load balancer's ARN."""
    return arn.split(":loadbalancer/", 1)[-1]


def log_folder(arn: str, prefix: str) -> str:
    """Where the log files of an account lie in their bucket."""
    account = arn.split(":")[4]
    return f"{prefix}/AWSLogs/{account}" if prefix else f"AWSLogs/{account}"


def log_key(arn: str, address: str, prefix: str, now: datetime) -> str:
    """The key of a new log file that ends now."""
    _, _, _, region, account, _ = arn.split(":", 5)
    name = balancer_id(arn).replace("/", ".")
    file = f"{account}_elasticloadbalancing_{region}_{name}_{now:%Y%m%dT%H%MZ}_{address}_{token_hex(4)}.log.gz"
    return f"{log_folder(arn, prefix)}/elasticloadbalancing/{region}/{now:%Y/%m/%d}/{file}"


def line_of(passage: Passage, balancer: str) -> str:
    """A line with AWS's fields, in AWS's order."""
    client, target = passage.client, passage.target
    place = f"{target.address}:{target.port}" if target else "-"
    fields = [
        "https" if client.protocol else "http",
        _time(datetime.now(UTC)),
        balancer,
        f"{client.address}:{client.port}",
        place,
        *_times(passage),
        str(passage.status),
        str(passage.target_status or "-"),
        str(passage.received_bytes),
        str(passage.sent_bytes),
        _quoted(client.request_line),
        _quoted(client.user_agent),
        client.cipher or "-",
        client.protocol or "-",
        passage.group or "-",
        _quoted(passage.trace),
        _quoted(client.server_name),
        _quoted(client.certificate),
        "0" if passage.action else "-1",  # the rule's priority: the default one's
        _time(passage.created),
        _quoted(passage.action),
        _quoted(passage.redirect_url),
        _quoted(None),  # error reason
        _quoted(None if place == "-" else place),
        _quoted(None if passage.target_status is None else str(passage.target_status)),
        _quoted(None),  # classification
        _quoted(None),  # its reason
        "-",  # connection trace id
    ]
    return " ".join(fields)


def _times(passage: Passage) -> list[str]:
    """Seconds until the request went to the target, until its answer began, until that was passed on; -1: not so."""
    stations = (passage.began, passage.sent_on, passage.answered, passage.ended)
    if any(station is None for station in stations):
        return ["-1", "-1", "-1"]
    return [f"{after - before:.3f}" for before, after in pairwise(stations) if before and after]


def _time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S.%f}Z"


def _quoted(text: str | None) -> str:
    r"""In quotes, with what could end the field or the line escaped as \xNN; nothing is `-`."""
    return '"' + "".join(_escaped(char) for char in text or "-") + '"'


def _escaped(char: str) -> str:
    return char if char.isprintable() and char not in '"\\' else "".join(f"\\x{byte:02x}" for byte in char.encode())
