"""What the resource types take, and which changes replace them."""

from typing import Any

import pytest

from local.command_provider.resources import (
    COPY_TO_REMOTE,
    LOCAL_COMMAND,
    REMOTE_COMMAND,
    TYPES,
    Change,
    changes,
    checked,
)
from local.command_provider.values import ARCHIVE, ASSET, SIGNATURE, UNKNOWN, plain, secret

CONNECTION = {"host": "h", "privateKey": "k"}
FILE = {SIGNATURE: ASSET, "path": "file", "hash": "1"}


def test_unset_connection_inputs_are_filled_in_and_the_connection_is_secret() -> None:
    inputs, failures = checked(TYPES[REMOTE_COMMAND], {"connection": CONNECTION, "create": "run"})
    assert failures == []
    assert inputs["connection"] == secret(
        {
            "host": "h",
            "port": 22.0,
            "user": "root",
            "dialErrorLimit": 10.0,
            "perDialTimeout": 15.0,
            "privateKey": secret("k"),
        }
    )


def test_a_proxy_has_the_same_defaults() -> None:
    connection = {**CONNECTION, "proxy": {"host": "p", "port": 2222.0}}
    inputs, _ = checked(TYPES[REMOTE_COMMAND], {"connection": connection})
    proxy = plain(inputs["connection"])["proxy"]
    assert (proxy["port"], proxy["user"], proxy["dialErrorLimit"]) == (2222.0, "root", 10.0)


def test_what_is_unknown_in_a_preview_is_left_alone() -> None:
    for connection in (UNKNOWN, secret(UNKNOWN), {"host": UNKNOWN, "hostKey": UNKNOWN}):
        _, failures = checked(TYPES[REMOTE_COMMAND], {"connection": connection, "logging": UNKNOWN})
        assert failures == []


@pytest.mark.parametrize(
    ("token", "news", "refused"),
    [
        (REMOTE_COMMAND, {"create": "run"}, ["connection"]),
        (REMOTE_COMMAND, {"connection": {}}, ["connection.host"]),
        (REMOTE_COMMAND, {"connection": {"host": "h", "hots": "h"}}, ["connection.hots"]),
        (REMOTE_COMMAND, {"connection": {"host": "h", "proxy": {}}}, ["connection.proxy.host"]),
        (
            REMOTE_COMMAND,
            {"connection": {"host": "h", "proxy": {"host": "p", "proxy": {"host": "q"}}}},
            ["connection.proxy.proxy"],
        ),
        (REMOTE_COMMAND, {"connection": CONNECTION, "logging": "loud"}, ["logging"]),
        (LOCAL_COMMAND, {"create": "run", "assetPaths": ["*"]}, ["assetPaths"]),
        (COPY_TO_REMOTE, {"connection": CONNECTION}, ["remotePath", "source"]),
        (COPY_TO_REMOTE, {"connection": CONNECTION, "remotePath": "p", "source": "file"}, ["source"]),
        (
            COPY_TO_REMOTE,
            {"connection": CONNECTION, "remotePath": "p", "source": {SIGNATURE: ASSET, "uri": "http://h/f"}},
            ["source"],
        ),
        (
            COPY_TO_REMOTE,
            {"connection": CONNECTION, "remotePath": "p", "source": {SIGNATURE: ARCHIVE, "assets": {}}},
            ["source"],
        ),
    ],
)
def test_what_is_missing_or_not_known_is_refused_by_name(token: str, news: dict[str, Any], refused: list[str]) -> None:
    _, failures = checked(TYPES[token], news)
    assert [failure.property for failure in failures] == refused


@pytest.mark.parametrize(
    "source", [FILE, {SIGNATURE: ASSET, "text": "t"}, {SIGNATURE: ARCHIVE, "path": "folder"}, UNKNOWN]
)
def test_files_texts_and_folders_can_be_copied(source: Any) -> None:
    _, failures = checked(
        TYPES[COPY_TO_REMOTE], {"connection": CONNECTION, "remotePath": "p", "source": secret(source)}
    )
    assert failures == []


def test_equal_inputs_are_no_change() -> None:
    assert changes({"create": "run", "source": FILE}, {"create": "run", "source": {**FILE, "path": "moved"}}) == []


@pytest.mark.parametrize(
    ("olds", "news", "change"),
    [
        ({"stdin": "1"}, {"stdin": "2"}, Change(property="stdin", kind="updated", replaces=False)),
        ({"stdin": "1"}, {"stdin": secret("1")}, Change(property="stdin", kind="updated", replaces=False)),
        ({"stdin": "1"}, {"stdin": UNKNOWN}, Change(property="stdin", kind="updated", replaces=False)),
        ({}, {"update": "u"}, Change(property="update", kind="added", replaces=False)),
        ({"delete": "d"}, {}, Change(property="delete", kind="deleted", replaces=False)),
        (
            {"connection": secret({"host": "h", "dialErrorLimit": 1.0})},
            {"connection": secret({"host": "h", "dialErrorLimit": 2.0})},
            Change(property="connection", kind="updated", replaces=False),
        ),
        ({"triggers": [1.0]}, {"triggers": [2.0]}, Change(property="triggers", kind="updated", replaces=True)),
        ({}, {"triggers": [2.0]}, Change(property="triggers", kind="added", replaces=True)),
        (
            {"triggers": [FILE]},
            {"triggers": [{**FILE, "hash": "2"}]},
            Change(property="triggers", kind="updated", replaces=True),
        ),
    ],
)
def test_a_change_updates_and_one_of_triggers_replaces(
    olds: dict[str, Any], news: dict[str, Any], change: Change
) -> None:
    assert changes(olds, news) == [change]
