"""Whose a demo is: the same the next day, and nobody else's."""

import pytest

from release.rules.owners import is_owners, owner_of

ANA = "arn:aws:iam::123456789012:user/ana"
ROLE = "arn:aws:sts::123456789012:assumed-role/demo"
PERSON = f"{ROLE}/ben@example.com"
TABLE = {
    "a user": (ANA, ANA),
    "a person in a role": (PERSON, PERSON),
    "a person whose name ends in a number": (f"{ROLE}/ben-1024", f"{ROLE}/ben-1024"),
    "who federates": ("arn:aws:sts::123456789012:federated-user/ben", "arn:aws:sts::123456789012:federated-user/ben"),
    "a profile of the command line": (f"{ROLE}/botocore-session-1764543600", ROLE),
    "a profile of an older one": (f"{ROLE}/AWS-CLI-session-1764543600", ROLE),
    "a tool in Go": (f"{ROLE}/aws-go-sdk-1764543600000000000", ROLE),
    "a tool that takes the time": (f"{ROLE}/1764543600000", ROLE),
    "a workflow of Stageline": (f"{ROLE}/stageline-9876543210", ROLE),
    "another workflow": (f"{ROLE}/GitHubActions", ROLE),
    "a machine": (f"{ROLE}/i-0123456789abcdef0", ROLE),
    "another partition": (f"{ROLE.replace('aws:', 'aws-cn:')}/botocore-session-1", ROLE.replace("aws:", "aws-cn:")),
}


@pytest.mark.parametrize(("caller", "owner"), TABLE.values(), ids=TABLE)
def test_an_owner_is_a_user_or_a_person_in_a_role_or_a_role(caller: str, owner: str) -> None:
    assert owner_of(caller) == owner
    assert is_owners(owner, caller)


@pytest.mark.parametrize(
    ("owner", "caller", "is_theirs"),
    [
        pytest.param(ROLE, f"{ROLE}/botocore-session-2", True, id="a later session"),
        pytest.param(ROLE, PERSON, True, id="a person in the role that owns it"),
        pytest.param(PERSON, f"{ROLE}/botocore-session-2", False, id="a tool for a person's"),
        pytest.param(PERSON, f"{ROLE}/carl@example.com", False, id="another person in the role"),
        pytest.param(ROLE, "arn:aws:sts::123456789012:assumed-role/demo2/botocore-session-2", False, id="another role"),
        pytest.param(ROLE, "arn:aws:sts::210987654321:assumed-role/demo/x", False, id="another account"),
        pytest.param(ANA, "arn:aws:iam::123456789012:user/anam", False, id="another user"),
    ],
)
def test_whose_a_demo_is(owner: str, caller: str, is_theirs: bool) -> None:
    assert is_owners(owner, caller) is is_theirs
