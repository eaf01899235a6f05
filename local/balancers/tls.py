"""TLS of a listener: its certificates are looked up at each handshake, so that a changed one takes effect at once.

The certificate is chosen by the name that the client asks for (SNI); where none fits, the listener's first is shown.
"""

import os
import ssl
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache

from local.certificates import Pem, names_in

Offered = Callable[[], dict[str, Pem]]


@dataclass(frozen=True, kw_only=True)
class Choice:
    """Which certificate was shown on a connection."""

    arn: str
    pem: Pem


def server_context(offered: Offered) -> ssl.SSLContext:
    """A context that shows one of the certificates that `offered()` gives then (by ARN, the default first)."""

    def choose_certificate(connection: ssl.SSLObject, name: str | None, _: ssl.SSLContext) -> int | None:
        choice = choose(offered(), name)
        if choice is None:
            return ssl.ALERT_DESCRIPTION_INTERNAL_ERROR
        connection.context = _context(choice.pem)
        return None

    context = _empty_context()
    context.sni_callback = choose_certificate
    return context


def shown(offered: Offered, connection: ssl.SSLObject) -> str | None:
    """The ARN of the certificate that was shown on a connection."""
    return next((arn for arn, pem in offered().items() if _context(pem) is connection.context), None)


def choose(offered: dict[str, Pem], name: str | None) -> Choice | None:
    """The first certificate for `name`, else the first of all; None where there are none."""
    choices = [Choice(arn=arn, pem=pem) for arn, pem in offered.items()]
    fitting = (choice for choice in choices if name and fits(_names(choice.pem), name))
    return next(fitting, choices[0] if choices else None)


def fits(names: Iterable[str], asked: str) -> bool:
    """Whether a certificate for `names` is one for `asked`; `*.` stands for one label."""
    wanted = asked.lower().rstrip(".")
    _, dot, parent = wanted.partition(".")
    return any(name.lower() in (wanted, f"*{dot}{parent}") for name in names)


@lru_cache(maxsize=128)
def _names(pem: Pem) -> tuple[str, ...]:
    return names_in(pem.certificate)


@lru_cache(maxsize=128)
def _context(pem: Pem) -> ssl.SSLContext:
    context = _empty_context()
    with os.fdopen(os.memfd_create("certificate"), "wb") as file:  # the ssl module reads files only; keys stay off disk
        file.write(pem.key + b"\n" + pem.certificate)
        file.flush()
        context.load_cert_chain(f"/proc/self/fd/{file.fileno()}")
    return context


def _empty_context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    return context
