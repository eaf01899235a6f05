"""Pruning in a small world: what is shown first, what then goes, and what says so later."""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from release.doors.aws.bucket import Bucket, Stored
from release.doors.aws.keys import SigningKey
from release.environment import Environment, open_environment
from release.process.errors import Inconclusive, LeaseHeld, Refused
from release.records.artifacts.manifest import Manifest
from release.records.artifacts.releases import Releases
from release.records.ledger.stops import Cause, Stops, held, vetoed
from release.verbs.prune import prune, prune_text
from release.verbs.publish import Publication, publish
from release.verbs.rollback import Request, go_back
from release.work.artifact_pruning import deletions, judge, refuse_pruned
from release.work.deletion import delete_all
from release.work.executor import deploy
from settings.permissions.calls import TABLE
from settings.permissions.identities import Party
from settings.permissions.policies import is_for
from tests.aws_clients import aws_resource
from tests.project import PROJECT
from tests.release.deploying import CALL, Silent, at_work, proposal
from tests.release.world import OPS, STAGELINE, World

VERSIONS = ("1.0.0", "1.1.0", "1.2.0", "1.3.0")


@pytest.fixture
def deployed(world: World) -> World:
    """dev after four deployments: it keeps three releases, so that the first one is out of the window."""
    for version in VERSIONS:
        put(world, version)
    return world


def put(world: World, version: str) -> None:
    make_live(world.dev, world.publish(version))


def make_live(environment: Environment, manifest: Manifest) -> None:
    deploy(environment, proposal(environment, manifest), OPS, Silent())


def run(*, really: bool = False, keep: int | None = None, environment: str = "dev") -> dict[str, Any]:
    return prune(CALL, environment, keep=keep, really=really)


def going(report: dict[str, Any]) -> list[str]:
    return [one["version"] for one in report["releases"] if one["goes"]]


def kinds(world: World) -> list[str]:
    return [event.kind for event in world.dev.ledger.events()]


def test_first_it_only_shows_what_would_go_and_why_the_rest_stays(deployed: World) -> None:
    before = deployed.dev.ledger.head()
    report = run()
    assert going(report) == ["1.0.0"]
    assert report["pruned"] == []
    because = {one["version"]: one["because"] for one in report["releases"]}
    assert because["1.3.0"] == ["live in dev", "in slot green of dev", "one of the last 3 verified here"]
    assert "the way back of dev" in because["1.2.0"]
    assert because["1.1.0"] == ["one of the last 3 verified here"]
    text = prune_text(report)
    assert "1.0.0    " in text and "stays: live in dev" in text
    assert text.endswith("delete them with: release prune dev --yes")
    assert deployed.dev.ledger.head() == before
    assert deployed.dev.releases.stored(deployed.dev.releases.get("1.0.0")) is not None


def test_then_it_deletes_the_bytes_and_leaves_manifest_and_verdict(deployed: World) -> None:
    manifest = deployed.dev.releases.get("1.0.0")
    report = run(really=True)
    assert report["pruned"] == ["1.0.0"]
    assert prune_text(report).endswith("their manifests and verdicts stay")
    assert deployed.dev.releases.stored(manifest) is None
    assert deployed.dev.releases.get("1.0.0") == manifest
    known = deployed.dev.ledger.known("1.0.0")
    assert known is not None
    assert deployed.dev.releases.verdict(manifest, known.live) is not None


def test_it_stands_in_the_ledger_and_frees_the_lease(deployed: World) -> None:
    run(really=True)
    *_, requested, done = deployed.dev.ledger.events()
    assert (requested.kind, done.kind) == ("pruning requested", "pruning done")
    assert [one["release"] for one in done.details["releases"]] == ["1.0.0"]
    assert (done.changed, requested.changed) == ({}, {})
    assert deployed.dev.ledger.free_lease().because == ""
    assert deployed.dev.ledger.faults() == ()


def test_a_second_time_there_is_nothing_to_do(deployed: World) -> None:
    run(really=True)
    before = deployed.dev.ledger.head()
    report = run(really=True)
    assert (going(report), report["pruned"]) == ([], [])
    assert prune_text(report).endswith("nothing to prune")
    assert deployed.dev.ledger.head() == before


def test_more_are_kept_when_asked_for(deployed: World) -> None:
    assert going(run(keep=4)) == []


def test_fewer_are_kept_where_nothing_is_protected(deployed: World) -> None:
    assert going(run(keep=2)) == ["1.0.0", "1.1.0"]


def test_a_protected_environment_never_keeps_fewer_than_its_stack_file_says(deployed: World) -> None:
    with pytest.raises(Refused, match=r"prod is protected and keeps at least 10 releases; change storage"):
        run(keep=2, environment="prod")


