"""Values of the ledger across versions: what is not known is kept, and only a higher format is refused."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from release.process.errors import Broken
from release.process.form import FORMAT, read_form
from release.records.ledger.event import GENESIS, Event, event_json, parse_event, with_states
from release.records.ledger.head import Content, Head, Live, Previous, State, head_json, parse_head, with_slot
from release.records.ledger.index import Known, Mention, known_json, parse_known
from release.records.ledger.lease import Lease, lease_json, parse_lease, renewed
from release.records.ledger.stops import Hold, Stops, parse_stops, stops_json
from tests.there import there

CONTENT = Content(release="1.0.0", digest="a", artifact_key="k", deployment="dev-1")
STATE = State(
    blue=CONTENT,
    declared="blue",
    live=Live(slot="blue", release="1.0.0", digest="a", deployment="dev-1", since="s"),
    previous=Previous(release="0.9.0", digest="b", deployment="dev-0"),
)
HEAD = Head(project="p", environment="dev", account="1", seq=1, hash="h", fence=1, nonce="n", state=STATE)
LEASE = Lease(owner="ann", host="desk", ci="", since="s", fence=1)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda parts: st.lists(parts, max_size=3) | st.dictionaries(st.text(), parts, max_size=3),
    max_leaves=5,
)
UNKNOWN = st.dictionaries(st.text(min_size=1).map(lambda name: f"new {name}"), JSON, max_size=3)


def places(value: Any) -> list[dict[str, Any]]:
    """All objects in a value."""
    if isinstance(value, list):
        return [place for part in value for place in places(part)]
    if not isinstance(value, dict):
        return []
    return [value, *(place for part in value.values() for place in places(part))]


@settings(deadline=None)
@given(st.data())
def test_keys_of_another_version_survive_reading_and_writing_head_wherever_they_stand(data: st.DataObject) -> None:
    document = json.loads(head_json(HEAD))
    for place in places(document):
        place.update(data.draw(UNKNOWN))
    assert json.loads(head_json(parse_head(json.dumps(document)))) == document


def with_more(text: str) -> str:
    return json.dumps({**json.loads(text), "surprise": {"a": [1]}})


def test_keys_of_another_version_survive_a_change_of_what_they_stand_beside() -> None:
    head = parse_head(with_more(head_json(HEAD)))
    content = Content.model_validate({**dict(CONTENT), "surprise": 1})
    after = head.but(state=with_slot(head.state.but(declared="green"), "blue", content.but(unsure="who knows")))
    said = json.loads(head_json(after))
    assert (said["surprise"], said["state"]["blue"]["surprise"]) == ({"a": [1]}, 1)
    assert json.loads(lease_json(renewed(parse_lease(with_more(lease_json(LEASE))))))["surprise"] == {"a": [1]}


def test_a_state_is_made_again_from_events_with_the_keys_of_another_version() -> None:
    place: dict[str, Any] = {
        "at": "a",
        "kind": "note",
        "by": "b",
        "host": "h",
        "nonce": "n",
        "previous": GENESIS,
        "fence": 0,
    }
    first = Event(seq=0, changed={"declared": "blue", "surprise": 1}, **place)
    second = Event(seq=1, changed={"declared": "green"}, **place)
    assert [state.model_dump()["surprise"] for _, state in with_states([first, second])] == [1, 1]


EVENT = Event(seq=3, at="a", kind="note", by="b", host="h", nonce="n", previous=GENESIS, fence=0)
STOPS = Stops(hold=Hold(reason="r", by="b", since="s"))
KNOWN = Known(release="1.0.0", digest="a", artifact_key="k", deployments=(Mention(deployment="dev-1", requested=1),))
FORMS: dict[str, tuple[str, Any]] = {
    "HEAD": (head_json(HEAD), parse_head),
    "the lease": (lease_json(LEASE), parse_lease),
    "event 3 of the ledger": (event_json(EVENT), lambda text: parse_event(text, 3)),
    "what is stopped": (stops_json(STOPS), parse_stops),
    "what the ledger knows of 1.0.0": (known_json(KNOWN), lambda text: parse_known(text, "1.0.0")),
}


@pytest.mark.parametrize(("name", "text", "parse"), [(name, *form) for name, form in FORMS.items()], ids=FORMS)
def test_a_higher_format_is_refused_by_that_word_and_no_other_key_is(name: str, text: str, parse: Any) -> None:
    assert parse(with_more(text)).model_extra == {"surprise": {"a": [1]}}
    with pytest.raises(Broken) as caught:
        parse(json.dumps({"format": FORMAT + 1}))  # also where nothing else of it can be understood
    assert str(caught.value.args[0]) == f"{name} has a higher format ({FORMAT + 1}) than this version reads ({FORMAT})"


@pytest.mark.parametrize("rubbish", ["", "{", "[]", "null", "7", '{"format": "x"}', '{"format": null}', "[" * 100_000])
@pytest.mark.parametrize(("name", "parse"), [(name, form[1]) for name, form in FORMS.items()], ids=FORMS)
def test_what_is_none_is_broken_in_a_line(name: str, parse: Any, rubbish: str) -> None:
    with pytest.raises(Broken, match=f"^{name} is not readable: .*; see: release audit ENV$"):
        parse(rubbish)


def test_values_are_of_exact_types() -> None:
    with pytest.raises(Broken, match="the lease is not readable: fence"):
        read_form(Lease, json.dumps({**json.loads(lease_json(LEASE)), "fence": "1"}), "the lease")


def test_a_change_of_what_there_is_not_is_a_mistake_of_ours() -> None:
    with pytest.raises(TypeError, match="State has no hold"):
        STATE.but(hold=None)


FORMAT_1 = {
    **{"project": "p", "environment": "dev", "account": "1", "seq": 7, "hash": "h", "fence": 3, "nonce": "n"},
    "format": 1,
    "state": {
        "blue": {"release": "1.0.0", "digest": "a", "artifact_key": "artifacts/a", "deployment": "dev-1"},
        "green": {"release": "1.1.0", "digest": "b", "artifact_key": "artifacts/b", "deployment": "dev-2"},
        "declared": "blue",
        "live": {
            **{"slot": "blue", "release": "1.0.0", "digest": "a", "deployment": "dev-1", "since": "s"},
            "schema": {"version": 3, "oldest": 2},
        },
        "previous": {"release": "0.9.0", "digest": "c", "deployment": "dev-0"},
        "schema": {"version": 4, "oldest": 2},
        "open": {"deployment": "dev-2", "step": "installed", "requested": 5, "done": True, "stopped": ""},
        "hold": {"reason": "r", "by": "ann", "since": "s"},
        "freeze": None,
        "vetoes": [],
    },
}


def test_a_head_of_format_1_is_read_in_the_words_of_format_2() -> None:
    head = parse_head(json.dumps(FORMAT_1))
    state = head.state
    assert (head.format, head.seq, head.fence, state.declared) == (FORMAT, 7, 3, "blue")
    assert (there(there(state.live).made_with).version, there(state.brought).version) == (3, 4)
    assert there(state.previous).left == ""
    assert (there(state.blue).reuse, state.out, state.behind) == (False, (), "")


def test_a_deployment_that_format_1_left_open_can_be_put_back_by_head_alone() -> None:
    opened = there(parse_head(json.dumps(FORMAT_1)).state.open)
    assert (opened.deployment, opened.release, opened.digest, opened.slot) == ("dev-2", "1.1.0", "b", "green")
    assert (opened.step, opened.done, opened.former.declared, opened.former.content) == (
        "installed",
        True,
        "blue",
        None,
    )


def test_a_head_of_format_1_is_written_as_format_2_and_read_as_the_same() -> None:
    head = parse_head(json.dumps(FORMAT_1))
    assert parse_head(head_json(head)) == head
