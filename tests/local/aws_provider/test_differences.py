"""What differs between old inputs and new ones."""

import pytest

from local.aws_provider.differences import Difference, Kind, deletes_first, differences
from local.aws_provider.model import DEFAULTED, Properties
from local.aws_provider.wire import UNKNOWN
from tests.local.aws_provider.kinds import WIDGET


def found(old: Properties, new: Properties) -> list[tuple[str, Kind, bool]]:
    """Compare two sets of a widget's inputs."""
    return [(each.path, each.kind, each.replaces) for each in differences(WIDGET, old, new)]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ({"size": 1}, {"size": 1}, []),
        ({"size": 1}, {"size": 2}, [("size", Kind.UPDATED, False)]),
        ({}, {"size": 2}, [("size", Kind.ADDED, False)]),
        ({"policy": "{}"}, {}, [("policy", Kind.DELETED, False)]),
        ({"name": "a"}, {"name": "b"}, [("name", Kind.UPDATED, True)]),
        ({"zone": "a"}, {}, []),
        ({"zone": "a"}, {"zone": "b"}, [("zone", Kind.UPDATED, True)]),
        ({"size": 1}, {"size": UNKNOWN}, [("size", Kind.UPDATED, False)]),
        ({"name": "a"}, {"name": UNKNOWN}, [("name", Kind.UPDATED, True)]),
        ({"policy": '{"a": 1, "b": 2}'}, {"policy": '{"b":2,"a":1}'}, []),
        ({"policy": "{}"}, {"policy": UNKNOWN}, [("policy", Kind.UPDATED, False)]),
        ({"groups": ["a", "b"]}, {"groups": ["b", "a"]}, []),
        ({"groups": ["a", "b"]}, {"groups": ["b", UNKNOWN]}, [("groups", Kind.UPDATED, False)]),
        ({"text": "a", "force": False}, {"text": "b", "force": False}, [("text", Kind.UPDATED, False)]),
        ({"text": "a", "force": True}, {"text": "b", "force": True}, [("text", Kind.UPDATED, True)]),
        ({"check": {"path": "/a"}}, {"check": {"path": "/b"}}, [("check.path", Kind.UPDATED, False)]),
        ({"check": {"path": "/a", "code": "200"}}, {"check": {"path": "/a"}}, []),
        ({"check": {"path": "/a"}}, {"check": UNKNOWN}, [("check", Kind.UPDATED, False)]),
        ({"disks": [{"gb": 1}]}, {"disks": [{"gb": 2}]}, [("disks[0].gb", Kind.UPDATED, False)]),
        ({"disks": [{"gb": 1}]}, {"disks": [{"gb": 1, "key": "k"}]}, [("disks[0].key", Kind.ADDED, True)]),
        ({"disks": [{"gb": 1}]}, {"disks": [{"gb": 1}, {"gb": 2}]}, [("disks", Kind.UPDATED, False)]),
        ({DEFAULTED: ["name"]}, {}, []),
    ],
)
def test_only_what_means_something_else_differs(
    old: Properties, new: Properties, expected: list[tuple[str, Kind, bool]]
) -> None:
    assert found(old, new) == expected


@pytest.mark.parametrize("path", ["disks[0].gb", "disks", "disks.gb"])
def test_a_path_begins_with_the_name_of_an_input(path: str) -> None:
    assert Difference(path=path, kind=Kind.ADDED, replaces=False).input == "disks"


@pytest.mark.parametrize(
    ("old", "new", "first"),
    [
        ({"name": "own"}, {"name": "own"}, True),
        ({"name": "own"}, {"name": "other"}, False),
        ({"name": "w-1", DEFAULTED: ["name"]}, {"name": "w-1", DEFAULTED: ["name"]}, False),
        ({}, {}, False),
    ],
    ids=["fixed-name", "renamed", "automatic-name", "no-name"],
)
def test_the_old_resource_goes_first_where_its_name_is_in_the_way(
    old: Properties, new: Properties, first: bool
) -> None:
    assert deletes_first(WIDGET, old, new) is first
