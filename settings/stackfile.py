"""Reads Pulumi.yaml and the stack files: the only door from files to `Settings`.

A `Project` is read once and handed on: it knows its environments, their order and the first one, and gives their
settings. Nothing is guessed.
"""

import ipaddress
import re
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, get_args

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from settings import rules
from settings.errors import InvalidSettings, Problem
from settings.model import Settings
from settings.names import BUCKET_NAME_LIMIT, ENVIRONMENT_RULE, is_environment_name

PROJECT_FILE = "Pulumi.yaml"
# What Pulumi itself writes beside `config`, to find the key of the stack's secrets.
PULUMI_KEYS = frozenset({"secretsprovider", "encryptedkey", "encryptionsalt"})
# The one in C reads ten times as fast, where PyYAML was built with it.
LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
# Known from elsewhere, so a stack file must not say them.
DERIVED_KEYS = frozenset({"project", "environment"})

Document = tuple[dict[str, Any], tuple[Problem, ...]]
"""What stands in a file, and what is wrong with it before anyone asks what it means."""


class Project:
    """The project in a folder: its environments, their order, and where releases enter.

    Each of its files is read once, when it is first asked for. Raises `InvalidSettings` with every problem at once.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._documents: dict[str, Document] = {}
        self._settings: dict[str, Settings] = {}

    @cached_property
    def name(self) -> str:
        """The name in Pulumi.yaml, which stands in front of every key of a stack file."""
        document, repeated = self._document(PROJECT_FILE)
        name, problems = document.get("name"), list(repeated)
        if not isinstance(name, str):
            problems.append(_about(PROJECT_FILE, "name", _is(name), "the project's name"))
        if problems:
            raise InvalidSettings(problems)
        return str(name)

    @cached_property
    def program_dir(self) -> Path:
        """The folder of the program that Pulumi runs: where Pulumi.yaml's `main` leads, or the project's own."""
        document, _ = self._document(PROJECT_FILE)
        return (self.folder / str(document.get("main") or ".")).resolve()

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The environments that have a stack file, by name, whatever stands in it. Other files are not ours."""
        candidates = (path.name.split(".", 1)[1].removesuffix(".yaml") for path in self.folder.glob("Pulumi.*.yaml"))
        return tuple(sorted(name for name in candidates if is_environment_name(name)))

    @cached_property
    def demo_bases(self) -> tuple[str, ...]:
        """The environments whose files have a section for demos, whatever else is wrong with them."""
        return tuple(name for name in self.names if self._config(name).get(f"{self.name}:demo") is not None)

    @cached_property
    def demo_base(self) -> str:
        """The environment that demos stand on: the only one with a section for them."""
        bases = self.demo_bases
        if len(bases) != 1:
            fault = f"stands in {' and in '.join(bases)}" if bases else "stands in no file"
            allowed = "the section in one file: of the environment that demos stand on"
            raise InvalidSettings([_about("Pulumi.*.yaml", f"{self.name}:demo", fault, allowed)])
        return bases[0]

    @cached_property
    def environments(self) -> tuple[str, ...]:
        """The environments in the order of promotion: those that promote from none first, then by name."""
        depths = {name: _depth(name, self._sources) for name in self._sources}
        return tuple(sorted(depths, key=lambda name: (depths[name], name)))

    @cached_property
    def first(self) -> str:
        """The environment where releases enter: the only one that promotes from none."""
        first, *more = [name for name in self.environments if self._sources[name] is None]
        if more:
            fault = f"is missing in {' and in '.join([first, *more])}"
            allowed = "missing in one of them: releases enter there"
            raise InvalidSettings([_about("Pulumi.*.yaml", f"{self.name}:promotes_from", fault, allowed)])
        return first

    def load(self, environment: str) -> Settings:
        """Validate one environment, also an unknown one."""
        if environment not in self._settings:
            self._settings[environment] = self._load(environment)
        return self._settings[environment]

    def _load(self, environment: str) -> Settings:
        file = self._stack_file(environment)
        document, repeated = self._document(file)
        config, unknown = _own_config(file, self.name, document)
        values = {**config, "project": self.name, "environment": environment}
        problems = [
            *repeated,
            *unknown,
            *_problems(file, values, self.names),
            *_shared_addresses(file, values, self._blocks_of_others(environment)),
        ]
        if problems:
            raise InvalidSettings(problems)
        settings = Settings.model_validate(values)
        _refuse_long_names(file, settings)
        return settings

    def _stack_file(self, environment: str) -> str:
        """An environment's file. The name is checked before it touches a path."""
        if not is_environment_name(environment):
            fault = f"is {_shown(environment)}, which cannot name one"
            raise InvalidSettings([_about(PROJECT_FILE, "environment", fault, ENVIRONMENT_RULE)])
        if environment not in self.names:
            fault = f"is {_shown(environment)}, which has no file {_file_of(environment)}"
            allowed = ", ".join(self.names) or "none yet, write a stack file first"
            raise InvalidSettings([_about(PROJECT_FILE, "environment", fault, allowed)])
        return _file_of(environment)

    @cached_property
    def _sources(self) -> Mapping[str, str | None]:
        return {name: self._promotes_from(name) for name in self.names}

    def _promotes_from(self, environment: str) -> str | None:
        """Where an environment gets releases from, without judging the rest of its file."""
        file, key = _file_of(environment), f"{self.name}:promotes_from"
        document, repeated = self._document(file)
        config, problems = document.get("config"), list(repeated)
        source = _as_written(config.get(key)) if isinstance(config, dict) else None
        if source is not None:
            problems += _source_problems(file, key, environment, source, self.names)
        if problems:
            raise InvalidSettings(problems)
        return source

    def _blocks_of_others(self, environment: str) -> dict[str, Any]:
        """What the other stack files say as their address blocks. Their own errors are told where they are read."""
        key = f"{self.name}:network"
        return {name: _flat(self._config(name)).get(f"{key}.cidr") for name in self.names if name != environment}

    def _config(self, environment: str) -> Mapping[str, Any]:
        """The config of a stack file; nothing where the file cannot be read."""
        try:
            config = self._document(_file_of(environment))[0].get("config")
        except InvalidSettings:
            return {}
        return config if isinstance(config, dict) else {}

    def _document(self, file: str) -> Document:
        if file not in self._documents:
            self._documents[file] = _read(self.folder / file)
        return self._documents[file]


