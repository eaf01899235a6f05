"""One call of the command: what every verb is given beside its own options, and the options that several verbs have."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import wraps
from pathlib import Path
from typing import Any

import click

from release.environment import Environment, open_environment
from release.process.errors import WrongUsage
from release.process.output import Progress, show
from release.process.text import bounded, printable, without_login
from release.records.ledger.ledger import Writer
from release.records.ledger.stops import MOST_REASON
from release.rules.door import checked_address
from settings.stackfile import Project

CI_RUN_VARIABLES = ("STAGELINE_CI_RUN", "CI_RUN_URL", "BUILD_URL")


@dataclass(frozen=True, kw_only=True)
class Call:
    """In which project, from which run of CI, where work is told while it lasts, and how what came of it is shown."""

    project: Project
    ci: str = ""
    progress: Progress = field(default_factory=Progress)
    as_json: bool = False

    def opened(self, name: str, *, engine: bool = False) -> Environment:
        """An environment of the project. ``engine``: Broken where there is no Pulumi to work on it with."""
        environment = open_environment(self.project, name)
        if engine:
            environment.stack.refuse_missing_engine()
        return environment

    def at_work(self, name: str, *, engine: bool = False, tolerant: bool = False) -> tuple[Environment, Writer]:
        """The same, and who is at work there; ``tolerant`` for those who go back, as `Environment.identify` says."""
        environment = self.opened(name, engine=engine)
        return environment, environment.identify(self.ci, tolerant=tolerant)

    def show(self, value: Mapping[str, Any], text: str) -> None:
        """Print what came of it: ``value`` as JSON where that was asked for, or ``text`` for people."""
        show(value, text, as_json=self.as_json)


def pass_call(verb: Callable[..., None]) -> Callable[..., None]:
    """Give a verb its call first, and the option ``--json``, which each of them has."""

    @click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
    @click.pass_obj
    @wraps(verb)
    def called(project: Path, /, *, as_json: bool, **options: Any) -> None:
        verb(Call(project=Project(project), ci=ci_run(os.environ), as_json=as_json), **options)

    return called


def ci_run(variables: Mapping[str, str]) -> str:
    """The URL of the CI run, for the record, which keeps it for ever: a line without a login; empty outside CI."""
    github = (variables.get(name, "") for name in ("GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_RUN_ID"))
    server, repository, run = github
    if server and repository and run:
        return without_login(f"{server}/{repository}/actions/runs/{run}")
    return without_login(next((variables[name] for name in CI_RUN_VARIABLES if variables.get(name)), ""))


def checked_reason(context: click.Context, parameter: click.Parameter, value: str) -> str:
    """A reason as the ledger keeps it, whoever gives it for what: one printable line of bounded length."""
    source = context.get_parameter_source(parameter.name or "")
    if source is not click.core.ParameterSource.DEFAULT and not value.strip():
        raise WrongUsage("a reason says why", hint="give --reason WHY")
    if len(value) > MOST_REASON:
        raise WrongUsage(f"a reason has {MOST_REASON} characters at most, this one {len(value)}")
    if value != printable(value):
        raise WrongUsage("a reason is one line of what prints", hint=f"give: {bounded(value, MOST_REASON)}")
    return value


def environments(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    """The environments of the project whose names begin so, for a shell that completes one."""
    project = Project(context.find_root().params["project"])
    return [name for name in project.names if name.startswith(incomplete)]


environment_argument = click.argument("name", metavar="ENVIRONMENT", shell_complete=environments)
any_environment_argument = click.argument("name", metavar="[ENVIRONMENT]", required=False, shell_complete=environments)
plan_option = click.option("--plan", "only_plan", is_flag=True, help="Show gates and steps, and change nothing.")
reason_option = click.option("--reason", required=True, callback=checked_reason, help="Why, for the ledger.")
open_door_option = click.option(
    "--open-door",
    "door",
    metavar="ADDRESS",
    callback=lambda context, parameter, value: value and checked_address(value),
    help="Let this IPv4 address in to SSH and the preview meanwhile.",
)
lift_option = click.option("--lift", is_flag=True, help="End it instead.")
