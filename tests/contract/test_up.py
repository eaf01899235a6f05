"""What the program is told of an up by its environment."""

import pytest

from contract.up import parse_passed_over, passed_over_text


@pytest.mark.parametrize("names", [(), ("env-servers-1",), ("env-servers-1", "env-servers-2")], ids=len)
def test_the_servers_passed_over_are_read_as_they_were_written(names: tuple[str, ...]) -> None:
    assert parse_passed_over(passed_over_text(names)) == set(names)
