"""States are alike when nobody who comes next can tell them apart."""

import json

from tests.release.crash.kinds import KINDS, Deployment
from tests.release.crash.likeness import likeness
from tests.release.crash.memory import Points
from tests.release.crash.outside import Outside, open_process
from tests.release.world import Clock

BY_NAME = {kind.name: kind for kind in KINDS}


def after(deployment: Deployment) -> Outside:
    outside, points = deployment.begin(), Points()
    deployment.run(open_process(outside, "dev", Clock(), points), points)
    return outside


def test_the_same_deployment_twice_leaves_the_same_under_other_names() -> None:
    first, second = after(BY_NAME["second promotion"]), after(BY_NAME["second promotion"])
    assert first != second
    assert likeness(first) == likeness(second)


def test_where_users_are_what_a_server_holds_and_who_holds_the_lease_tells_states_apart() -> None:
    outside = after(BY_NAME["second promotion"])
    moved, emptied, held = outside.copy(), outside.copy(), outside.copy()
    moved.servers["dev"].live = "green" if outside.servers["dev"].live == "blue" else "blue"
    next(iter(emptied.servers["dev"].slots.values()))["blue"] = None
    rows = held.cloud.tables["stageline-dev-ledger"]
    lease = rows["LEASE", 0]["body"]["S"]
    rows["LEASE", 0] = {**rows["LEASE", 0], "body": {"S": json.dumps({**json.loads(lease), "owner": "somebody else"})}}
    assert len({likeness(one) for one in (outside, moved, emptied, held)}) == 4


def test_where_a_rollback_would_go_tells_states_apart() -> None:
    outside = after(BY_NAME["second promotion"])
    nowhere = outside.copy()
    rows = nowhere.cloud.tables["stageline-dev-ledger"]
    head = json.loads(rows["HEAD", 0]["body"]["S"])
    assert head["state"]["previous"]["release"] == "1.0.0"
    for previous in ({**head["state"]["previous"], "release": "0.9.0"}, None):
        changed = {**head, "state": {**head["state"], "previous": previous}}
        rows["HEAD", 0] = {**rows["HEAD", 0], "body": {"S": json.dumps(changed)}}
        assert likeness(nowhere) != likeness(outside)


def test_two_names_that_are_one_in_the_other_state_tell_states_apart() -> None:
    outside = after(BY_NAME["second promotion"])
    mixed = outside.copy()
    first, _ = mixed.servers["dev"].slots.values()
    first["blue"], first["green"] = first["green"], first["blue"]
    assert likeness(mixed) != likeness(outside)
