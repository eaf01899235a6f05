"""Permissions: nobody may do more than is needed, and nobody outside may do anything.

Only what is allowed is judged: a statement that denies may be as wide as it likes.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, Final

from policy.resources import KEY, ROLE, UNKNOWN, Environment, Resource, document, listed

Statement = Mapping[str, Any]

DOCUMENTS: Final = {
    "aws:iam/policy:Policy": "policy",
    "aws:iam/rolePolicy:RolePolicy": "policy",
    "aws:iam/userPolicy:UserPolicy": "policy",
    KEY: "policy",
    "aws:kms/keyPolicy:KeyPolicy": "policy",
    "aws:s3/bucketPolicy:BucketPolicy": "policy",
    "aws:sns/topicPolicy:TopicPolicy": "policy",
    "aws:secretsmanager/secretPolicy:SecretPolicy": "policy",
    "aws:ec2/vpcEndpoint:VpcEndpoint": "policy",
    ROLE: "assumeRolePolicy",
}
"""Where policy documents stand, by the type of resource. A type that is not here has none that Stageline declares."""

OPEN_BY_NATURE: Final = ("aws:ec2/vpcEndpoint:VpcEndpoint",)
"""Types whose documents say `*` for whoever comes this way: their callers' own permissions hold as well."""

ABOUT_ITSELF: Final = (KEY, "aws:kms/keyPolicy:KeyPolicy")
"""Types in whose documents the resource `*` is the resource itself."""

HARMLESS: Final = ("Describe", "List", "GetBucket", "GetCallerIdentity", "GetDashboard")
"""What only tells what there is, by the actions' beginnings. Other reading is not harmless: secrets are read."""

BINDING: Final = ("aws:ResourceTag/", "aws:RequestTag/", "ec2:Vpc", "kms:RequestAlias", "kms:ResourceAliases")
"""Conditions that say which of many resources is meant, where AWS gives it no name before it is made."""

ADMINISTRATORS: Final = ("AdministratorAccess", "PowerUserAccess", "FullAccess")
GITHUB: Final = "token.actions.githubusercontent.com"


@dataclass(frozen=True, kw_only=True)
class Exemption:
    """A `*` that has to be, in the documents of one type; None stands for any name or action.

    `resource` is a pattern: what is narrower is exempted as well.
    """

    type: str
    name: str | None = None
    action: str | None = None
    resource: str = "*"
    reason: str


EXEMPTIONS: Final = (
    Exemption(
        type="aws:iam/policy:Policy",
        name="env-access-boundary",
        reason="a permissions boundary grants nothing; it limits what the policies beside it can",
    ),
    *(
        Exemption(
            type="aws:iam/policy:Policy",
            action="ec2:RunInstances",
            resource=f"arn:aws:ec2:*:{part}/*",
            reason="parts of an instance that are made or read with it; the instance itself is bound by its tags",
        )
        for part in ("image", "network-interface", "volume")
    ),
    *(
        Exemption(
            type="aws:iam/policy:Policy",
            action=f"sns:{action}",
            reason="AWS takes no resource for subscriptions; whom they tell is no secret of the environment",
        )
        for action in ("GetSubscriptionAttributes", "SetSubscriptionAttributes", "Unsubscribe")
    ),
    Exemption(
        type="aws:iam/policy:Policy",
        action="cloudwatch:GetMetricData",
        reason="metrics have no ARN; how busy something is, is no secret of the environment",
    ),
    *(
        Exemption(
            type="aws:iam/policy:Policy",
            action=f"servicequotas:{action}",
            reason="how much an account may have is no secret of an environment, and is told by nothing else",
        )
        for action in ("GetServiceQuota", "GetAWSDefaultServiceQuota")
    ),
    Exemption(
        type="aws:iam/rolePolicy:RolePolicy",
        action="cloudwatch:PutMetricData",
        resource="*",
        reason="metrics have no ARN; the statement's condition names the one namespace",
    ),
    Exemption(
        type=KEY,
        action="kms:*",
        resource="*",
        reason="for the account's own root, in the policy of the key itself: or nobody could ever change it again",
    ),
    *(
        Exemption(type=KEY, action=action, resource="*", reason="all that a service that encrypts needs, of this key")
        for action in ("kms:GenerateDataKey*", "kms:ReEncrypt*")
    ),
)


