"""The environments keep every rule, whatever their slots hold."""

import pytest

from components.slots import Slots
from policy.permissions import EXEMPTIONS
from policy.rules import RULES, Rule
from settings.stackfile import environments
from tests.components.recording import EMPTY, GREEN_LIVE
from tests.docs.pages import ROOT, rows, section
from tests.policy.recorded import everything_said, recorded, with_everything
from tests.project import PROJECT

ENVIRONMENTS = environments(PROJECT)
# Rules for what no environment declares so far, or must never declare.
IDLE = {"bucket-acl-private", "topic-encrypted", "no-secret-in-state"}


@pytest.mark.parametrize("slots", [EMPTY, GREEN_LIVE], ids=["empty slots", "filled slots"])
@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_no_rule_has_anything_against_an_environment(name: str, slots: Slots) -> None:
    assert everything_said(recorded(name, slots)) == []


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_nor_against_one_with_private_servers_and_a_role_for_everybody(name: str) -> None:
    assert everything_said(with_everything(name)) == []


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_every_rule_has_something_to_judge_in_prod(rule: Rule) -> None:
    judged = [one for one in recorded("prod").resources if one.type.startswith(rule.types)]
    assert judged or rule.name in IDLE


def test_every_exemption_has_its_reason() -> None:
    assert [entry for entry in EXEMPTIONS if len(entry.reason) < 20] == []


def test_names_of_rules_are_told_apart() -> None:
    assert len({rule.name for rule in RULES}) == len(RULES)


def test_the_page_on_security_tells_every_rule_and_when_it_is_judged() -> None:
    page = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
    assert rows(section(page, "The rules")) == [[f"`{rule.name}`", rule.says, when(rule)] for rule in RULES]


def when(rule: Rule) -> str:
    """What stands behind a rule on that page."""
    return ", ".join(word for word, so in (("protected", rule.protected_only), ("whole", rule.whole)) if so)
