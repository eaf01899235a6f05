"""Property values in their wire form."""

from local.command_provider.values import (
    ARCHIVE,
    ASSET,
    SECRET,
    SIGNATURE,
    UNKNOWN,
    comparable,
    contains_unknown,
    from_wire,
    is_unknown,
    plain,
    secret,
    to_wire,
)


def test_properties_survive_the_wire() -> None:
    properties = {"a": 1.0, "b": [True, None, "x"], "c": {SIGNATURE: SECRET, "value": {"d": "e"}}}
    assert from_wire(to_wire(properties)) == properties


def test_a_value_becomes_secret_once() -> None:
    assert secret(secret("x")) == {SIGNATURE: SECRET, "value": "x"}


def test_plain_takes_every_secret_mark_away() -> None:
    assert plain(secret({"a": [secret("x")], "b": secret(secret("y"))})) == {"a": ["x"], "b": "y"}


def test_an_unknown_is_found_at_any_depth_and_under_a_secret_mark() -> None:
    assert is_unknown(secret(UNKNOWN))
    assert not is_unknown({"a": UNKNOWN})
    assert contains_unknown({"a": [secret({"b": UNKNOWN})]})
    assert not contains_unknown({"a": ["b"]})


def test_an_asset_is_the_same_wherever_its_content_lies() -> None:
    here = {SIGNATURE: ASSET, "path": "here", "hash": "1"}
    there = {SIGNATURE: ASSET, "path": "there", "hash": "1"}
    other = {SIGNATURE: ASSET, "path": "here", "hash": "2"}
    folder = {SIGNATURE: ARCHIVE, "path": "here", "hash": "1"}
    assert comparable([here]) == comparable([there])
    assert comparable([here]) != comparable([other])
    assert comparable(here) != comparable(folder)


def test_a_value_that_became_secret_has_changed() -> None:
    assert comparable("x") != comparable(secret("x"))
