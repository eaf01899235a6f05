"""The `aws` command of local servers: the few calls that servers make, with the role of the server.

Answers, errors and exit codes are those of the real command line: 252 for a wrong command line, 253 without
credentials, 254 when AWS says no, 255 for anything else. A server without a role has no credentials, as on AWS.
"""

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import botocore.exceptions
import jmespath
from botocore.config import Config

from local.servers.servers import Servers
from local.service_models import new_session

USAGE, NO_CREDENTIALS, REFUSED, BROKEN = 252, 253, 254, 255
GLOBAL_OPTIONS = ("--region", "--query", "--output")
FLAGS = ("--no-cli-pager", "--no-paginate")
CONNECTION = Config(retries={"total_max_attempts": 2, "mode": "standard"}, connect_timeout=5, read_timeout=60)


class WrongUsage(Exception):
    """The command line is not one of those known here; says what is."""


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One call: its boto3 method, and its options by parameter. `saves_body` takes a file name after them."""

    method: str
    options: Mapping[str, str]
    flags: Mapping[str, str]
    required: tuple[str, ...] = ()
    saves_body: bool = False


OPERATIONS = {
    ("secretsmanager", "get-secret-value"): Operation(
        method="get_secret_value",
        options={"--secret-id": "SecretId", "--version-id": "VersionId", "--version-stage": "VersionStage"},
        flags={},
        required=("--secret-id",),
    ),
    ("ssm", "get-parameter"): Operation(
        method="get_parameter",
        options={"--name": "Name"},
        flags={"--with-decryption": "WithDecryption"},
        required=("--name",),
    ),
    ("s3api", "get-object"): Operation(
        method="get_object",
        options={"--bucket": "Bucket", "--key": "Key", "--version-id": "VersionId"},
        flags={},
        required=("--bucket", "--key"),
        saves_body=True,
    ),
    ("elbv2", "describe-target-health"): Operation(
        method="describe_target_health",
        options={"--target-group-arn": "TargetGroupArn"},
        flags={},
        required=("--target-group-arn",),
    ),
    ("sts", "get-caller-identity"): Operation(method="get_caller_identity", options={}, flags={}),
}
BOTO3_NAMES = {"s3api": "s3"}


@dataclass(frozen=True, kw_only=True)
class CommandLine:
    """What was asked: service, operation, its parameters, and how to print the answer."""

    service: str
    operation: Operation
    parameters: Mapping[str, Any]
    file: str | None
    region: str
    query: str | None
    text: bool


@dataclass(frozen=True, kw_only=True)
class Place:
    """The folder that a command is called in; `require_space` raises OSError when nothing can be saved there."""

    folder: Path
    require_space: Callable[[], None] = lambda: None


class Clients:
    """One boto3 client per role, service and region: making one costs more than using it."""

    def __init__(self, endpoint: str | None) -> None:
        self._endpoint = endpoint
        self._clients: dict[tuple[str, str, str], Any] = {}
        self._sessions: dict[str, boto3.Session] = {}
        self._lock = threading.Lock()

    def client(self, role: str, service: str, region: str) -> Any:
        with self._lock:
            key = (role, service, region)
            if key not in self._clients:
                self._clients[key] = self._new(self._session(role, region), service, region)
            return self._clients[key]

    def _session(self, role: str, region: str) -> boto3.Session:
        if role not in self._sessions:
            sts = self._new(new_session(), "sts", region)
            name = role.rpartition("/")[2]
            found = sts.assume_role(RoleArn=role, RoleSessionName=name, DurationSeconds=43200)["Credentials"]
            self._sessions[role] = new_session(
                aws_access_key_id=found["AccessKeyId"],
                aws_secret_access_key=found["SecretAccessKey"],
                aws_session_token=found["SessionToken"],
            )
        return self._sessions[role]

    def _new(self, session: boto3.Session, service: str, region: str) -> Any:
        make: Any = session.client
        return make(service, region_name=region, endpoint_url=self._endpoint, config=CONNECTION)


def aws_handler(servers: Servers, *, endpoint: str | None = None) -> Callable[[dict[str, Any], object], dict[str, Any]]:
    """The local cloud's answer to {"do": "aws", "server": id, "argv": [...], "env": {...}, "cwd": folder}.

    `endpoint` is the URL of the AWS API, by default AWS_ENDPOINT_URL's. Roles are assumed with the local cloud's own
    credentials, from its environment.
    """
    clients = Clients(endpoint)

    def handle(request: dict[str, Any], connection: object) -> dict[str, Any]:
        server = servers.server(request["server"])
        place = Place(folder=Path(request["cwd"]), require_space=server.disk.require_space)
        code, stdout, stderr = run(clients, server.role, request["argv"], request.get("env", {}), place)
        return {"ok": True, "code": code, "stdout": stdout, "stderr": stderr}

    return handle


def run(
    clients: Clients, role: str | None, argv: list[str], environment: Mapping[str, str], place: Place
) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of `aws ARGV`, called in `place`."""
    try:
        line = parsed(argv, environment)
        if role is None:
            return NO_CREDENTIALS, "", "\nUnable to locate credentials: the instance has no instance profile.\n"
        return 0, _answered(clients.client(role, line.service, line.region), line, place), ""
    except WrongUsage as error:
        return USAGE, "", f"\naws: error: {error}\n"
    except botocore.exceptions.ClientError as error:
        return REFUSED, "", f"\n{error}\n"
    except (botocore.exceptions.BotoCoreError, OSError, jmespath.exceptions.JMESPathError) as error:
        return BROKEN, "", f"\n{error}\n"


