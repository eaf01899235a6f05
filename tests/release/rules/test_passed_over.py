"""What is said of servers that an installation passed over."""

import re

import pytest

from release.records.ledger.event import Details
from release.rules.passed_over import missed, until_back


@pytest.mark.parametrize(
    ("told", "words"),
    [
        pytest.param({}, "", id="none"),
        pytest.param({"passed_over": ["a", "b"]}, "a, b did not answer", id="silent"),
        pytest.param({"passed_over": ["a"], "failed": {"a": "disk full"}}, "a failed (disk full)", id="failed"),
        pytest.param(
            {"passed_over": ["a", "b"], "failed": {"b": "disk full"}},
            "a did not answer; b failed (disk full)",
            id="one-of-each",
        ),
    ],
)
def test_each_server_that_was_passed_over_is_named_with_what_is_known_of_it(told: Details, words: str) -> None:
    assert missed("installed", told) == words


def test_no_other_step_passes_over_a_server() -> None:
    assert missed("verified", {"passed_over": ["a"]}) == ""


@pytest.mark.parametrize(
    ("told", "words"),
    [
        pytest.param({}, "the load balancer sends nobody there", id="taken-out"),
        pytest.param({"kept_out": "Throttling"}, "may serve another release, .* \\(Throttling\\)", id="not-taken-out"),
    ],
)
def test_until_it_is_back_it_is_said_whether_users_may_meet_it(told: Details, words: str) -> None:
    said = until_back(told, "prod")
    assert re.search(words, said)
    assert "release redeploy prod" in said
