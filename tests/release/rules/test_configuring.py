"""What a configuration changes, told without values; and what looks like a secret where all may read it."""

import pytest

from contract.configuration import Document
from release.rules.configuring import compared, differences, looks_secret

BEFORE = Document({"LOG": "info", "URL": "canary-a"}, {"KEY": 1, "OLD": 1}, "s/1")
AFTER = Document({"LOG": "canary-b", "URL": "canary-a"}, {"KEY": 3, "NEW": 2}, "s/3")


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        pytest.param(BEFORE, BEFORE, "", id="nothing"),
        pytest.param(None, None, "", id="none"),
        pytest.param(BEFORE, AFTER, "LOG changed; KEY set anew (version 3); NEW new; OLD gone", id="all-kinds"),
        pytest.param(BEFORE, None, "LOG gone; URL gone; KEY gone; OLD gone", id="all-of-it"),
    ],
)
def test_it_is_told_by_names(before: Document | None, after: Document | None, expected: str) -> None:
    assert differences(before, after) == expected


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        pytest.param("API_KEY", "x", True, id="by-its-name"),
        pytest.param("mail_password", "x", True, id="in-small-letters"),
        pytest.param("URL", "https://ann:pass@example.com/", True, id="a-login-in-a-url"),
        pytest.param("CERT", "-----BEGIN RSA PRIVATE KEY-----", True, id="a-private-key"),
        pytest.param("ID", "AKIAIOSFODNN7EXAMPLE", True, id="an-access-key"),
        pytest.param("URL", "https://example.com/a@b", False, id="a-url"),
        pytest.param("LOG_LEVEL", "debug", False, id="a-level"),
        pytest.param("KEYBOARD", "de", False, id="a-word-that-begins-alike"),
    ],
)
def test_secrets_are_known_by_their_looks(name: str, value: str, expected: bool) -> None:
    assert looks_secret({name: value}) == ((name,) if expected else ())


def test_environments_are_compared_by_names_and_by_what_all_may_read() -> None:
    ones = {"SAME": "1", "LOG": "a", "ONLY": "1", "KEY": None, "MOVED": None}
    others = {"SAME": "1", "LOG": "b", "KEY": None, "MOVED": "canary", "MORE": None}
    assert compared(ones, others, "qa", "prod") == [
        "LOG has other values",
        "MORE only in prod",
        "MOVED a secret in qa, and open to all in the other",
        "ONLY only in qa",
    ]