def test_what_another_environment_runs_stays(deployed: World) -> None:
    manifest = deployed.dev.releases.get("1.0.0")
    deployed.qa.releases.adopt(manifest, deployed.dev.releases)
    make_live(deployed.qa, manifest)
    (first, *_) = run()["releases"]
    assert first["because"] == ["live in qa", "in slot blue of qa"]


def test_a_release_that_waits_for_its_promotion_stays(world: World) -> None:
    world.publish("1.0.0")
    (one,) = run()["releases"]
    assert one["because"] == ["never deployed here, and younger than 30 days"]


def test_a_release_whose_manifest_is_refused_stays_and_stops_no_other(deployed: World) -> None:
    bucket = deployed.dev.settings.names.artifact_bucket
    deployed.dev.session.client("s3").put_object(Bucket=bucket, Key="releases/0.9.0.json", Body=b"[" * 100_000)
    report = run(really=True)
    assert [one["version"] for one in report["refused"]] == ["0.9.0"]
    assert (report["pruned"], "0.9.0 is left as it is: " in prune_text(report)) == (["1.0.0"], True)


def test_on_hold_nothing_goes(deployed: World) -> None:
    cause = Cause(reason="what was that?", by="ann", at=deployed.dev.ledger.now())
    deployed.dev.stops.change("hold set", lambda stops: held(stops, cause), OPS, {})
    report = run(really=True)
    assert report["pruned"] == []
    assert all("the environment is on hold" in one["because"] for one in report["releases"])


def test_it_never_runs_beside_a_deployment(deployed: World) -> None:
    with at_work(PROJECT, "dev"):
        with pytest.raises(LeaseHeld):
            run(really=True)
        assert going(run()) == ["1.0.0"]
    assert deployed.dev.releases.stored(deployed.dev.releases.get("1.0.0")) is not None


def test_an_environment_that_cannot_be_asked_could_run_anything(deployed: World) -> None:
    aws_resource("dynamodb").Table(deployed.qa.ledger.table.name).delete_item(Key={"kind": "HEAD", "seq": 0})
    with pytest.raises(Inconclusive, match=r"it could not be told what qa runs: .*; nothing was deleted"):
        run(really=True)


@pytest.mark.moto
def test_what_s3_keeps_is_refused_and_the_ledger_says_how_far_it_came(deployed: World) -> None:
    put(deployed, "1.4.0")
    put(deployed, "1.5.0")
    manifest = deployed.dev.releases.get("1.1.0")
    deny_deletion(deployed, manifest.artifact_key)
    with pytest.raises(Refused, match=r"cannot be deleted: AccessDenied.*retention lock"):
        run(really=True)
    assert kinds(deployed)[-2:] == ["pruning requested", "pruning failed"]
    gone = [version for version in VERSIONS if deployed.dev.releases.stored(deployed.dev.releases.get(version)) is None]
    assert gone == ["1.0.0"]
    refuse_pruned(deployed.dev, manifest)


def deny_deletion(world: World, key: str) -> None:
    """S3 says no to this one, as it does for a lock that began after the looking."""
    bucket = world.dev.settings.names.artifact_bucket
    action = ["s3:DeleteObject", "s3:DeleteObjectVersion"]
    no = {"Effect": "Deny", "Principal": "*", "Action": action, "Resource": f"arn:aws:s3:::{bucket}/{key}"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [no]})
    world.dev.session.client("s3").put_bucket_policy(Bucket=bucket, Policy=policy)


@pytest.fixture
def called(world: World) -> Iterator[set[str]]:
    """The names of all calls to AWS from here on, as the table of permissions has them."""
    calls: set[str] = set()

    def note(model: Any, **_: Any) -> None:
        calls.add(f"{model.service_model.service_name}:{model.name}")

    session = open_environment(STAGELINE, "dev").session  # that of the verb
    clients = [session.client(service) for service in ("s3", "dynamodb", "kms", "sts")]
    for client in clients:
        client.meta.events.register("before-call", note, unique_id="called")
    yield calls
    for client in clients:
        client.meta.events.unregister("before-call", note, unique_id="called")


def test_the_pruner_may_do_all_that_it_takes_and_nobody_else_may(deployed: World, called: set[str]) -> None:
    called.clear()
    run(really=True)
    assert "s3:DeleteObjects" in called
    may: dict[Party, set[str]] = {
        party: {call for line in TABLE if is_for(line, party) for call in line.calls}
        for party in ("approver", "ci", "operator", "pruner")
    }
    assert [party for party, calls in may.items() if called <= calls] == ["pruner"]