def no_star_is_allowed(one: Resource, _: Environment) -> Iterator[str]:
    """Actions and resources by their names, but for what is harmless and what stands in EXEMPTIONS."""
    for statement in allowing(one):
        bound = one.type in (ROLE, *ABOUT_ITSELF) or is_bound(statement.get("Condition") or {})
        for action in listed(statement.get("Action")):
            for resource in listed(statement.get("Resource")) or ["*"]:
                if not is_harmless(action) and not is_exempted(one, action, resource):
                    yield from star_faults(action, resource, bound)


def star_faults(action: str, resource: str, bound: bool) -> Iterator[str]:
    """What is too wide in one action on one resource; `bound` where a condition says which one is meant."""
    if "*" in action:
        yield f"allows {action}: name the actions, or add it with its reason to EXEMPTIONS"
    if is_wide(resource) and not bound:
        yield f"allows {action} on {resource}: name the resource, or add it with its reason to EXEMPTIONS"


def is_harmless(action: str) -> bool:
    """Whether an action, or all that a pattern of actions stands for, only tells what there is."""
    return action.partition(":")[2].startswith(HARMLESS)


def is_exempted(one: Resource, action: str, resource: str, exemptions: Sequence[Exemption] = EXEMPTIONS) -> bool:
    """Whether there is a reason in writing."""
    return any(
        entry.type == one.type
        and entry.name in (None, one.name)
        and entry.action in (None, action)
        and fnmatchcase(resource, entry.resource)
        for entry in exemptions
    )


def is_bound(condition: Mapping[str, Mapping[str, Any]]) -> bool:
    """Whether a condition names the resources that are meant, not by a mere `*`."""
    return any(
        key.startswith(BINDING) and "*" not in listed(value) and not operator.endswith(("IfExists", "Null"))
        for operator, keys in condition.items()
        for key, value in keys.items()
    )


def is_wide(resource: str) -> bool:
    """Whether a pattern stands for all resources of a kind: `*`, `arn:…:role/*`, or any bucket."""
    parts = resource.split(":", 5)
    if len(parts) < 6:
        return resource.startswith(("*", "arn:aws")) and "*" in resource
    kind_and_name = parts[5].replace(":", "/").split("/", 1)
    name = kind_and_name[0] if parts[2] == "s3" else kind_and_name[-1]
    return name.startswith("*")


def nothing_is_inverted(one: Resource, _: Environment) -> Iterator[str]:
    """Allowing all but something allows what AWS invents tomorrow."""
    for statement in allowing(one):
        for key in ("NotAction", "NotResource", "NotPrincipal"):
            if key in statement:
                yield f"allows by {key}: say what is allowed"


def nobody_is_everyone(one: Resource, _: Environment) -> Iterator[str]:
    """Nobody outside is let in. GitHub's workflows are many people's: whose, says a condition."""
    for statement in allowing(one):
        principal = statement.get("Principal")
        if principal in ("*", {"AWS": "*"}, {"AWS": ["*"]}) and one.type not in OPEN_BY_NATURE:
            yield "allows everyone: name the principals"
        if is_github(principal) and not names_workflow(statement.get("Condition") or {}):
            yield f"trusts all of GitHub: name repository and environment in a condition on {GITHUB}:sub"


def is_github(principal: Any) -> bool:
    """Whether a principal is GitHub's identity provider."""
    federated = principal.get("Federated") if isinstance(principal, Mapping) else None
    return any(GITHUB in str(one) or "oidc" in str(one) for one in listed(federated))


def names_workflow(condition: Mapping[str, Mapping[str, Any]]) -> bool:
    """Whether a condition names audience, repository and environment, none by a pattern."""
    equals = condition.get("StringEquals", {})
    subjects = listed(equals.get(f"{GITHUB}:sub"))
    named = all(one.startswith("repo:") and ":environment:" in one and "*" not in one for one in subjects)
    return bool(subjects) and named and f"{GITHUB}:aud" in equals


def no_administrator_is_made(one: Resource, _: Environment) -> Iterator[str]:
    """AWS's own policies that allow everything of a service or of all."""
    policies = [*listed(one.setting("policyArn")), *listed(one.inputs.get("managedPolicyArns"))]
    for arn in policies:
        if arn is not UNKNOWN and arn.startswith("arn:aws:iam::aws:") and arn.endswith(ADMINISTRATORS):
            yield f"attaches {arn}: write a policy with what is needed"


def allowing(one: Resource) -> Iterator[Statement]:
    """The statements of a resource's document that allow something."""
    for statement in document(one.inputs.get(DOCUMENTS[one.type])):
        if statement.get("Effect") == "Allow":
            yield statement
