"""What the parameter and the secret of a database say: read as it was written, refused in any other form."""

import json
from typing import Any

import pytest

from contract.database import Address, Login, address_facts, login_text, parse_address, parse_login

FACTS: dict[str, Any] = {
    "identifier": "env-1",
    "engine": "postgres",
    "host": "db.example",
    "port": 5432,
    "name": "app",
    "secret": "stageline/dev/database-login",
}


@pytest.mark.parametrize("tls", [True, False])
def test_an_address_is_read_as_it_was_written(tls: bool) -> None:
    assert parse_address(json.dumps(address_facts(**FACTS, tls=tls))) == Address(**FACTS, tls=tls)


def test_a_login_is_read_as_it_was_written_and_shows_no_password() -> None:
    login = Login("application", "canary")
    assert parse_login(login_text(login)) == login
    assert "canary" not in repr(login)


@pytest.mark.parametrize("text", ["", "[]", "{}", '"text"', "{", json.dumps({**FACTS, "port": None})])
def test_a_text_of_another_form_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        parse_address(text)
    with pytest.raises(ValueError):
        parse_login(text)
