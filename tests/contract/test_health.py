"""What a release says of its version."""

import pytest

from contract.health import stated_version


@pytest.mark.parametrize("body", [b"", b"[1]", b"{}", b"[" * 9000, b'{"version"', b"\xff", b"null", b'{"version": 1}'])
def test_a_body_without_a_version_states_none(body: bytes) -> None:
    assert stated_version(body) is None


@pytest.mark.parametrize("body", [b'{"version": "1.0.0"}', b'{"version": " 1.0.0\\n", "more": 1}'])
def test_a_version_is_told_without_what_surrounds_it(body: bytes) -> None:
    assert stated_version(body) == "1.0.0"
