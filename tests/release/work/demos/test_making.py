"""A demo brought up: recorded before anything is made, gone on with whatever stopped, and one command at a time."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from release.process.errors import Broken, LeaseHeld, LeaseLost, Refused
from release.process.output import Progress
from release.process.processes import Processes
from release.records.artifacts.archive import inspect_artifact
from release.records.demos.demo import Content, Cost, Demo
from release.records.demos.registry import Entry, Registry
from release.work.database_role import DatabaseRole, Done
from release.work.demos.making import ANSWER_LIMIT, Wanted, bring_up, wait_for_answer
from settings.model import Demo as Limits
from tests.release.demos import ANA, BEN, BRANCH, Demos, FakeBalancer, FakeProbe, demo, nothing
from tests.release.world import World

pytestmark = pytest.mark.moto


def keys(demos: Demos, demo: Demo) -> set[str]:
    return {key.rsplit("/", 1)[1] for key in demos.base.artifacts.keys(f"demos/{demo.creation}/")}


@dataclass(frozen=True, kw_only=True)
class FakeRole(DatabaseRole):
    """Remembers of which environments it was made."""

    asked: list[str] = field(default_factory=list)

    def ensure(self, outputs: Mapping[str, Any]) -> Done:
        self.asked.append(self.settings.environment)
        return "made"


def raising(error: BaseException) -> Callable[[], None]:
    def fail() -> None:
        raise error

    return fail


def test_a_branch_gets_a_demo_of_its_owner_for_a_while(demos: Demos) -> None:
    demo = demos.up()
    assert (demo.state, demo.url, demo.owner, demo.held) == ("up", "http://demo:80", ANA.principal, None)
    assert demo.expires_at - demos.registry.now() < timedelta(days=3)
    assert demo == demos.entry().demo
    assert demos.stack().calls == ["create", "up"]


def test_its_keys_are_named_by_its_creation_and_tagged_as_its_own(demos: Demos) -> None:
    demo = demos.up()
    secrets = demos.base.environment.session.client("secretsmanager").list_secrets()["SecretList"]
    own = {one["Name"]: {tag["Key"]: tag["Value"] for tag in one["Tags"]} for one in secrets}
    names = ("deploy-key", "host-key", "authorized-keys", "database-login")
    assert own.keys() == {f"stageline/demo-{demo.creation}/{name}" for name in names}
    assert all((tags["kind"], tags["creation"]) == ("demo", demo.creation) for tags in own.values())


def test_it_is_recorded_before_anything_of_it_is_made(demos: Demos) -> None:
    seen: list[Demo] = []
    demos.stack().during_up = lambda: seen.append(demos.entry().demo)
    demo = demos.up()
    assert [(one.state, one.content) for one in seen] == [("creating", demo.content)]
    assert seen[0].held is not None


def test_its_artifact_lies_where_nothing_can_be_promoted_from(demos: Demos) -> None:
    demo = demos.up()
    assert demo.content is not None
    assert keys(demos, demo) == {demo.content.digest}
    assert demos.base.environment.releases.versions() == ()


def test_a_release_of_the_base_is_copied_to_it(demos: Demos, world: World) -> None:
    manifest = world.publish("1.0.0")
    wanted = Wanted(branch=BRANCH, life=timedelta(days=1), open_to=None, version="1.0.0", shown=manifest)
    demo = bring_up(demos.base, wanted, ANA, Progress())
    assert keys(demos, demo) == {manifest.digest}


def test_again_its_content_changes_and_its_time_begins_anew(demos: Demos) -> None:
    first = demos.up(life=timedelta(days=1))
    demos.pass_by(timedelta(hours=20))
    again = demos.up(note="second", life=timedelta(days=1))
    assert (again.creation, again.made) == (first.creation, first.made)
    assert first.content and again.content and first.content.digest != again.content.digest
    assert again.expires_at - first.expires_at >= timedelta(hours=20)
    assert demos.stack().calls == ["create", "up", "up"]


def test_its_stack_file_is_written_once_because_pulumi_writes_into_it(demos: Demos) -> None:
    demo = demos.up()
    file = demos.base.environment.project.folder / f"Pulumi.{demo.stack}.yaml"
    config = yaml.safe_load(file.read_text())["config"]
    assert config["stageline:servers"]["count"] == 1
    file.write_text("config: {}\n# by Pulumi")
    demos.up()
    assert file.read_text().endswith("by Pulumi")


def test_who_may_see_it_stays_until_somebody_says_otherwise(demos: Demos, tmp_path: Path) -> None:
    assert demos.up().open_to == ("203.0.113.0/24",)
    wanted = Wanted(
        branch=BRANCH,
        life=timedelta(days=1),
        open_to=("0.0.0.0/0",),
        version="1.0.0",
        shown=demos.world.publish("1.0.0"),
    )
    bring_up(demos.base, wanted, ANA, Progress())
    assert demos.up().open_to == ("0.0.0.0/0",)


@pytest.mark.parametrize("call", ["create", "up"])
def test_what_failed_is_kept_with_its_reason_and_gone_on_with(demos: Demos, call: str) -> None:
    demos.stack().fails[call] = "no capacity"
    with pytest.raises(Broken, match="no capacity"):
        demos.up()
    failed = demos.entry().demo
    assert (failed.state, failed.why, failed.held) == ("failed", "no capacity", None)
    again = demos.up()
    assert (again.creation, again.state, again.why) == (failed.creation, "up", "")


def test_what_was_killed_is_gone_on_with(demos: Demos) -> None:
    demos.stack().during_up = raising(SystemExit())
    own = Processes().find(1)
    assert own is not None
    dead = replace(own, began=own.began + 1)  # the number is given to another process
    with pytest.raises(SystemExit):
        demos.up(by=replace(ANA, process=dead))
    killed = demos.entry().demo
    demos.stack().during_up = nothing
    assert killed.state == "creating"
    assert demos.up().creation == killed.creation


def test_two_at_once_are_one(demos: Demos) -> None:
    demos.up()
    demos.registry.change(demos.entry(), held=demos.held_for_a_while())
    with pytest.raises(LeaseHeld, match="user/ben works on feature-demo/map"):
        demos.up()


def test_whoever_was_overtaken_records_nothing(demos: Demos) -> None:
    demos.up()
    demos.stack().during_up = lambda: demos.registry.change(demos.entry(), state="dying")
    with pytest.raises(LeaseLost):
        demos.up()
    assert demos.entry().demo.state == "dying"


def test_somebody_elses_demo_is_left_alone(demos: Demos) -> None:
    demos.up()
    with pytest.raises(Refused, match="is arn:aws:iam::123456789012:user/ana's"):
        demos.up(by=BEN)


def test_a_profiles_next_session_is_the_same_owner(demos: Demos) -> None:
    role = "arn:aws:sts::123456789012:assumed-role/demo"
    first = demos.up(by=replace(ANA, principal=f"{role}/botocore-session-1764543600"))
    again = demos.up(by=replace(ANA, principal=f"{role}/botocore-session-1764547200"))
    assert (first.owner, again.creation) == (role, first.creation)


def test_a_demo_that_is_taken_down_comes_not_back(demos: Demos) -> None:
    demos.up()
    demos.registry.change(demos.entry(), state="dying")
    with pytest.raises(Refused, match="is being taken down"):
        demos.up()


def test_beyond_the_limit_nothing_is_made(world: World) -> None:
    demos = Demos(world, Limits(most_per_owner=1))
    demos.up()
    with pytest.raises(Refused, match="you have 1 demos"):
        demos.up("feature-demo/other")
    assert len(demos.registry.all().demos) == 1
    assert demos.up("feature-demo/other", by=BEN).state == "up"


def asking_at_once(demos: Demos, other: str) -> None:
    """Somebody asks for another one, and gets as far as its item, between our own item and our look at all."""
    table = demos.registry.table

    class Racing(Registry):
        def add(self, found: Demo) -> Entry:
            Registry(table, now=self.now).add(demo(other))
            return super().add(found)

    demos.base = replace(demos.base, registry=Racing(table, now=demos.world.clock))


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        pytest.param(Limits(most_per_owner=1), "you have 1 demos", id="of an owner"),
        pytest.param(Limits(most=1, most_per_owner=1), "demo.most", id="in all"),
        pytest.param(Limits(daily_budget=2), "USD a day, and 2 is the most", id="for the budget"),
    ],
)
def test_two_who_ask_at_once_get_no_more_than_there_may_be(world: World, limits: Limits, said: str) -> None:
    demos = Demos(world, limits)
    asking_at_once(demos, "feature-demo/other")
    with pytest.raises(Refused, match=said):
        demos.up()
    assert [one.branch for one in demos.registry.all().demos] == ["feature-demo/other"]
    assert demos.stack().calls == []


def test_one_that_was_killed_before_anybody_counted_it_is_counted_when_it_goes_on(world: World) -> None:
    demos = Demos(world, Limits(most_per_owner=1))
    demos.registry.add(demo("feature-demo/other"))
    demos.registry.add(demo(content=None, state="creating"))
    with pytest.raises(Refused, match="you have 1 demos"):
        demos.up()
    assert (demos.entry().demo.held, demos.entry().demo.content) == (None, None)


def test_what_it_costs_is_recorded_with_what_it_shows(demos: Demos) -> None:
    assert demos.up().cost.cents > 0
    demos.registry.change(demos.entry(), cost=Cost(cents=1))
    assert demos.up().cost.cents > 1


def test_a_name_used_again_meets_nothing_old(demos: Demos) -> None:
    first = demos.up()
    demos.registry.forget(demos.entry())
    assert demos.up().creation != first.creation


def test_a_page_that_tells_another_version_is_waited_for_and_then_told() -> None:
    clock = iter(range(0, 1000, 10))
    with pytest.raises(Broken, match=r"http://demo does not answer as 2.0.0: 200"):
        wait_for_answer(
            FakeProbe(version="1.0.0"), FakeBalancer(), "http://demo", "tg", "2.0.0",
            pause=lambda seconds: None, ticks=lambda: float(next(clock)),
        )  # fmt: skip
    assert next(clock) > ANSWER_LIMIT


def test_where_its_page_cannot_be_reached_from_here_the_balancer_is_asked() -> None:
    wait_for_answer(FakeProbe(reached=False), FakeBalancer(), "http://demo", "tg", "2.0.0")


def test_a_base_without_room_refuses_before_anything_is_made(demos: Demos) -> None:
    demos.database.made.update({f"demo_{number:08x}": "" for number in range(demos.base.limits.most)})
    with pytest.raises(Refused, match="of demos, and 20 is the most"):
        demos.up()
    assert demos.registry.all().entries == ()
    assert demos.base.environment.session.client("secretsmanager").list_secrets()["SecretList"] == []


def test_a_base_whose_database_does_not_answer_makes_nothing(demos: Demos) -> None:
    demos.database.fails["crowd"] = "no answer"
    with pytest.raises(Broken, match="no answer"):
        demos.up()
    assert demos.registry.all().entries == ()


def test_its_database_is_there_before_anything_is_installed_and_opens_with_its_secret(demos: Demos) -> None:
    seen: list[dict[str, str]] = []
    demos.stack().during_up = lambda: seen.append(dict(demos.database.made))
    demo = demos.up()
    login = json.loads(demos.base.secrets.read(f"stageline/demo-{demo.creation}/database-login") or "{}")
    assert seen == [{f"demo_{demo.creation}": login["password"]}]


def test_another_content_keeps_the_database_and_needs_no_room(demos: Demos) -> None:
    demos.up()
    before = dict(demos.database.made)
    demos.database.fails.update(crowd="it was asked", make="it was asked")
    demos.up(note="second")
    assert demos.database.made == before


def test_a_demo_keeps_the_kind_of_database_that_it_was_made_with(demos: Demos) -> None:
    demos.up()
    demos.base = replace(demos.base, limits=Limits(database="none"))
    assert demos.up(note="second").database == "shared"
    assert demos.up("feature-demo/other").database == "none"


def test_one_with_an_instance_of_its_own_comes_up_empty_before_its_role_is_made(demos: Demos) -> None:
    seen: list[Content | None] = []
    demos.base = replace(demos.base, limits=Limits(database="own"))
    role = FakeRole(
        session=demos.base.environment.session,
        settings=demos.base.environment.settings,
        databases=demos.base.environment.databases,
    )
    demos.base = replace(demos.base, environment=replace(demos.base.environment, database_role=role))
    demos.stack().during_up = lambda: seen.append(demos.entry().demo.content)
    demo = demos.up()
    assert seen == [None, demo.content]
    assert role.asked == [f"demo-{demo.creation}"]
    demos.up(note="second")
    assert len(seen) == 3 and seen[2] not in (None, demo.content)
    assert demos.database.made == {}


def test_data_that_nothing_brings_are_refused_before_anything_is_made(demos: Demos) -> None:
    wanted = Wanted(
        branch=BRANCH,
        life=timedelta(days=1),
        open_to=None,
        version="1.0.0",
        shown=inspect_artifact(demos.artifact()),
        data="seed",
    )
    with pytest.raises(Refused, match="the artifact has no bin/seed"):
        bring_up(demos.base, wanted, ANA, Progress())
    assert demos.registry.all().entries == ()
    seeding = replace(wanted, shown=replace(inspect_artifact(demos.artifact()), has_seed=True))
    assert bring_up(demos.base, seeding, ANA, Progress()).seed == "seed"
    assert bring_up(demos.base, replace(seeding, data="again"), ANA, Progress()).seed.startswith("again-")
    assert demos.up().seed == ""