def test_row_14_a_rollback_to_a_pruned_release_is_refused_before_anything_changes(deployed: World) -> None:
    run(really=True)
    before, at, ups = deployed.dev.ledger.head(), [*deployed.dev.ledger.events()][-2].at, list(deployed.dev.stack.ups)
    with pytest.raises(Refused, match=re.escape(f"the artifact of 1.0.0 was pruned at {at} by arn:aws:sts:")):
        go_back(deployed.dev, Request(version="1.0.0"), OPS, Silent())
    assert (deployed.dev.ledger.head(), deployed.dev.stack.ups) == (before, ups)


def test_a_rollback_to_bytes_that_somebody_took_away_is_refused_before_anything_changes(deployed: World) -> None:
    deployed.dev.releases.remove_bytes(deployed.dev.releases.get("1.1.0"))
    before = deployed.dev.ledger.head()
    with pytest.raises(Refused, match=r"the artifact of 1\.1\.0 is gone from dev; publish the very same file again"):
        go_back(deployed.dev, Request(version="1.1.0"), OPS, Silent())
    assert deployed.dev.ledger.head() == before


def test_a_rollback_in_place_needs_no_bytes_in_the_bucket(deployed: World) -> None:
    deployed.dev.releases.remove_bytes(deployed.dev.releases.get("1.2.0"))
    assert go_back(deployed.dev, Request(), OPS, Silent()).version == "1.2.0"


def test_a_pruned_release_published_again_has_its_bytes_back(deployed: World) -> None:
    run(really=True)
    path = deployed.folder / "app-1.0.0.tar.gz"
    request = Publication(path=path, version="1.0.0", tag=None, notes="", repository=path.parent)
    manifest, new = publish(CALL, request)
    assert not new
    refuse_pruned(deployed.dev, manifest)


def test_bytes_that_somebody_took_away_were_not_pruned(world: World) -> None:
    manifest = world.publish("1.0.0")
    Bucket(world.dev.session, world.dev.settings.names.artifact_bucket).remove(manifest.artifact_key)
    with pytest.raises(Refused, match=r"the artifact of 1\.0\.0 is gone, or has no sha256"):
        refuse_pruned(world.dev, manifest)


class Meanwhile(Releases):
    """Right after the first deletion something happens elsewhere; ``locked`` bytes are under a legal hold by then."""

    def __init__(self, world: World, happens: Callable[[], object], locked: str = "") -> None:
        names, session = world.dev.settings.names, world.dev.session
        key = SigningKey(session, names.signing_alias)
        super().__init__(environment="dev", bucket=Bucket(session, names.artifact_bucket), key=key)
        self._happens = happens
        self._locked = locked
        self.removed: list[str] = []

    def remove_bytes(self, manifest: Manifest) -> None:
        super().remove_bytes(manifest)
        self.removed.append(manifest.version)
        if len(self.removed) == 1:
            self._happens()

    def stored(self, manifest: Manifest) -> Stored | None:
        found = super().stored(manifest)
        return replace(found, held=manifest.version == self._locked and self.removed != []) if found else None


def stopped(world: World, rule: Callable[[Stops, Cause], Stops]) -> None:
    cause = Cause(reason="keep it", by="ann", at=world.clock())
    world.dev.stops.change("stop set", lambda stops: rule(stops, cause), OPS, {})


@pytest.mark.parametrize(
    ("rule", "locked", "why"),
    [
        pytest.param(held, "", r"dev was put on hold by ann: keep it; run it again when that is lifted$", id="hold"),
        pytest.param(
            lambda stops, cause: vetoed(stops, cause, release="1.3.0", digest="d"), "",
            r"the artifact of 1\.1\.0 stays after all: 1\.3\.0 was vetoed by ann meanwhile, and", id="veto",
        ),
        pytest.param(
            lambda stops, cause: stops, "1.1.0",
            r"the artifact of 1\.1\.0 stays after all: under a legal hold; run it again, for what", id="legal-hold",
        ),
    ],
)  # fmt: skip
def test_what_keeps_an_artifact_meanwhile_ends_it_and_it_is_told_what_was_deleted(
    deployed: World, rule: Callable[[Stops, Cause], Stops], locked: str, why: str
) -> None:
    releases = Meanwhile(deployed, lambda: stopped(deployed, rule), locked)
    environment, head = replace(deployed.dev, releases=releases), deployed.dev.ledger.head()
    found = judge(environment, (deployed.dev, deployed.qa), head, 2)
    goes = deletions(environment, [one.candidate for one in found.judgements if one.goes], found.vetoed)
    far = r"^deleted 1 of 2 \(the artifact of 1\.0\.0\), not deleted: the artifact of 1\.1\.0: "
    with pytest.raises(Refused, match=far + why):
        delete_all(environment, goes, head, OPS, Silent())
    assert releases.removed == ["1.0.0"]
    assert kinds(deployed)[-2:] == ["pruning requested", "pruning failed"]
