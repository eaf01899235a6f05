"""Secrets in versions: nobody's change is lost, no value stands beside them, and who died half-way is ended."""

from collections.abc import Mapping

import pytest

from contract.configuration import MOST_NAMES, MOST_VALUE, Document
from release.process.errors import Broken, Refused
from release.records.configurations import Configurations, Rule, Version, digest_of
from tests.release.world import OPS, World

CANARY = "canary-5d1e"

pytestmark = pytest.mark.moto


@pytest.fixture
def configurations(world: World) -> Configurations:
    return world.dev.configurations


def setting(name: str, value: str = CANARY) -> Rule:
    return lambda values: {**values, name: value}


def put(configurations: Configurations, name: str, value: str = CANARY) -> Version:
    return configurations.change(setting(name, value), OPS.principal, f"set {name}")


def test_each_name_has_the_version_in_which_it_was_set_last(configurations: Configurations) -> None:
    put(configurations, "ONE")
    put(configurations, "TWO")
    after = put(configurations, "ONE", "another")
    assert (after.version, after.names) == (3, {"ONE": 3, "TWO": 2})
    assert configurations.newest() == after


def test_what_changes_nothing_is_no_version(configurations: Configurations) -> None:
    first = put(configurations, "ONE")
    assert put(configurations, "ONE") == first


def test_who_sets_at_the_same_time_is_built_upon(configurations: Configurations) -> None:
    """Somebody else is quicker, between what we read and what we write."""

    def meanwhile(values: Mapping[str, str]) -> Mapping[str, str]:
        if "THEIRS" not in values:
            put(configurations, "THEIRS")
        return {**values, "OURS": CANARY}

    after = configurations.change(meanwhile, OPS.principal, "set OURS")
    assert after.names == {"THEIRS": 1, "OURS": 2}


def test_who_died_after_the_secret_and_before_its_item_is_not_lost(world: World) -> None:
    class Dying(Configurations):
        def _note(self, version: Version) -> None:
            raise KeyboardInterrupt

    whole = world.dev.configurations
    dying = Dying(**{name: getattr(whole, name) for name in ("table", "secrets", "bucket", "names", "tags", "now")})
    with pytest.raises(KeyboardInterrupt):
        put(dying, "THEIRS")
    assert whole.newest().version == 0
    assert put(whole, "OURS").names == {"THEIRS": 1, "OURS": 2}
    assert whole.table.get("CONFIGURATION", 1) is not None


def test_items_and_documents_hold_no_value(world: World) -> None:
    configurations = world.dev.configurations
    put(configurations, "ONE")
    document = configurations.chosen({"OPEN": "to all"})
    assert document == Document({"OPEN": "to all"}, {"ONE": 1}, "stageline/dev+configuration/1")
    configurations.keep(document)
    assert configurations.read(digest_of(document)) == document
    stored = [item.body for item in configurations.table.items("CONFIGURATION")]
    stored += [str(configurations.bucket.get(key)) for key in configurations.bucket.keys("configurations/")]
    assert [text for text in stored if CANARY in text] == []
    assert len(stored) == 2


def test_nothing_set_is_no_configuration(configurations: Configurations) -> None:
    assert configurations.chosen({}) is None


@pytest.mark.parametrize(
    "values",
    [
        pytest.param({f"N{number}": "x" for number in range(MOST_NAMES + 1)}, id="too-many"),
        pytest.param({f"N{number}": "x" * MOST_VALUE for number in range(3)}, id="too-large-together"),
    ],
)
def test_more_than_a_secret_takes_is_refused_and_nothing_is_set(
    configurations: Configurations, values: dict[str, str]
) -> None:
    with pytest.raises(Refused, match="that would be"):
        configurations.change(lambda before: values, OPS.principal, "set many")
    assert configurations.newest().version == 0


def test_a_configuration_that_was_changed_in_the_bucket_is_not_believed(configurations: Configurations) -> None:
    digest = "a" * 64
    configurations.bucket.put_new(f"configurations/{digest}", b"{}")
    with pytest.raises(Broken, match="was changed"):
        configurations.read(digest)


def test_removed_values_are_gone_and_their_version_says_so(configurations: Configurations) -> None:
    put(configurations, "ONE")
    put(configurations, "ONE", "another")
    [first, _] = configurations.stored_versions().values()
    configurations.remove(first)
    assert (configurations.secrets.read(first), list(configurations.stored_versions())) == (None, [2])
    assert put(configurations, "TWO").names == {"ONE": 2, "TWO": 3}
