"""An HTTPS listener shows the certificate for the name that is asked for, and forwards plain HTTP."""

import socket
import ssl
from pathlib import Path

import pytest

from local.balancers.tls import fits
from local.certificates import Certificates, names_in
from tests.local.balancers.tls_client import ask_over_tls
from tests.local.balancers.world import HERE, NOTHING_LIVE, Application, World

APP, WILD = "arn:app", "arn:wild"


@pytest.fixture
def authority(tmp_path: Path) -> Certificates:
    return Certificates(tmp_path / "certificates")


@pytest.fixture
def trusting(authority: Certificates) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(authority.ca_bundle))


@pytest.mark.parametrize(
    ("names", "asked", "answer"),
    [
        (("app.example.com",), "app.example.com", True),
        (("app.example.com",), "APP.example.com.", True),
        (("app.example.com",), "other.example.com", False),
        (("*.example.com",), "app.example.com", True),
        (("*.example.com",), "a.b.example.com", False),
        (("*.example.com",), "example.com", False),
        (("other", "app.example.com"), "app.example.com", True),
    ],
)
def test_a_star_stands_for_one_label(names: tuple[str, ...], asked: str, answer: bool) -> None:
    assert fits(names, asked) is answer


@pytest.mark.enable_socket
def test_a_request_over_tls_is_forwarded_as_plain_http_and_says_so(
    world: World, blue: Application, authority: Certificates, trusting: ssl.SSLContext
) -> None:
    world.around.certificates[APP] = authority.issue(["app.example.com"])
    world.listen(world.group("blue", blue), protocol="HTTPS", certificate=APP, certificates=[APP])
    world.become("blue", "healthy")
    assert ask_over_tls(world.port, trusting, "app.example.com") == (200, b"blue")
    headers = blue.asked[-1][2]
    assert (headers["X-Forwarded-Proto"], headers["X-Forwarded-Port"]) == ("https", str(world.port))


@pytest.mark.enable_socket
@pytest.mark.parametrize(
    ("asked", "shown"),
    [
        ("app.example.com", "app.example.com"),
        ("shop.example.org", "*.example.org"),
        ("else.example.net", "app.example.com"),
        (None, "app.example.com"),
    ],
)
def test_the_certificate_is_chosen_by_the_name_and_else_the_first_one(
    world: World, authority: Certificates, asked: str | None, shown: str
) -> None:
    listen_with_two(world, authority)
    assert shown_certificate(world, asked) == (shown,)


@pytest.mark.enable_socket
def test_a_client_that_trusts_nobody_here_refuses_the_certificate(world: World, authority: Certificates) -> None:
    listen_with_two(world, authority)
    with pytest.raises(ssl.SSLCertVerificationError):
        ask_over_tls(world.port, ssl.create_default_context(), "app.example.com")


@pytest.mark.enable_socket
def test_a_changed_certificate_is_shown_on_the_next_connection(
    world: World, authority: Certificates, trusting: ssl.SSLContext
) -> None:
    listen_with_two(world, authority)
    before = shown_certificate(world, "new.example.com")
    world.around.certificates[APP] = authority.issue(["new.example.com"])
    assert (before, shown_certificate(world, "new.example.com")) == (("app.example.com",), ("new.example.com",))


@pytest.mark.enable_socket
def test_a_listener_turns_from_http_to_https_on_its_port(
    world: World, authority: Certificates, trusting: ssl.SSLContext
) -> None:
    world.listen(NOTHING_LIVE)
    plain = world.get()[0]
    listen_with_two(world, authority)
    assert (plain, ask_over_tls(world.port, trusting, "app.example.com")[0]) == (503, 503)


@pytest.mark.enable_socket
def test_without_a_certificate_the_connection_is_refused(world: World) -> None:
    world.listen(NOTHING_LIVE, protocol="HTTPS", certificate=APP, certificates=[APP])
    with pytest.raises(ssl.SSLError):
        shown_certificate(world, "app.example.com")


def listen_with_two(world: World, authority: Certificates) -> None:
    world.around.certificates[APP] = authority.issue(["app.example.com"])
    world.around.certificates[WILD] = authority.issue(["*.example.org"])
    world.listen(NOTHING_LIVE, protocol="HTTPS", certificate=APP, certificates=[APP, WILD])


def shown_certificate(world: World, name: str | None) -> tuple[str, ...]:
    """The names in the certificate, whoever signed it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with (
        socket.create_connection((HERE, world.port), timeout=5) as connection,
        context.wrap_socket(connection, server_hostname=name) as tls,
    ):
        return names_in(ssl.DER_cert_to_PEM_cert(tls.getpeercert(binary_form=True) or b"").encode())
