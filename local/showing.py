"""What `status` and `up` print: a line for every part, and for every part that has crashed what to do."""

from collections.abc import Mapping
from typing import Any

from local.background import Standing, State

CRASHED = "crashed"
AGAIN = "`local-cloud logs` shows why, `local-cloud reset` starts again empty"
KINDS = {  # a part's key in the status, what it is called, and what to do when one has crashed
    "services": ("part", AGAIN),
    "load_balancers": ("load balancer", AGAIN),
    "databases": ("database", "`local-cloud logs {name}` shows why, rebooting the DB instance starts it again"),
    "servers": ("server", "`local-cloud logs {name}` shows why, rebooting the instance boots it again"),
}


def sentence(standing: Standing) -> str:
    """How a cloud stands that is not up."""
    if standing.state is State.KEPT:
        return f"the local cloud is down, its state is kept since {standing.since}: `local-cloud up` continues with it"
    if standing.state is State.CRASHED:
        return (
            "the local cloud has crashed and its state is lost: `local-cloud logs` shows its last words,"
            " `local-cloud up` starts an empty one"
        )
    return "the local cloud is down"


def as_json(standing: Standing) -> dict[str, Any]:
    """How a cloud stands, for programs."""
    return {
        "up": standing.state is State.UP,
        "state": str(standing.state),
        "kept_since": standing.since or None,
        "problems": problems(standing.status),
        **standing.status,
    }


def lines(status: Mapping[str, Any]) -> list[str]:
    """A line for every part of a running cloud."""
    return [
        _line("AWS API", status["url"], f"pace {status['pace']:g}"),
        *(_line("load balancer", one["address"], _balancer(one)) for one in status["load_balancers"]),
        *(_line("database", one["address"], _database(one)) for one in status["databases"]),
        *(_line("server", one["address"], _server(one)) for one in sorted(status["servers"], key=_name)),
        *(_line("fault", one["id"], f"{one['kind']} {one['target']}".strip()) for one in status["faults"]),
    ]


def problems(status: Mapping[str, Any]) -> list[str]:
    """For each part that has crashed by itself: what it is, and what to do."""
    return [
        _problem(what, advice, part)
        for key, (what, advice) in KINDS.items()
        for part in status.get(key, ())
        if part["state"] == CRASHED
    ]


def _problem(what: str, advice: str, part: Mapping[str, Any]) -> str:
    name = part.get("id") or part.get("name") or part.get("address")
    reason = f" ({part['error']})" if part.get("error") else ""
    return f"{what} {name} has crashed{reason}: {advice.format(name=name)}"


def _line(what: str, address: str, text: str) -> str:
    return f"  {what:<15} {address:<15} {text}".rstrip()


def _name(part: Mapping[str, Any]) -> str:
    return str(part.get("name") or part.get("id"))


def _balancer(balancer: Mapping[str, Any]) -> str:
    ports = ", ".join(str(port) for port in balancer["ports"]) or "no port yet"
    return f"{balancer['name']}: {ports}{_unless_running(balancer)}"


def _database(database: Mapping[str, Any]) -> str:
    name = f"{database['id']}: " if database.get("id") else ""
    return f"{name}port {database['port']}, {database['state']}"


def _server(server: Mapping[str, Any]) -> str:
    return " ".join(text for text in (server["id"], server.get("name"), server["state"]) if text)


def _unless_running(part: Mapping[str, Any]) -> str:
    state = part.get("state", "running")
    return "" if state == "running" else f", {state}"