def parsed(argv: list[str], environment: Mapping[str, str]) -> CommandLine:
    """The command line as a value. Raises WrongUsage."""
    operands, options, flags = _separated(argv)
    name = tuple(operands[:2])
    operation = OPERATIONS.get((name[0], name[1])) if len(name) == 2 else None
    if operation is None:
        known = ", ".join(" ".join(pair) for pair in OPERATIONS)
        raise WrongUsage(f"{' '.join(name)!r} is not known on a local server; known are {known}")
    _refuse_unknown(operation, operands[2:], options, flags)
    region = options.get("--region") or environment.get("AWS_REGION") or environment.get("AWS_DEFAULT_REGION")
    if not region:
        raise WrongUsage("You must specify a region. Give --region.")
    return CommandLine(
        service=BOTO3_NAMES.get(name[0], name[0]),
        operation=operation,
        parameters={
            **{parameter: options[option] for option, parameter in operation.options.items() if option in options},
            **{parameter: True for flag, parameter in operation.flags.items() if flag in flags},
        },
        file=operands[2] if operation.saves_body else None,
        region=region,
        query=options.get("--query"),
        text=options.get("--output") == "text",
    )


def _separated(argv: list[str]) -> tuple[list[str], dict[str, str], set[str]]:
    """Operands, options with their values, and flags."""
    known_flags = {*FLAGS, *(flag for operation in OPERATIONS.values() for flag in operation.flags)}
    operands: list[str] = []
    options: dict[str, str] = {}
    flags: set[str] = set()
    words = iter(argv)
    for word in words:
        name, equals, value = word.partition("=")
        if not word.startswith("--"):
            operands.append(word)
        elif word in known_flags:
            flags.add(word)
        else:
            options[name] = value if equals else _value_of(name, words)
    return operands, options, flags


def _value_of(name: str, words: Any) -> str:
    value: str | None = next(words, None)
    if value is None:
        raise WrongUsage(f"argument {name}: expected one argument")
    return value


def _refuse_unknown(operation: Operation, rest: list[str], options: Mapping[str, str], flags: set[str]) -> None:
    unknown = [name for name in options if name not in operation.options and name not in GLOBAL_OPTIONS]
    unknown += [flag for flag in flags if flag not in operation.flags and flag not in FLAGS]
    unknown += rest[1:] if operation.saves_body else rest
    if unknown:
        raise WrongUsage(f"Unknown options: {', '.join(unknown)}")
    missing = [name for name in operation.required if name not in options]
    missing += ["outfile"] if operation.saves_body and not rest else []
    if missing:
        raise WrongUsage(f"the following arguments are required: {', '.join(missing)}")
    if options.get("--output", "json") not in ("json", "text"):
        raise WrongUsage("--output on a local server is json or text")


def _answered(client: Any, line: CommandLine, place: Place) -> str:
    answer = getattr(client, line.operation.method)(**line.parameters)
    answer.pop("ResponseMetadata", None)
    if line.file is not None:
        place.require_space()
        _save(answer.pop("Body"), place.folder / line.file)
    shown = jmespath.search(line.query, answer) if line.query else answer
    return _printed(shown, text=line.text)


def _save(body: Any, path: Path) -> None:
    with path.open("wb") as file:
        for chunk in body.iter_chunks(1 << 20):
            file.write(chunk)


def _printed(value: Any, *, text: bool) -> str:
    if text and isinstance(value, str | int | float | None):
        return f"{value}\n"
    if text and isinstance(value, dict):
        return "\t".join(str(part) for part in value.values()) + "\n"
    return json.dumps(value, indent=4, default=str) + "\n"
