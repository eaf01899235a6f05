"""What `release new` writes: the stack files of a team's environments, few lines each, and what stands in their way."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from release.process.text import quoted
from settings.errors import Problem
from settings.model import Settings
from settings.names import ENVIRONMENT_RULE, NAME_LIMIT, NAME_PATTERN, is_environment_name
from settings.schema import SCHEMA_FILE
from settings.stackfile import PROJECT_FILE, PULUMI_KEYS

MOST = 20  # environments: each gets a /16 of its own in 10.0.0.0/8, ten apart
CHAIN = ("dev", "qa", "staging", "prod")
Texts = Annotated[tuple[str, ...], Field(strict=False)]


def _as(key: str) -> str:
    """What a key of a stack file allows, in its own words."""
    return Settings.model_fields[key].description or ""


class Certificate(BaseModel):
    """With what an environment speaks TLS: a certificate of ACM (its ARN), and the name that it is for."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    certificate: str = Field(description="the ARN of an ACM certificate")
    domain: str = Field(description="the name in the certificate, like app.example.com")


class Answers(BaseModel):
    """What only the team knows. Values are judged by the settings' own rules, once they stand in stack files."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    name: str = Field(description=f"the project's name: {_as('project')}")
    account: str = Field(description=_as("account"))
    region: str = Field(description=_as("region"))
    owner: str = Field(description=_as("owner"))
    image: str = Field(description="the id of the servers' image, like ami-0123456789abcdef0")
    networks: Texts = Field(
        min_length=1, description='where installs run and previews are seen: a list of blocks like ["203.0.113.0/24"]'
    )
    emails: Texts = Field(
        default=(), description='a list of addresses that alarms go to, like ["ops@example.com"], [] for none'
    )
    environments: Texts = Field(
        default=CHAIN, min_length=1, max_length=MOST, description=f"1 to {MOST} names in the order of promotion"
    )
    protected: Texts | None = Field(default=None, description="a list of environments; the last one where none is said")
    repository: str | None = Field(default=None, description="the GitHub repository whose workflows deploy, or null")
    certificates: dict[str, Certificate] = Field(
        default={}, description="certificate and domain by the names of environments"
    )

    @property
    def guarded(self) -> Sequence[str]:
        """The environments that get every protection."""
        return self.environments[-1:] if self.protected is None else self.protected


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The files to write, by name, and those to remove: of environments that are none any more."""

    write: Mapping[str, str]
    remove: tuple[str, ...]


def read_answers(values: Mapping[str, Any]) -> tuple[Answers | None, list[Problem]]:
    """The answers, or all that is wrong with their form; names become parts of paths, so they are judged here."""
    try:
        answers = Answers.model_validate(values)
    except ValidationError as error:
        return None, [_problem(entry["loc"], entry["type"], entry["input"]) for entry in error.errors()]
    problems = list(_bad_names(answers))
    return (None if problems else answers), problems


def plan(answers: Answers, project_file: str, there: Mapping[str, str]) -> Plan:
    """What to write over ``there``, the project's files by name; ``project_file`` is the Pulumi.yaml to start from."""
    wanted = {PROJECT_FILE: renamed(project_file, answers.name)}
    wanted |= {f"Pulumi.{name}.yaml": stack_file(answers, name) for name in answers.environments}
    changed = {name: text for name, text in wanted.items() if there.get(name) != text}
    return Plan(write=changed, remove=tuple(sorted(there.keys() - wanted.keys())))


def in_the_way(plan: Plan, there: Mapping[str, str]) -> list[str]:
    """The stack files that would be replaced or removed. Of Pulumi.yaml no more than the name changes."""
    return sorted([*(plan.write.keys() & there.keys() - {PROJECT_FILE}), *plan.remove])


def in_use(names: Sequence[str], there: Mapping[str, str]) -> list[str]:
    """Those among them that hold the key of a stack's state: without it nobody reads that state again."""
    return [name for name in names if any(re.search(rf"^{key}:", there[name], re.MULTILINE) for key in PULUMI_KEYS)]


