"""Elastic addresses lead to the server: while one is associated it is the loopback address that the server has.

There is one loopback network only, so a number of its own would lead nowhere. It has one until it is associated, and
gets that back afterwards; a server keeps the address that it was booted with throughout.
"""

import functools
from contextlib import ExitStack
from typing import Any

from moto.ec2.models.elastic_ip_addresses import ElasticAddressBackend

from local.hooks.parts import Function
from local.hooks.replacing import replace


def install_elastic_addresses(installed: ExitStack) -> None:
    """Hook moto's elastic addresses until `installed` is closed."""
    replace(installed, ElasticAddressBackend, "associate_address", _taking_the_servers)
    replace(installed, ElasticAddressBackend, "disassociate_address", _taking_its_own)


def _taking_the_servers(original: Function) -> Function:
    @functools.wraps(original)
    def associate_address(backend: Any, *args: Any, **kwargs: Any) -> Any:
        before = {interface.id: interface for interface in _associated(backend)}
        address = original(backend, *args, **kwargs)
        if address.eni is not None and (address.instance or address.eni.instance):
            address.local_own = getattr(address, "local_own", address.public_ip)
            address.public_ip = address.eni.public_ip = address.eni.private_ip_address
        for interface in before.keys() - {interface.id for interface in _associated(backend)}:
            before[interface].public_ip = None  # the address has moved on to another server
            before[interface].check_auto_public_ip()
        return address

    return associate_address


def _taking_its_own(original: Function) -> Function:
    @functools.wraps(original)
    def disassociate_address(backend: Any, address: str | None = None, association_id: str | None = None) -> None:
        found = backend.address_by_ip([address]) if address else backend.address_by_association([association_id])
        original(backend, address, association_id)
        found[0].public_ip = getattr(found[0], "local_own", found[0].public_ip)

    return disassociate_address


def _associated(backend: Any) -> list[Any]:
    return [address.eni for address in backend.addresses if address.eni is not None]
