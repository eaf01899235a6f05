"""The environments of a project opened: all of them, those that can be, and the one where releases enter.

A command reads the project once and hands it on; an environment that is open holds it too, for whoever must ask others.
"""

from collections.abc import Iterable

from release.environment import Environment, open_environment
from release.process.errors import WrongUsage
from settings.errors import InvalidSettings
from settings.stackfile import Project


def open_first(project: Project) -> Environment:
    """The environment where releases enter; raises InvalidSettings where two promote from none."""
    refuse_empty(project)
    return open_environment(project, project.first)


def open_all(project: Project) -> tuple[Environment, ...]:
    """Every environment of the project, in promotion order."""
    refuse_empty(project)
    return tuple(open_environment(project, name) for name in project.environments)


def open_each(project: Project, names: Iterable[str]) -> tuple[tuple[Environment, ...], dict[str, str]]:
    """Those of these environments whose stack files can be read, and why the others cannot be opened: none depends on
    another.
    """
    opened: list[Environment] = []
    closed: dict[str, str] = {}
    for name in names:
        try:
            opened.append(open_environment(project, name))
        except InvalidSettings as error:
            closed[name] = "; ".join(map(str, error.problems))
    return tuple(opened), closed


def names_in(project: Project) -> tuple[str, ...]:
    """The environments in promotion order, or by name where a file does not even say what it promotes from."""
    refuse_empty(project)
    try:
        return project.environments
    except InvalidSettings:
        return project.names


def refuse_empty(project: Project) -> None:
    """WrongUsage where no environment has a stack file."""
    if not project.names:
        hint = "run it in the project, or give --project"
        raise WrongUsage(f"there is no stack file in {project.folder}", hint=hint)