def renamed(project_file: str, name: str) -> str:
    """A Pulumi.yaml under another name, which also stands in front of its keys; comments stay."""
    old = re.search(r"^name: *['\"]?([^\s'\"#]+)", project_file, re.MULTILINE)
    text = re.sub(r"^name:.*$", f"name: {name}", project_file, count=1, flags=re.MULTILINE)
    return re.sub(rf"^( +){re.escape(old[1])}:(?=\S)", rf"\g<1>{name}:", text, flags=re.MULTILINE) if old else text


def stack_file(answers: Answers, environment: str) -> str:
    """The text of a stack file: what has a default is left out."""
    config = {f"{answers.name}:{key}": value for key, value in _stated(answers, environment).items()}
    return (
        f"# yaml-language-server: $schema={SCHEMA_FILE}\n"
        "# Every other key has a default, which docs/reference.md shows.\n"
        + yaml.safe_dump({"config": config}, sort_keys=False, default_flow_style=None, width=120)
    )


def _stated(answers: Answers, environment: str) -> dict[str, Any]:
    place, protected = answers.environments.index(environment), environment in answers.guarded
    before = {"promotes_from": answers.environments[place - 1]} if place else {}
    return {
        "account": answers.account,
        "region": answers.region,
        "owner": answers.owner,
        "protected": protected,
        **before,
        "network": {"cidr": f"10.{10 * (place + 1)}.0.0/16"},
        "servers": {
            "instance_type": "t3.medium" if protected else "t3.small",
            "ami": answers.image,
            "public": True,
            "ssh_sources": list(answers.networks),
        },
        "database": _database(protected),
        "load_balancer": {
            **_doors(answers.certificates.get(environment)),
            "preview_sources": list(answers.networks),
            "deletion_protection": protected,
        },
        "storage": {"object_lock": "governance" if protected else "none", "force_destroy": not protected},
        "backup": {"before": "snapshot"},
        "monitoring": {"emails": list(answers.emails)},
        **({} if protected else {"watch": {"seconds": 60}}),
        **({"access": {"repository": answers.repository}} if answers.repository else {}),
    }


def _database(protected: bool) -> dict[str, Any]:
    return {
        "engine": "postgres",
        "version": "17.4",
        "instance_class": "db.m7g.large" if protected else "db.t4g.small",
        "storage_gb": 100 if protected else 20,
        "port": 5432,
        "multi_az": protected,
        "backup_days": 14 if protected else 1,
        "deletion_protection": protected,
        "final_snapshot": protected,
    }


def _doors(tls: Certificate | None) -> dict[str, Any]:
    if tls is None:
        return {"live_port": 80, "preview_port": 8080, "certificate": None}
    named = {"certificate": tls.certificate, "domain": tls.domain}
    return {"live_port": 443, "preview_port": 8443, "redirect_port": 80, **named}


def _bad_names(answers: Answers) -> Iterator[Problem]:
    known = answers.environments
    if len(answers.name) > NAME_LIMIT or not re.fullmatch(NAME_PATTERN, answers.name):
        yield _about("name", f"is {quoted(answers.name)}", _allowed("name"))
    for name in known:
        if not is_environment_name(name) or known.count(name) > 1:
            yield _about("environments", f"has {quoted(name)}", f"names that stand once: {ENVIRONMENT_RULE}")
    for key, named in (("protected", answers.protected or ()), ("certificates", answers.certificates)):
        for name in named:
            if name not in known:
                yield _about(key, f"has {quoted(name)}", f"environments of these: {', '.join(known)}")


def _problem(loc: tuple[int | str, ...], kind: str, value: Any) -> Problem:
    key = ".".join(map(str, loc))
    if kind == "extra_forbidden":
        return _about(key, "is not a question", ", ".join(Answers.model_fields))
    fault = "is missing" if kind == "missing" else f"is {quoted(json.dumps(value, default=str))}"
    return _about(key, fault, _allowed(str(loc[0])))


def _allowed(key: str) -> str:
    return Answers.model_fields[key].description or ""


def _about(key: str, fault: str, allowed: str) -> Problem:
    return Problem(file="answers", key=quoted(key).strip("'\""), fault=fault, allowed=allowed)
