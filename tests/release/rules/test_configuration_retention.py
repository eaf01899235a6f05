"""What is needed of configurations: by slots, by the ways back, by what is under way."""

import pytest

from release.records.ledger.head import Former, Live, Open, Previous, State
from release.rules.configuration_retention import judged_documents, judged_versions, uses_of
from release.rules.retention import Use
from tests.release.values import slot

LIVE = Live(slot="blue", release="1.0.0", digest="d", deployment="p", since="t", configuration="live")
OPEN = Open(
    deployment="dev-3", kind="redeployment", release="1.0.0", digest="d", slot="green", step="installed", requested=9,
    former=Former(declared="blue", content=slot("1.0.0").but(configuration="former")), configuration="tried",
)  # fmt: skip


@pytest.mark.parametrize(
    ("state", "digest"),
    [
        pytest.param(State(live=LIVE), "live", id="live"),
        pytest.param(State(green=slot("1.0.0").but(configuration="held")), "held", id="in-a-slot"),
        pytest.param(
            State(previous=Previous(release="1", digest="d", deployment="p", configuration="before")),
            "before",
            id="the-way-back",
        ),
        pytest.param(State(open=OPEN), "tried", id="tried"),
        pytest.param(State(open=OPEN), "former", id="put-back-to"),
    ],
)
def test_what_an_environment_may_need_stays(state: State, digest: str) -> None:
    needed, other = judged_documents([digest, "other"], uses_of("dev", state))
    assert (needed.goes, other.goes) == (False, True)


def test_secrets_that_no_configuration_names_go_but_for_the_two_newest() -> None:
    secrets = {number: f"s/{number}" for number in (1, 2, 3, 4)}
    judged = judged_versions(secrets, [Use(of="s/1", what="named by configuration a")])
    assert [one.candidate.of for one in judged if one.goes] == ["s/2"]
