"""The application's role: the statements that make and keep it, and what is refused before anything is run."""

import json

import pytest

from contract.database import Address, Login, login_text
from release.doors.database.login import (
    PASSWORD,
    PostgresFacts,
    checked_address,
    checked_login,
    mysql_plan,
    new_login,
    postgres_plan,
    refuse_strange,
)
from release.process.errors import Broken, Refused

LOGIN = Login(username="application", password="p" * 30)
VERIFIER = "SCRAM-SHA-256$4096:salt$stored:server"
FACTS = {
    "identifier": "env-1",
    "engine": "postgres",
    "host": "db.example",
    "port": 5432,
    "name": "app",
    "secret": "stageline/dev/database-login",
    "tls": "required",
}


def address(**changes: object) -> Address:
    return checked_address(json.dumps({**FACTS, **changes}), "/stageline/dev/database")


def test_postgres_gets_a_new_role_that_then_owns_what_the_master_user_has() -> None:
    assert [one.text for one in postgres_plan(PostgresFacts(exists=False), VERIFIER)] == [
        "SET LOCAL lock_timeout = '10s'",
        "CREATE ROLE application",
        "ALTER ROLE application LOGIN NOCREATEDB NOCREATEROLE PASSWORD %s",
        "GRANT application TO CURRENT_USER",
        "REASSIGN OWNED BY CURRENT_USER TO application",
    ]


def test_a_role_that_is_there_is_kept_and_not_made_again() -> None:
    texts = [one.text for one in postgres_plan(PostgresFacts(exists=True), VERIFIER)]
    assert "CREATE ROLE application" not in texts
    assert "ALTER ROLE application LOGIN NOCREATEDB NOCREATEROLE PASSWORD %s" in texts


def test_the_master_user_takes_its_other_databases_back() -> None:
    plan = postgres_plan(PostgresFacts(exists=True, others=("postgres", 'odd"50%')), VERIFIER)
    assert [one.text for one in plan[-3:]] == [
        "REASSIGN OWNED BY CURRENT_USER TO application",
        'ALTER DATABASE "postgres" OWNER TO CURRENT_USER',
        'ALTER DATABASE "odd""50%%" OWNER TO CURRENT_USER',
    ]


def test_postgres_is_told_the_verifier_as_a_value_and_nothing_else() -> None:
    assert [one.values for one in postgres_plan(PostgresFacts(exists=True), VERIFIER) if one.values] == [(VERIFIER,)]


def test_mysql_gets_a_user_with_the_rights_of_its_database_only() -> None:
    make, alter, grant = mysql_plan(address(engine="mysql", name="a`b"), LOGIN)
    assert make.text == "CREATE USER IF NOT EXISTS 'application'@'%%' IDENTIFIED BY %s"
    assert alter.text == "ALTER USER 'application'@'%%' IDENTIFIED BY %s REQUIRE SSL"
    assert (make.values, alter.values, grant.values) == ((LOGIN.password,), (LOGIN.password,), ())
    assert grant.text.endswith(" ON `a``b`.* TO 'application'@'%%'")
    rights = {right.strip() for right in grant.text.removeprefix("GRANT ").split(" ON ")[0].split(",")}
    assert {"SELECT", "INSERT", "CREATE", "ALTER", "DROP"} <= rights
    assert not rights & {"ALL", "ALL PRIVILEGES", "SUPER", "CREATE USER", "GRANT OPTION", "FILE", "PROCESS"}


def test_mysql_without_tls_asks_for_none() -> None:
    assert mysql_plan(address(engine="mysql", tls="off"), LOGIN)[1].text.endswith(" REQUIRE NONE")


def test_a_new_login_is_the_applications_and_never_the_same() -> None:
    one, other = new_login(), new_login()
    assert (one.username, one.password == other.password) == ("application", False)
    assert PASSWORD.fullmatch(one.password)
    refuse_strange(one, "the secret")


def test_a_login_is_read_as_it_was_written() -> None:
    assert checked_login(login_text(LOGIN), "s") == LOGIN


@pytest.mark.parametrize(
    "shown",
    [repr(LOGIN), repr(mysql_plan(address(), LOGIN)), repr(postgres_plan(PostgresFacts(exists=True), VERIFIER))],
)
def test_values_do_not_show_their_secrets(shown: str) -> None:
    assert LOGIN.password not in shown
    assert VERIFIER not in shown


@pytest.mark.parametrize("text", ["", "[]", '"text"', '{"username": "application"}', "{"])
def test_a_secret_that_is_no_login_is_named_without_its_text(text: str) -> None:
    with pytest.raises(Broken, match="the secret the-name holds no username and password; restore"):
        checked_login(text, "the-name")


@pytest.mark.parametrize(
    ("login", "why"),
    [
        pytest.param(Login(username="postgres", password="p" * 30), "names the role 'postgres'", id="another role"),
        pytest.param(Login(username="application", password="short"), "24 to 128", id="too short"),
        pytest.param(Login(username="application", password="p" * 129), "24 to 128", id="too long"),
        pytest.param(Login(username="application", password="p" * 30 + "'"), "24 to 128", id="a quote"),
    ],
)
def test_a_login_that_somebody_wrote_by_hand_is_refused(login: Login, why: str) -> None:
    with pytest.raises(Refused, match=why):
        refuse_strange(login, "the-name")


@pytest.mark.parametrize(("said", "tls"), [("required", True), ("off", False), (None, False)])
def test_the_parameter_tells_whether_tls_is_required(said: str | None, tls: bool) -> None:
    assert address(tls=said).tls is tls


def test_a_parameter_of_before_says_nothing_of_tls() -> None:
    before = {key: value for key, value in FACTS.items() if key != "tls"}
    assert checked_address(json.dumps(before), "p").tls is False


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"identifier": "x", "port": "y"}'])
def test_a_parameter_of_another_form_is_named(text: str) -> None:
    with pytest.raises(Broken, match="/stageline/dev/database does not tell where the database is; run pulumi up"):
        checked_address(text, "/stageline/dev/database")
