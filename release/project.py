"""The environments of a project opened: all of them, those that can be, and the one where releases enter.

A command reads the project once and hands it on; an environment that is open holds it too, for whoever must ask others.
"""

from release.environment import Environment, open_environment
from release.errors import WrongUsage
from settings.errors import InvalidSettings
from settings.stackfile import Project


def open_first(project: Project) -> Environment:
    """The environment where releases enter; raises InvalidSettings where two promote from none."""
    names_in(project)
    return open_environment(project, project.first)


def open_all(project: Project) -> tuple[Environment, ...]:
    """Every environment of the project, in promotion order."""
    names_in(project)
    return tuple(open_environment(project, name) for name in project.environments)


def open_each(project: Project) -> tuple[tuple[Environment, ...], dict[str, str]]:
    """The environments whose stack files can be read, and why the others cannot be opened: none depends on another.

    In promotion order, or by name where a file does not even say what it promotes from.
    """
    opened: list[Environment] = []
    closed: dict[str, str] = {}
    for name in _in_order(project):
        try:
            opened.append(open_environment(project, name))
        except InvalidSettings as error:
            closed[name] = "; ".join(map(str, error.problems))
    return tuple(opened), closed


def names_in(project: Project) -> tuple[str, ...]:
    """The environments by name, whatever stands in their files; WrongUsage where there is none."""
    if not project.names:
        hint = "run it in the project, or give --project"
        raise WrongUsage(f"there is no stack file in {project.folder}", hint=hint)
    return project.names


def _in_order(project: Project) -> tuple[str, ...]:
    names = names_in(project)
    try:
        return project.environments
    except InvalidSettings:
        return names