def load(project_dir: Path, environment: str) -> Settings:
    """One environment, for whoever asks for nothing else."""
    return Project(project_dir).load(environment)


def environments(project_dir: Path) -> tuple[str, ...]:
    """The environments in the order of promotion, for whoever asks for nothing else."""
    return Project(project_dir).environments


def _file_of(environment: str) -> str:
    return f"Pulumi.{environment}.yaml"


def _depth(name: str, sources: Mapping[str, str | None]) -> int:
    """How many promotions lead to an environment. Raises `InvalidSettings` where they go in a circle."""
    path = [name]
    while (source := sources[path[-1]]) is not None:
        if source in path:
            fault = f"goes in a circle: {' <- '.join([*path, source])}"
            problem = _about(_file_of(name), "promotes_from", fault, "a chain that ends somewhere")
            raise InvalidSettings([problem])
        path.append(source)
    return len(path) - 1


def _read(file: Path) -> Document:
    """Parse a YAML mapping. Keys that stand twice are problems; a file that cannot be parsed raises."""
    try:
        text = file.read_text(encoding="utf-8")
        loader = LOADER(text)
        tree = loader.get_single_node()
        document = loader.construct_document(tree) if tree else None
    except (OSError, ValueError, yaml.YAMLError) as error:
        fault = f"cannot be read ({_why(error)})"
        raise InvalidSettings([_about(file.name, "the file", fault, "a UTF-8 YAML mapping")]) from error
    if not isinstance(document, dict):
        raise InvalidSettings([_about(file.name, "the file", _is(document), "a YAML mapping")])
    return document, tuple(_twice(file.name, key) for key in _repeated_keys(tree, set()))


def _why(error: Exception) -> str:
    """The reason in one line; never the text of the file, which may hold what nobody should print."""
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark:
        return f"line {error.problem_mark.line + 1}: {error.problem}"
    return error.strerror or "unknown" if isinstance(error, OSError) else f"{type(error).__name__}"


