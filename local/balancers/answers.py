"""What a load balancer answers by itself: fixed responses, redirects, and pages that say why nobody else answers."""

from typing import Any

from aiohttp import web

NO_WEBSOCKETS = "the local cloud's load balancers do not pass on WebSocket upgrades"


def plain(status: int, text: str) -> web.Response:
    return web.Response(status=status, text=text + "\n")


def fixed(config: dict[str, Any]) -> web.Response:
    return web.Response(
        status=int(config["StatusCode"]),
        body=(config.get("MessageBody") or "").encode(),
        headers={"Content-Type": config.get("ContentType") or "text/plain"},
    )


def redirect(config: dict[str, Any], request: web.BaseRequest, scheme: str, port: int) -> web.Response:
    """Parts that the action does not name stay as they were asked for."""
    known = {
        "protocol": scheme,
        "host": request.host.partition(":")[0],
        "port": str(port),
        "path": request.path.lstrip("/"),
        "query": request.query_string,
    }
    filled = {part: _fill(str(config.get(part.title(), "#{" + part + "}")), known) for part in known}
    place = f"{filled['protocol'].lower()}://{filled['host']}:{filled['port']}/{filled['path'].lstrip('/')}"
    location = place + (f"?{filled['query']}" if filled["query"] else "")
    return web.Response(status=int(config["StatusCode"].removeprefix("HTTP_")), headers={"Location": location})


def _fill(template: str, known: dict[str, str]) -> str:
    for name, value in known.items():
        template = template.replace("#{" + name + "}", value)
    return template
