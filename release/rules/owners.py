"""Whose a demo is, by what STS says of a caller: an ARN that is the same the next day.

The name of a role's session is a person's where a person or an identity provider gave it. Tools make up another one
each time: of those only the role counts, so whoever has that role is the owner.
"""

import re

_SESSION = re.compile(r"(arn:[a-z-]+:sts::[0-9]{12}:assumed-role/[^/]+)/([^/]+)")
_MADE_UP = re.compile(
    r"(botocore-session|AWS-CLI-session|aws-sdk-js|aws-sdk-java|aws-go-sdk|aws-dotnet-sdk-session|stageline)-[0-9]+"
    r"|[0-9]{13,}"  # a time in milliseconds or less, as older tools take it
    r"|i-[0-9a-f]{8,17}"  # a machine's
    r"|GitHubActions"
)


def owner_of(caller: str) -> str:
    """Whose the demos are that a caller makes: a user, a person in a role, or the role of a session that tells none."""
    found = _SESSION.fullmatch(caller)
    return found[1] if found and _MADE_UP.fullmatch(found[2]) else caller


def is_owners(owner: str, caller: str) -> bool:
    """Whether a caller is the owner. What a role owns is everybody's who has it: to refuse the others would keep out
    nobody, as each of them may leave the name of a session to a tool.
    """
    found = _SESSION.fullmatch(caller)
    return owner == owner_of(caller) or (found is not None and owner == found[1])
