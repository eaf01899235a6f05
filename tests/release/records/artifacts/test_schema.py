"""Which releases work with which database, and what HEAD remembers of it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from release.records.artifacts.schema import Schema, made_with, newest, schema_faults, works_with
from release.records.ledger.head import Content, Live, State, head_json, parse_head
from release.rules.gates import schema_compatibility
from release.rules.lanes import Kind, forward
from release.rules.plan import Plan, entering, leaving, make_plan

NOW = "2026-11-20T12:00:00+00:00"


def schema(version: int, oldest: int) -> Schema:
    return Schema(version=version, oldest=oldest)


def environment(database: Schema | None, live: Schema | None) -> State:
    """An environment that runs 1.0.0, made with the schema `live`, on a database that was brought to `database`."""
    running = Live(slot="blue", release="1.0.0", digest="0", deployment="d", since=NOW, made_with=live)
    return State(declared="blue", live=running, brought=database)


CASES = {
    "nobody states any": (None, environment(None, None), True),
    "the first release of all": (schema(3, 3), State(), True),
    "the same schema": (schema(3, 3), environment(schema(3, 3), schema(3, 3)), True),
    "a newer one that lets the live one work": (schema(4, 3), environment(schema(3, 3), schema(3, 3)), True),
    "a newer one that does not": (schema(4, 4), environment(schema(3, 3), schema(3, 3)), False),
    "an older one that the database lets work": (schema(2, 1), environment(schema(3, 2), schema(3, 2)), True),
    "an older one that it does not": (schema(1, 1), environment(schema(3, 2), schema(3, 2)), False),
    "none, where any release works": (None, environment(schema(3, 0), schema(3, 0)), True),
    "none, where not": (None, environment(schema(3, 1), schema(3, 1)), False),
    "one that the live one of no schema bears": (schema(1, 0), environment(None, None), True),
    "one that it does not": (schema(1, 1), environment(None, None), False),
    "older, after a rollback that left the database as it was": (
        schema(1, 1),
        environment(schema(3, 2), schema(2, 1)),
        False,
    ),
    "newer, while the live one is older than the database": (
        schema(4, 3),
        environment(schema(3, 2), schema(2, 1)),
        False,
    ),
}


@pytest.mark.parametrize(("brings", "state", "passed"), CASES.values(), ids=CASES)
def test_a_release_fits_the_database_and_the_live_one_fits_what_it_brings(
    brings: Schema | None, state: State, passed: bool
) -> None:
    assert schema_compatibility("1.1.0", brings, "qa", state).passed is passed


def test_the_gate_says_which_schemas_do_not_fit() -> None:
    gate = schema_compatibility("1.1.0", schema(1, 1), "qa", environment(schema(3, 2), schema(3, 2)))
    assert gate.evidence == (
        "1.1.0 was made with schema 1, and the database of qa has schema 3, which works with releases from schema 2 on"
    )


def test_the_gate_says_that_the_live_release_would_break() -> None:
    gate = schema_compatibility("1.1.0", schema(4, 4), "qa", environment(schema(3, 3), schema(3, 3)))
    assert gate.evidence == ("1.1.0 brings schema 4, the database of qa has schema 3: 1.0.0 is live, and made with 3")


def test_going_back_brings_no_schema_so_the_live_release_cannot_break() -> None:
    state = environment(schema(3, 2), schema(3, 3))
    older = schema(2, 1)
    assert schema_compatibility("0.9.0", older, "qa", state, back=True).passed
    assert not schema_compatibility("0.9.0", schema(4, 4), "qa", state).passed


def plan(brings: Schema, state: State, kind: Kind = "promotion") -> Plan:
    release = Content(release="1.1.0", digest="1", artifact_key="k", deployment="", made_with=brings)
    return make_plan(
        deployment="qa-1", kind=kind, environment="qa", release=release, steps=forward(pause=False), state=state
    )


def test_the_database_has_the_schema_of_a_release_once_that_is_installed() -> None:
    former = environment(schema(2, 1), schema(2, 1))
    coming = plan(schema(3, 2), former)
    installing = entering(coming, "installed", former)
    assert (installing.brought, leaving(coming, "installed", installing, NOW).brought) == (schema(2, 1), schema(3, 2))


def test_a_rollback_that_installs_brings_no_schema_because_it_never_migrates() -> None:
    former = environment(schema(3, 1), schema(3, 1))
    back = plan(schema(4, 1), former, "rollback")
    assert leaving(back, "installed", entering(back, "installed", former), NOW).brought == schema(3, 1)


def test_a_release_that_became_live_is_known_with_the_schema_it_was_made_with() -> None:
    former = environment(schema(3, 1), schema(3, 1))
    back = plan(schema(2, 1), former, "rollback")
    after = leaving(back, "live", entering(back, "installed", former), NOW)
    assert after.live is not None
    assert (after.live.made_with, after.brought) == (schema(2, 1), schema(3, 1))


def test_a_head_from_before_schemas_is_readable() -> None:
    old = (
        '{"account":"1","environment":"dev","fence":1,"format":1,"hash":"h","nonce":"n","project":"p","seq":1,"state":'
        '{"blue":null,"declared":"blue","green":null,"live":{"deployment":"d","digest":"x","release":"1.0.0",'
        '"since":"s","slot":"blue"},"open":null,"previous":null}}'
    )
    head = parse_head(old)
    assert head.state.brought is None
    assert parse_head(head_json(head)) == head


@pytest.mark.parametrize(
    ("version", "oldest", "fault"),
    [
        pytest.param(0, 0, "from 1 on", id="zero"),
        pytest.param(3, 4, "a number from 0 to 3", id="oldest-is-newer"),
        pytest.param(3, -1, "a number from 0 to 3", id="negative"),
    ],
)
def test_numbers_that_cannot_be_meant_are_found(version: int, oldest: int, fault: str) -> None:
    assert fault in schema_faults(schema(version, oldest))


SCHEMAS = st.integers(1, 6).flatmap(lambda version: st.integers(0, version).map(lambda oldest: schema(version, oldest)))


@given(st.none() | SCHEMAS, st.none() | SCHEMAS, st.none() | SCHEMAS)
def test_the_newest_schema_does_not_depend_on_the_order_of_installations(
    one: Schema | None, other: Schema | None, third: Schema | None
) -> None:
    assert newest(one, newest(other, third)) == newest(newest(third, one), other)


@given(SCHEMAS)
def test_a_release_works_with_what_it_brings_itself(brought: Schema) -> None:
    assert works_with(brought, brought)


@given(st.none() | SCHEMAS, st.none() | SCHEMAS, st.none() | SCHEMAS)
def test_a_release_made_later_works_wherever_one_made_earlier_does(
    earlier: Schema | None, later: Schema | None, database: Schema | None
) -> None:
    if made_with(earlier) <= made_with(later) and works_with(earlier, database):
        assert works_with(later, database)