def _repeated_keys(node: yaml.Node | None, seen: set[int]) -> Iterator[yaml.Node]:
    """Find keys that a mapping holds twice: YAML keeps the last one without a word."""
    if id(node) in seen:
        return
    seen.add(id(node))
    if isinstance(node, yaml.MappingNode):
        keys = set()
        for key, value in node.value:
            if key.value in keys:
                yield key
            keys.add(key.value if isinstance(key.value, str) else id(key))
            yield from _repeated_keys(value, seen)
    if isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from _repeated_keys(item, seen)


def _twice(file: str, key: yaml.Node) -> Problem:
    fault = f"stands twice (again in line {key.start_mark.line + 1})"
    return _about(file, str(key.value), fault, "each key once")


def _own_config(file: str, project: str, document: Mapping[str, Any]) -> tuple[dict[str, Any], list[Problem]]:
    """The `project:` keys of a stack file without their prefix, and a problem for everything else in it."""
    problems = [
        _about(file, str(key), "is not a setting", f"config, {', '.join(sorted(PULUMI_KEYS))}")
        for key in document
        if key != "config" and key not in PULUMI_KEYS
    ]
    config = document.get("config")
    if not isinstance(config, dict):
        return {}, [*problems, _about(file, "config", _is(config), f"a mapping of {project}: keys")]
    own: dict[str, Any] = {}
    for key, value in config.items():
        name = str(key).removeprefix(f"{project}:")
        if name == key or name in DERIVED_KEYS:
            problems.append(_about(file, str(key), "is not a setting", f"keys like {project}:account"))
        else:
            own[name] = _as_written(value)
    return own, problems


def _as_written(value: Any) -> Any:
    """Undo what `pulumi` writes into a stack file when it saves it: `"false"` for false and `""` for null."""
    if not isinstance(value, str):
        return value
    return {"true": True, "false": False, "": None}.get(value, value)


def _problems(file: str, values: Mapping[str, Any], known: tuple[str, ...]) -> list[Problem]:
    """Everything that is wrong with the values: each by itself, then between them."""
    project = str(values["project"])
    shape = list(_shape_errors(values))
    problems = [_shape_problem(file, project, error) for error in shape]
    known_values = _DEFAULTS | _defaults_in(values) | _flat(values)
    sound = _without(known_values, {_dotted(error["loc"]) for error in shape})
    for rule in rules.broken(sound):
        key = rule.keys[0]
        problems.append(_about(file, f"{project}:{key}", _is(sound[key]), rule.allowed))
    if sound.get("promotes_from") is not None:
        key, environment = f"{project}:promotes_from", str(values["environment"])
        problems += _source_problems(file, key, environment, sound["promotes_from"], known)
    return problems


def _source_problems(file: str, key: str, environment: str, source: Any, known: tuple[str, ...]) -> list[Problem]:
    others = [name for name in known if name != environment]
    if source in others:
        return []
    return [_about(file, key, _is(source), f"{', '.join(others)}, or no such key")]


def _shared_addresses(file: str, values: Mapping[str, Any], others: Mapping[str, str]) -> list[Problem]:
    """Environments whose addresses overlap could never be connected, also not through a third network."""
    own = _flat(values).get("network.cidr")
    key = f"{values['project']}:network.cidr"
    return [
        _about(file, key, f"{_is(own)}, which overlaps {block} of {name}", "a block that no other environment has")
        for name, block in others.items()
        if _overlap(own, block)
    ]


def _overlap(one: Any, other: Any) -> bool:
    """Whether both are blocks, and share addresses."""
    try:
        return ipaddress.IPv4Network(one).overlaps(ipaddress.IPv4Network(other))
    except (ValueError, TypeError):
        return False


def _shape_errors(values: Mapping[str, Any]) -> list[ErrorDetails]:
    """What pydantic finds wrong with the values, each by itself."""
    try:
        Settings.model_validate(values)
    except ValidationError as error:
        return _innermost(error.errors(include_url=False))
    return []


def _innermost(errors: list[ErrorDetails]) -> list[ErrorDetails]:
    """Without the complaints about a list that only repeat what is wrong with one of its items."""
    outer = {error["loc"][:-1] for error in errors}
    return [error for error in errors if error["loc"] not in outer]


