"""Each clone gets a block of loopback addresses of its own, and says so when a port is taken everywhere."""

from pathlib import Path

import pytest

from local.addresses import AddressPool, find_addresses
from local.errors import CloudError


def test_a_clone_keeps_its_block_from_start_to_start() -> None:
    first, second = (find_addresses(Path("/clone"), lambda address, port: True) for _ in range(2))
    assert first == second


def test_another_clone_usually_has_another_block() -> None:
    blocks = {find_addresses(Path(f"/clone-{number}"), lambda address, port: True).block for number in range(50)}
    assert len(blocks) > 30


def test_every_part_has_addresses_of_its_own() -> None:
    addresses = find_addresses(Path("/clone"), lambda address, port: True)
    taken = [addresses.api, addresses.balancers().take(), addresses.databases().take(), addresses.servers().take()]
    assert taken == [f"127.{addresses.block}.{part}.1" for part in range(4)]


def test_a_block_of_which_one_port_is_taken_is_passed_over() -> None:
    preferred = find_addresses(Path("/clone"), lambda address, port: True).block
    found = find_addresses(Path("/clone"), lambda address, port: (address, port) != (f"127.{preferred}.2.1", 5432))
    assert found.block == preferred % 254 + 1


def test_a_port_taken_on_all_addresses_is_named_in_one_line() -> None:
    with pytest.raises(CloudError, match="port 2222 is taken on 127") as refused:
        find_addresses(Path("/clone"), lambda address, port: port != 2222)
    assert "\n" not in str(refused.value)


def test_an_address_that_was_given_back_is_used_again_last() -> None:
    pool = AddressPool("127.9.3")
    first = pool.take()
    pool.give_back(first)
    taken = [pool.take() for _ in range(254)]
    assert taken[-1] == first


def test_a_pool_without_free_addresses_says_so() -> None:
    pool = AddressPool("127.9.3")
    for _ in range(254):
        pool.take()
    with pytest.raises(CloudError, match="all 254 addresses"):
        pool.take()
