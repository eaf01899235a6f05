"""``release policies ENV``: what IAM has to allow to whom, for accounts where people make the roles themselves."""

from typing import Any

import click

from release.call import Call, environment_argument, pass_call
from release.process.output import table
from settings.model import Settings
from settings.permissions.boundary import boundary
from settings.permissions.identities import GITHUB, PARTIES, Identities, Party, session_seconds
from settings.permissions.place import Place, place_of
from settings.permissions.policies import policies, trust
from settings.stackfile import Project


@click.command("policies")
@environment_argument
@click.option("--for", "party", type=click.Choice(PARTIES), help="Only one of them.  [default: all]")
@pass_call
def command(call: Call, name: str, party: Party | None) -> None:
    """Show what IAM has to allow in ENVIRONMENT, and to whom.

    With --json the very policies, trusts and the boundary. `pulumi up` makes these roles for those whom the stack file
    names. This is for whoever makes them by hand. No account is needed.

    \b
    Example: release policies prod --for ci --json
    """
    report = policies_of(call.project, name, party)
    call.show(report, policies_text(report))


def policies_of(project: Project, name: str, party: Party | None) -> dict[str, Any]:
    """The roles of a party, or of all, with who may become them; and the boundary that all of them need."""
    settings = project.load(name)
    doors = settings.access.open_door
    place = place_of(settings.names, settings.promotes_from, protected=settings.protected, doors=doors)
    parties = (party,) if party else PARTIES
    return {
        "environment": name,
        "roles": {one: _role(one, settings, place) for one in parties},
        "boundary": {"arn": Identities(names=place.names).boundary, "policy": boundary(place)},
    }


def policies_text(report: dict[str, Any]) -> str:
    """One line for each role: how much it is given, and whether anybody may become it."""
    rows = [
        (party, role.get("arn", ""), str(len(_actions(role))), _trusted(role))
        for party, role in report["roles"].items()
    ]
    return table(("for", "role", "actions", "trusts"), rows) + f"\nboundary of all of them: {report['boundary']['arn']}"


def _actions(role: dict[str, Any]) -> set[str]:
    statements = [statement for document in role["policies"] for statement in document["Statement"]]
    return {action for statement in statements for action in statement["Action"]}


def _trusted(role: dict[str, Any]) -> str:
    if "trust" not in role:
        return "is no role of the environment"
    if role["trust"] is None:
        return "nobody yet"
    return ", ".join(map(_who, role["trust"]["Statement"]))


def _who(statement: dict[str, Any]) -> str:
    if "Federated" in statement["Principal"]:
        return " or ".join(statement["Condition"]["StringEquals"][f"{GITHUB}:sub"])
    return ", ".join(statement["Principal"]["AWS"])


def _role(party: Party, settings: Settings, place: Place) -> dict[str, Any]:
    """Administrators are no role of the environment: they make it."""
    needed = policies(party, place)
    if party == "administrator":
        return {"policies": needed}
    return {
        "arn": Identities(names=place.names).role(party),
        "trust": trust(party, place, settings.access),
        "maxSessionSeconds": session_seconds(party),
        "policies": needed,
    }
