"""The `systemctl` command, answered from a server's unit managers with systemd's words and exit codes.

A unit of the system that has no file in the server's folder (sshd, timers of the distribution) is taken for one that
the machine image brings: what is asked of it is recorded and answered with success. Only sshd really does something.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from local.servers.manager import UnitManager, UnknownUnit
from local.servers.server import Server
from local.servers.servers import Servers
from local.servers.units import InvalidUnit

SSHD = ("sshd.service", "ssh.service")
STATE_AFTER = {
    **dict.fromkeys(("start", "restart", "reload", "reload-or-restart"), ("active", "running")),
    "stop": ("inactive", "dead"),
}
OPTIONS_WITH_VALUE = ("-p", "--property", "-M", "--machine", "-n", "--lines", "-s", "--signal", "-t", "--type")


@dataclass(frozen=True, kw_only=True)
class Request:
    """One command line: `systemctl [--user] VERB UNIT...`."""

    verb: str
    units: tuple[str, ...]
    user: bool
    now: bool = False
    quiet: bool = False
    value_only: bool = False
    properties: tuple[str, ...] = ()


@dataclass(kw_only=True)
class Reply:
    """What the command prints and answers; several units add to one reply, and the last failure counts."""

    code: int = 0
    stdout: list[str] = field(default_factory=list)
    stderr: list[str] = field(default_factory=list)

    def fail(self, code: int, line: str) -> None:
        self.code = code
        self.stderr.append(line)


def systemctl_handler(servers: Servers) -> Callable[[dict[str, Any], object], dict[str, Any]]:
    """The local cloud's answer to {"do": "systemctl", "server": id, "argv": [...], "env": {"USER": ...}}."""

    def handle(request: dict[str, Any], connection: object) -> dict[str, Any]:
        server = servers.server(request["server"])
        reply = run(server, request["argv"], request.get("env", {}).get("USER", "root"))
        return {
            "ok": True,
            "code": reply.code,
            "stdout": "".join(f"{line}\n" for line in reply.stdout),
            "stderr": "".join(f"{line}\n" for line in reply.stderr),
        }

    return handle


def run(server: Server, argv: list[str], user: str) -> Reply:
    """Do what the command line says, for `user` where it says --user."""
    request = parsed(argv)
    verb = _VERBS.get(request.verb)
    if verb is None:
        return Reply(code=1, stderr=[f"Unknown command verb '{request.verb}'."])
    manager = server.user_manager(user) if request.user else server.system_manager
    reply = Reply()
    if not request.user:
        _serve_the_image(server, request)
    verb(manager, request, reply)
    return reply


def parsed(argv: list[str]) -> Request:
    """The command line as a value; options that change nothing here (--no-block, --no-pager) are passed over."""
    words = list(_separated(argv))
    operands = [word for name, word in words if not name]
    properties = [word for name, word in words if name in ("-p", "--property")]
    flags = {name for name, _ in words}
    return Request(
        verb=operands[0] if operands else "list-units",
        units=tuple(_with_suffix(unit) for unit in operands[1:]),
        user="--user" in flags,
        now="--now" in flags,
        quiet=bool(flags & {"-q", "--quiet"}),
        value_only="--value" in flags,
        properties=tuple(",".join(properties).split(",")) if properties else (),
    )


def _separated(argv: list[str]) -> Iterator[tuple[str, str]]:
    """(option, its value or "") and ("", operand)."""
    words = iter(argv)
    for word in words:
        if not word.startswith("-"):
            yield "", word
        elif "=" in word:
            name, _, value = word.partition("=")
            yield name, value
        elif word in OPTIONS_WITH_VALUE:
            yield word, next(words, "")
        else:
            yield word, ""


def _with_suffix(unit: str) -> str:
    known = (".service", ".timer", ".target", ".socket")
    return unit if unit.endswith(known) else f"{unit}.service"


def _serve_the_image(server: Server, request: Request) -> None:
    """Record what is asked of units that the image brings, and let sshd read its key again."""
    asked = [unit for unit in request.units if not server.system_manager.exists(unit)]
    server.record(request.verb, asked)
    for unit in asked:
        if request.verb in STATE_AFTER:
            server.system_manager.note(unit, STATE_AFTER[request.verb])
    if request.verb in ("start", "restart", "reload", "try-restart", "reload-or-restart") and set(asked) & set(SSHD):
        server.restart_sshd()


def _start(manager: UnitManager, request: Request, reply: Reply) -> None:
    for name in request.units:
        _start_one(manager, request, name, reply)


def _start_one(manager: UnitManager, request: Request, name: str, reply: Reply) -> None:
    try:
        started = manager.start(name)
    except UnknownUnit:
        if request.user:
            reply.fail(5, f"Failed to {request.verb} {name}: Unit {name} not found.")
        return
    except InvalidUnit as error:
        reply.fail(1, f"Failed to {request.verb} {name}: Unit {name} has a bad unit file setting: {error}")
        return
    if not started:
        reply.fail(1, f"Job for {name} failed because the control process exited with error code.")


def _stop(manager: UnitManager, request: Request, reply: Reply) -> None:
    for name in request.units:
        try:
            manager.stop(name)
        except UnknownUnit:
            if request.user:
                reply.fail(5, f"Failed to stop {name}: Unit {name} not loaded.")


