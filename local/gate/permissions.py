"""IAM's decision: whether the policies of who calls allow it. Off until somebody asks for it.

A call passes when a statement of the caller's policies allows each action that it wants, and one of the boundary too
where there is a boundary, and no statement of either denies it. Resources count where the request tells them by name
(`wants.py`); where not, a denial counts only if it is for everything. Conditions are taken to hold in what allows; in
what denies, only those on who calls are understood, and a denial under any other condition is left out.
Resources' own policies, as of buckets and keys, are not asked.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from local.control import Connection, Handler
from local.gate.callers import Caller, Document, caller_of
from local.gate.calls import Call
from local.gate.wants import Want, wants

ALWAYS = {"sts:GetCallerIdentity"}  # nobody needs a permission for it
PRINCIPAL = "aws:PrincipalArn"
Statement = Mapping[str, Any]


class Permissions:
    """Judges calls while it is `enforced`."""

    def __init__(self, find: Callable[[str], Caller | None] = caller_of) -> None:
        self.enforced = False
        self._find = find

    def refusal(self, call: Call, environ: dict[str, Any]) -> str:
        """Why a call is not allowed, as AWS says it; empty when it is."""
        caller = self._find(call.key_id) if self.enforced and call.name not in ALWAYS else None
        if caller is None:
            return ""
        place = f"{call.region}:{caller.account}"
        reasons = (_said(caller, want) for want in wants(call, environ, place))
        return next((reason for reason in reasons if reason), "")


def _said(caller: Caller, want: Want) -> str:
    because = why_not(caller, want)
    on = f" on resource: {want.resource}" if want.resource else ""
    return because and f"User: {caller.arn} is not authorized to perform: {want.action}{on} {because}"


def why_not(caller: Caller, want: Want) -> str:
    """What stands against an action; nothing when it is allowed."""
    bounds = [] if caller.boundary is None else [caller.boundary]
    for documents, kind in ((caller.policies, "an identity-based policy"), (bounds, "a permissions boundary")):
        if any(_denies(one, caller, want) for one in _statements(documents, "Deny")):
            return f"with an explicit deny in {kind}"
    if not any(_is_about(one, want) for one in _statements(caller.policies, "Allow")):
        return f"because no identity-based policy allows the {want.action} action"
    if bounds and not any(_is_about(one, want) for one in _statements(bounds, "Allow")):
        return f"because no permissions boundary allows the {want.action} action"
    return ""


def _statements(documents: Iterable[Document], effect: str) -> list[Statement]:
    found = [one for document in documents for one in _listed(document["Statement"])]
    return [one for one in found if one["Effect"] == effect]


def _denies(statement: Statement, caller: Caller, want: Want) -> bool:
    return _is_about(statement, want, unknown="*") and all(
        _holds(operator, wanted, caller) for operator, wanted in statement.get("Condition", {}).items()
    )


def _is_about(statement: Statement, want: Want, unknown: str = "") -> bool:
    """Whether action and resource are meant; a resource that nobody knows is `unknown`, or any if that is empty."""
    actions = [one.lower() for one in _listed(statement.get("Action", []))]
    if not _matches(want.action.lower(), actions):
        return False
    resource = want.resource or unknown
    return not resource or _matches(resource, _listed(statement.get("Resource", [])))


def _holds(operator: str, wanted: Mapping[str, Any], caller: Caller) -> bool:
    """Whether a condition of a denial holds; not when it is about something else than who calls."""
    if operator not in ("ArnEquals", "ArnNotEquals") or set(wanted) != {PRINCIPAL}:
        return False
    return _matches(caller.principal, _listed(wanted[PRINCIPAL])) is (operator == "ArnEquals")


def _matches(text: str, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(text, pattern.replace("[", "[[]")) for pattern in patterns)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def permissions_handler(permissions: Permissions) -> Handler:
    """The control request `permissions`: whether they are enforced, from now on as `"enforced"` says."""

    def handle(request: dict[str, Any], connection: Connection) -> dict[str, Any]:
        permissions.enforced = bool(request.get("enforced", permissions.enforced))
        return {"enforced": permissions.enforced}

    return handle
