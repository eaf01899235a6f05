"""The network as this machine sees it: its own address, what names lead to, and who answers."""

import ipaddress
import socket
import urllib.request

from release.process.errors import Broken
from release.process.text import quoted

WHO_AM_I = "https://checkip.amazonaws.com"
LIMIT = 5.0  # seconds
NO_NAME = {socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME)}


class Network:
    """Asks, and changes nothing."""

    def own_address(self) -> str:
        """The IPv4 address that others see us by; Broken where nobody tells it."""
        try:
            with urllib.request.urlopen(WHO_AM_I, timeout=LIMIT) as answer:
                said = answer.read(100).decode(errors="replace").strip()
            return str(ipaddress.IPv4Address(said))
        except ipaddress.AddressValueError:
            raise Broken(f"{WHO_AM_I} says {quoted(said)}, which is no address") from None
        except OSError as error:
            hint = "say it with --from ADDRESS"
            raise Broken(f"cannot ask {WHO_AM_I} for this machine's address: {error}", hint=hint) from None

    def leads_to(self, name: str) -> frozenset[str]:
        """The IPv4 addresses of a name; none where there is no such name."""
        try:
            found = socket.getaddrinfo(name, None, family=socket.AF_INET, type=socket.SOCK_STREAM)
        except socket.gaierror as error:
            if error.errno in NO_NAME:
                return frozenset()
            raise Broken(f"cannot look up {name}: {error.strerror}", hint="check this machine's DNS") from None
        return frozenset(str(address[0]) for *_, address in found)

    def answers(self, host: str, port: int) -> bool:
        """Whether somebody takes a connection there."""
        try:
            with socket.create_connection((host, port), timeout=LIMIT):
                return True
        except OSError:
            return False