def _restart(manager: UnitManager, request: Request, reply: Reply) -> None:
    for name in request.units:
        if manager.exists(name):
            manager.stop(name)
        _start_one(manager, request, name, reply)


def _try_restart(manager: UnitManager, request: Request, reply: Reply) -> None:
    for name in request.units:
        if manager.state(name)[0] == "active":
            manager.stop(name)
            _start_one(manager, request, name, reply)


def _enable(manager: UnitManager, request: Request, reply: Reply) -> None:
    for name in request.units:
        try:
            for link, target in manager.enable(name):
                reply.stderr.append(f"Created symlink {link} → {target}.")
        except UnknownUnit:
            if request.user:
                reply.fail(1, f"Failed to enable unit: Unit file {name} does not exist.")
        except InvalidUnit as error:
            reply.fail(1, f"Failed to enable unit: {error}")
    if request.now and not reply.code:
        _start(manager, request, reply)


def _disable(manager: UnitManager, request: Request, reply: Reply) -> None:
    for name in request.units:
        if request.user and not manager.exists(name):
            reply.fail(1, f"Failed to disable unit: Unit file {name} does not exist.")
        for link in manager.disable(name):
            reply.stderr.append(f'Removed "{link}".')
    if request.now and not reply.code:
        _stop(manager, request, reply)


def _reload(manager: UnitManager, request: Request, reply: Reply) -> None:
    manager.reload()


def _reset_failed(manager: UnitManager, request: Request, reply: Reply) -> None:
    for name in request.units or manager.names():
        service = manager.service(name)
        if service is not None:
            service.reset_failed()


def _is_active(manager: UnitManager, request: Request, reply: Reply) -> None:
    states = [manager.state(name)[0] for name in request.units]
    reply.code = 0 if "active" in states else 3
    if not request.quiet:
        reply.stdout += states


def _is_failed(manager: UnitManager, request: Request, reply: Reply) -> None:
    states = [manager.state(name)[0] for name in request.units]
    reply.code = 0 if "failed" in states else 1
    if not request.quiet:
        reply.stdout += states


def _is_enabled(manager: UnitManager, request: Request, reply: Reply) -> None:
    for name in request.units:
        state = manager.unit_file(name).file_state or "not-found"
        reply.code = {"enabled": 0, "disabled": 1}.get(state, 4)
        if not request.quiet:
            reply.stdout.append(state)


def _show(manager: UnitManager, request: Request, reply: Reply) -> None:
    for name in request.units:
        shown = _properties(manager, name)
        wanted = {key: shown.get(key, "") for key in request.properties} if request.properties else shown
        reply.stdout += [value if request.value_only else f"{key}={value}" for key, value in wanted.items()]


def _status(manager: UnitManager, request: Request, reply: Reply) -> None:
    for name in request.units:
        shown = _properties(manager, name)
        if shown["LoadState"] == "not-found":
            reply.fail(4, f"Unit {name} could not be found.")
            continue
        reply.code = 0 if shown["ActiveState"] == "active" else 3
        reply.stdout += _description(shown)


def _description(shown: Mapping[str, str]) -> list[str]:
    """What `systemctl status` says of one unit."""
    failed = f" (Result: {shown['Result']})" if shown["ActiveState"] == "failed" else ""
    lines = [
        f"● {shown['Id']} - {shown['Description']}",
        f"     Loaded: {shown['LoadState']} ({shown['FragmentPath']}; {shown['UnitFileState']})",
        f"     Active: {shown['ActiveState']} ({shown['SubState']}){failed}",
    ]
    lines += [] if shown["ConditionResult"] == "yes" else ["  Condition: start condition unmet"]
    lines += [f"   Main PID: {shown['MainPID']}"] if shown["MainPID"] != "0" else []
    return lines


def _list_units(manager: UnitManager, request: Request, reply: Reply) -> None:
    for name in manager.names():
        reply.stdout.append(f"{name} {manager.unit_file(name).load_state} {' '.join(manager.state(name))}")


def _properties(manager: UnitManager, name: str) -> dict[str, str]:
    service, file = manager.service(name), manager.unit_file(name)
    active, sub = manager.state(name)
    code = service.exit_code if service else 0
    return {
        "Id": name,
        "Description": manager.description(name),
        "LoadState": file.load_state,
        "ActiveState": active,
        "SubState": sub,
        "UnitFileState": file.file_state,
        "FragmentPath": str(file.path) if file.load_state == "loaded" else "",
        "MainPID": str(service.pid if service else 0),
        "ExecMainCode": str(2 if code < 0 else 1),
        "ExecMainStatus": str(abs(code)),
        "Result": service.result if service else "success",
        "ConditionResult": "no" if service and not service.condition_met else "yes",
        "NRestarts": str(service.restarts if service else 0),
    }


_VERBS: dict[str, Callable[[UnitManager, Request, Reply], None]] = {
    "start": _start,
    "stop": _stop,
    "restart": _restart,
    "try-restart": _try_restart,
    "reload": _try_restart,
    "reload-or-restart": _restart,
    "enable": _enable,
    "disable": _disable,
    "daemon-reload": _reload,
    "reset-failed": _reset_failed,
    "is-active": _is_active,
    "is-failed": _is_failed,
    "is-enabled": _is_enabled,
    "show": _show,
    "status": _status,
    "list-units": _list_units,
}
