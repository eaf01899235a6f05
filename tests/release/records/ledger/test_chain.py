"""Row 15: whatever somebody changes in a ledger is found, and the entry that was changed is the one that is named."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from release.process.canonical import canonical_json, sha256_hex
from release.records.ledger.chain import Fault, chain_faults, head_faults, read_link
from release.records.ledger.event import GENESIS, Event, event_json, text_hash
from release.records.ledger.head import Content, Head, State, changes, head_json, state_hash
from tests.there import there

Texts = dict[int, str]
unhurried = settings(deadline=None)  # a busy machine is no fault of a chain
NONCE = "5f"


def chain(length: int, *, slot: str = "1.0.0") -> Texts:
    """The texts of a whole chain, by their place."""
    texts: Texts = {}
    for seq in range(length):
        texts[seq] = event_json(event(seq, text_hash(texts[seq - 1]) if seq else GENESIS, slot))
    return texts


def event(seq: int, previous: str, release: str) -> Event:
    state = state_of(seq, release)
    return Event(
        seq=seq,
        at=f"2026-11-21T12:00:{seq:02}+00:00",
        kind="step done",
        by="arn:aws:iam::123456789012:user/ops",
        host="laptop",
        nonce=f"{NONCE}{seq}",
        previous=previous,
        fence=1,
        changed=changes(None, state),
        state_hash=state_hash(state),
        details={"text": "Zürich \u2028 "},
    )


def state_of(seq: int, release: str) -> State:
    return State(blue=Content(release=release, digest="d1", artifact_key="k1", deployment=f"dev-{seq}"))


def faults(texts: Texts, whole: Texts) -> tuple[Fault, ...]:
    """What is wrong with ``texts`` under the HEAD of the ``whole`` chain."""
    last = max(whole)
    return chain_faults((read_link(seq, text) for seq, text in texts.items()), seq=last, hash=text_hash(whole[last]))


def named(found: tuple[Fault, ...]) -> list[tuple[int | None, int | None, str]]:
    return [(fault.seq, fault.through, fault.kind) for fault in found]


def edited(text: str, **values: Any) -> str:
    return json.dumps({**json.loads(text), **values}, sort_keys=True)


LENGTHS = st.integers(min_value=2, max_value=12)
EDITS = st.one_of(
    st.fixed_dictionaries({"by": st.text()}),
    st.fixed_dictionaries({"at": st.sampled_from(["2020-01-01T00:00:00+00:00", "yesterday"])}),
    st.fixed_dictionaries({"previous": st.text(alphabet="0123456789abcdef", min_size=64, max_size=64)}),
    st.fixed_dictionaries({"seq": st.integers(min_value=-3, max_value=99)}),
    st.fixed_dictionaries({"changed": st.just({"declared": "green"})}),
    st.fixed_dictionaries({"state_hash": st.text(alphabet="0123456789abcdef", min_size=64, max_size=64)}),
    st.fixed_dictionaries({"format": st.integers(min_value=3)}),
    st.fixed_dictionaries({"surprise": st.integers()}),
    st.fixed_dictionaries({"seq": st.none(), "previous": st.none()}),
)


RUBBISH = ["", "{", "[]", "null", "no event", '{"seq": 1}', "[" * 100_000]


@unhurried
@given(length=st.integers(min_value=1, max_value=12))
def test_a_whole_chain_has_no_fault(length: int) -> None:
    assert faults(chain(length), chain(length)) == ()


@unhurried
@given(data=st.data(), length=LENGTHS, edit=EDITS)
def test_an_edited_event_is_named_and_no_other(data: st.DataObject, length: int, edit: dict[str, Any]) -> None:
    whole = chain(length)
    seq = data.draw(st.integers(min_value=0, max_value=length - 1))
    changed = edited(whole[seq], **edit)
    (fault,) = faults({**whole, seq: changed}, whole)
    assert (fault.seq, fault.kind in ("edited", "unreadable")) == (seq, True)


@unhurried
@given(data=st.data(), length=LENGTHS, rubbish=st.sampled_from(RUBBISH))
def test_an_event_that_is_not_readable_is_named_and_no_crash(data: st.DataObject, length: int, rubbish: str) -> None:
    whole = chain(length)
    seq = data.draw(st.integers(min_value=0, max_value=length - 1))
    assert named(faults({**whole, seq: rubbish}, whole)) == [(seq, None, "unreadable")]


@unhurried
@given(data=st.data(), length=LENGTHS)
def test_a_deleted_event_is_named_and_no_other(data: st.DataObject, length: int) -> None:
    whole = chain(length)
    seq = data.draw(st.integers(min_value=0, max_value=length - 2))
    left = {number: text for number, text in whole.items() if number != seq}
    assert named(faults(left, whole)) == [(seq, seq, "deleted")]


@unhurried
@given(data=st.data(), length=LENGTHS)
def test_an_end_that_was_cut_off_is_named_from_its_first_event(data: st.DataObject, length: int) -> None:
    whole = chain(length)
    seq = data.draw(st.integers(min_value=0, max_value=length - 1))
    left = {number: text for number, text in whole.items() if number < seq}
    assert named(faults(left, whole)) == [(seq, length - 1, "cut")]


@unhurried
@given(data=st.data(), length=LENGTHS)
def test_two_events_that_changed_places_are_both_named_and_no_other(data: st.DataObject, length: int) -> None:
    whole = chain(length)
    one, other = data.draw(st.lists(st.integers(0, length - 1), min_size=2, max_size=2, unique=True).map(sorted))
    swapped = {**whole, one: whole[other], other: whole[one]}
    assert named(faults(swapped, whole)) == [(one, None, "reordered"), (other, None, "reordered")]


@unhurried
@given(data=st.data(), length=LENGTHS)
def test_an_event_that_was_overwritten_with_another_one_is_named(data: st.DataObject, length: int) -> None:
    whole = chain(length)
    seq, other = data.draw(st.lists(st.integers(0, length - 1), min_size=2, max_size=2, unique=True))
    assert named(faults({**whole, seq: whole[other]}, whole)) == [(seq, None, "reordered")]


@unhurried
@given(data=st.data(), length=LENGTHS)
def test_all_of_several_edited_events_are_named(data: st.DataObject, length: int) -> None:
    whole = chain(2 * length)
    seqs = sorted(2 * seq for seq in data.draw(st.sets(st.integers(0, length - 1), min_size=1)))
    changed = {**whole, **{seq: edited(whole[seq], by="somebody else") for seq in seqs}}
    assert [fault.seq for fault in faults(changed, whole)] == seqs


def test_an_event_after_head_is_named() -> None:
    whole = chain(4)
    more = {**whole, 4: event_json(event(4, text_hash(whole[3]), "1.0.0"))}
    assert named(faults(more, whole)) == [(4, None, "added")]


def test_a_chain_that_was_written_anew_from_an_edited_event_on_is_found_by_head() -> None:
    """Nobody can tell where it began, but what HEAD carries is not there any more."""
    whole, other = chain(6), chain(6, slot="6.6.6")
    assert named(faults(other, whole)) == [(5, None, "edited")]


def test_heads_number_is_checked_by_the_hash_that_head_carries() -> None:
    whole = chain(4)
    found = chain_faults((read_link(seq, text) for seq, text in whole.items()), seq=2, hash=text_hash(whole[3]))
    assert [fault.text for fault in found] == ["HEAD was changed: it says event 2, and carries the hash of event 3"]


def test_a_head_that_claims_a_thousand_million_events_is_told_in_two_lines() -> None:
    whole = chain(3)
    links = [read_link(seq, text) for seq, text in whole.items()]
    assert len(chain_faults(links, seq=10**9, hash="0" * 64)) == 1
    assert len(chain_faults(links, seq=10**9, hash=text_hash(whole[2]))) == 1


def test_events_of_an_earlier_version_keep_their_hash_when_states_get_another_part() -> None:
    """The hash is that of the stored text: what it would be written as today does not matter."""
    texts: Texts = {}
    for seq in range(4):
        body = json.loads(event_json(event(seq, text_hash(texts[seq - 1]) if seq else GENESIS, "1.0.0")))
        del body["changed"], body["state_hash"], body["format"]
        body["state"] = {"blue": there(state_of(seq, "1.0.0").blue).model_dump(), "declared": None}
        texts[seq] = json.dumps(body, sort_keys=True)
    assert faults(texts, texts) == ()


@pytest.mark.parametrize(
    ("change", "told"),
    [
        pytest.param({"state": State()}, "its state is not that of event 0", id="state"),
        pytest.param({"fence": 2}, "its fence is not that of event 0", id="fence"),
        pytest.param({"nonce": "6f"}, "its nonce is not that of event 0", id="nonce"),
        pytest.param({"fence": 2, "nonce": "6f"}, "its fence and nonce is not that of event 0", id="both"),
    ],
)
def test_a_head_that_was_changed_is_told_with_the_part(change: dict[str, Any], told: str) -> None:
    head = head_of_event_0(**change)
    (fault,) = head_faults(head, head_json(head), event(0, GENESIS, "1.0.0"), {"nonce": "5f0", "fence": 1})
    assert (fault.seq, fault.text) == (None, f"HEAD was changed: {told}")


def head_of_event_0(**change: Any) -> Head:
    place = {"project": "p", "environment": "dev", "account": "1", "seq": 0, "hash": "h"}
    return Head(**{**place, "fence": 1, "nonce": "5f0", "state": state_of(0, "1.0.0"), **change})


def test_a_state_that_an_earlier_version_wrote_is_judged_as_it_is_stored() -> None:
    """Read here it would have parts that nobody wrote, and another hash."""
    head = json.loads(head_json(head_of_event_0()))
    head["state"] = {"blue": head["state"]["blue"]}
    last = event(0, GENESIS, "1.0.0").but(state_hash=sha256_hex(canonical_json(head["state"])))
    assert head_faults(head_of_event_0(), json.dumps(head), last, {"nonce": "5f0", "fence": 1}) == ()


def test_what_stands_beside_a_text_in_the_table_is_checked_too() -> None:
    whole = chain(2)
    links = [read_link(seq, text, {"nonce": "5f0", "fence": 1}) for seq, text in whole.items()]
    (fault,) = chain_faults(links, seq=1, hash=text_hash(whole[1]))
    assert fault.text == "event 1 was edited: nonce in the table is not that of its text"