def _shape_problem(file: str, project: str, error: ErrorDetails) -> Problem:
    if error["loc"] == ("project",):
        return _about(PROJECT_FILE, "name", _is(error["input"]), _allowed(("project",)))
    key = f"{project}:{_dotted(error['loc'])}"
    if error["type"] == "missing":
        return _about(file, key, "is missing", _allowed(error["loc"]))
    if error["type"] == "extra_forbidden":
        # The value is not shown: what nobody asked for may be a secret.
        return _about(file, key, "is not a setting", ", ".join(_fields(error["loc"][:-1])))
    return _about(file, key, _is(error["input"]), _allowed(error["loc"]))


def _allowed(loc: tuple[int | str, ...]) -> str:
    """What the field at `loc` allows, in the words of its description."""
    description = "a valid value"
    model: type[BaseModel] = Settings
    for part in loc:
        if part not in model.model_fields:
            break
        field = model.model_fields[str(part)]
        description = field.description or description
        model = section_of(field.annotation) or model
    return description


def _fields(loc: tuple[int | str, ...]) -> list[str]:
    """The keys that the section at `loc` may hold."""
    model: type[BaseModel] = Settings
    for part in loc:
        model = section_of(model.model_fields[str(part)].annotation) or model
    return [name for name in model.model_fields if loc or name not in DERIVED_KEYS]


def section_of(annotation: Any) -> type[BaseModel] | None:
    """The section that a field holds, also where it may be null; None for a plain value."""
    held = (annotation, *get_args(annotation))
    return next((one for one in held if isinstance(one, type) and issubclass(one, BaseModel)), None)


def _flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested values by dotted key, like `database.port`; sections as well, like `servers.bastion`."""
    flat: dict[str, Any] = {}
    for key, value in values.items():
        flat[f"{prefix}{key}"] = value
        if isinstance(value, dict):
            flat |= _flat(value, f"{prefix}{key}.")
    return flat


def _without(flat: Mapping[str, Any], wrong: set[str]) -> dict[str, Any]:
    """The values that are well-formed by themselves: none of their own and none of their items is wrong."""
    item = re.compile(r"(\.[0-9]+)?$")
    bad = wrong | {item.sub("", key) for key in wrong}
    return {key: value for key, value in flat.items() if key not in bad}


def _refuse_long_names(file: str, settings: Settings) -> None:
    """S3 takes bucket names of 63 characters at most, and the artifact bucket's is the longest one."""
    excess = len(settings.names.artifact_bucket) - BUCKET_NAME_LIMIT
    if excess > 0:
        limit = max(1, len(settings.environment) - excess)
        allowed = f"at most {limit} characters, or the artifact bucket's name exceeds {BUCKET_NAME_LIMIT}"
        raise InvalidSettings([_about(file, "environment", _is(settings.environment), allowed)])


def _dotted(loc: tuple[int | str, ...]) -> str:
    return ".".join(str(part) for part in loc)


def _about(file: str, key: str, fault: str, allowed: str) -> Problem:
    return Problem(file=file, key=_line(key), fault=fault, allowed=allowed)


def _is(value: Any) -> str:
    return f"is {_shown(value)}"


def _shown(value: Any) -> str:
    """A value in one short line, whatever it is."""
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _line(text: str) -> str:
    """A key from a file in one short line without control characters."""
    return "".join(char if char.isprintable() else "?" for char in text)[:100]


def _defaults(model: type[BaseModel], prefix: str = "") -> dict[str, Any]:
    """What stands for keys that a file leaves out, by dotted key: rules hold between these and the others as well."""
    found: dict[str, Any] = {}
    for name, field in model.model_fields.items():
        section = section_of(field.annotation)
        if section and (field.is_required() or field.default is not None):
            found |= _defaults(section, f"{prefix}{name}.")
        elif not field.is_required():
            found[f"{prefix}{name}"] = field.default
    return found


def _defaults_in(values: Mapping[str, Any]) -> dict[str, Any]:
    """The same for a section that may be left out, where it stands."""
    section = section_of(Settings.model_fields["demo"].annotation)
    return _defaults(section, "demo.") if section and isinstance(values.get("demo"), dict) else {}


_DEFAULTS = _defaults(Settings)
