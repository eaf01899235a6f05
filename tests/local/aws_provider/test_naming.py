"""Names for resources whose program gives none."""

import re

import pytest

from local.aws_provider.model import Autoname
from local.aws_provider.naming import Mode, NoName, Wish, automatic_name

SEED = b"seed"


def test_a_name_is_the_logical_one_with_a_dash_and_seven_hex_digits() -> None:
    assert re.fullmatch("my-widget-[0-9a-f]{7}", automatic_name(Autoname(), "my-widget", SEED))
    assert re.fullmatch("my-widget-[0-9a-f]{7}", automatic_name(Autoname(), "my-widget", b""))


def test_a_name_is_the_same_for_the_same_seed_only() -> None:
    names = [automatic_name(Autoname(), "x", seed) for seed in (b"1", b"1", b"2")]
    assert names[0] == names[1] != names[2]


def test_without_a_seed_names_differ() -> None:
    assert automatic_name(Autoname(), "x", b"") != automatic_name(Autoname(), "x", b"")


@pytest.mark.parametrize(
    ("autoname", "logical_name", "start"),
    [
        (Autoname(prefix="alias/"), "key", "alias/key-"),
        (Autoname(prefix="alias/"), "alias/key", "alias/key-"),
        (Autoname(lower_case=True), "Bucket", "bucket-"),
        (Autoname(longest=32), "a" * 24, "a" * 24 + "-"),
    ],
    ids=["prefix", "prefix-given", "lower-case", "just-fits"],
)
def test_names_follow_the_rules_of_the_service(autoname: Autoname, logical_name: str, start: str) -> None:
    assert automatic_name(autoname, logical_name, SEED)[:-7] == start


def test_a_name_that_is_too_long_is_refused_and_not_cut() -> None:
    with pytest.raises(NoName, match="has 33 characters, and 32 are allowed: give a name, or a shorter logical one"):
        automatic_name(Autoname(longest=32), "a" * 25, SEED)


def test_a_proposed_name_is_used_as_the_service_wants_it() -> None:
    wish = Wish(mode=Mode.PROPOSE, name="Team-key")
    assert automatic_name(Autoname(prefix="alias/", lower_case=True), "key", SEED, wish) == "alias/team-key"


def test_a_proposed_name_that_is_too_long_is_refused() -> None:
    with pytest.raises(NoName, match="has 33 characters"):
        automatic_name(Autoname(longest=32), "key", SEED, Wish(mode=Mode.PROPOSE, name="a" * 33))


def test_an_enforced_name_is_used_as_it_is() -> None:
    wish = Wish(mode=Mode.ENFORCE, name="Exactly This")
    assert automatic_name(Autoname(prefix="alias/", lower_case=True), "key", SEED, wish) == "Exactly This"


def test_where_automatic_names_are_turned_off_one_has_to_be_given() -> None:
    with pytest.raises(NoName, match=r"automatic names are turned off \(pulumi:autonaming\): give one"):
        automatic_name(Autoname(), "key", SEED, Wish(mode=Mode.DISABLE))
