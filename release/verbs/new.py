"""``release new``: write the project's name and its stack files, from what only the team knows."""

import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TextIO

import click

from release.call import Call, pass_call
from release.doors.project_files import ProjectFiles, passing
from release.process.errors import Refused, WrongUsage
from release.process.text import listed, read_json
from release.rules.new_project import CHAIN, Answers, Plan, in_the_way, in_use, plan, read_answers
from settings.errors import InvalidSettings, Problem
from settings.stackfile import PROJECT_FILE, Project

MOST_ANSWERS = 64 << 10  # characters of a file of answers
QUESTIONS = {
    "name": "Name of the project (becomes a part of names in AWS)",
    "account": "AWS account",
    "region": "Region",
    "owner": "Team or address that answers for it",
    "image": "Image of the servers (ami-…)",
    "networks": "Networks that installs and previews come from, like 203.0.113.0/24",
    "emails": "E-mail addresses for alarms",
    "environments": "Environments in the order of promotion",
}
LISTS = {"networks": "", "emails": "", "environments": " ".join(CHAIN)}  # and what is offered
Ask = Callable[[str, str | None], str]


@click.command("new")
@click.option("--name", help="The project's name.")
@click.option("--account", help="The AWS account.")
@click.option("--region", help="The AWS region.")
@click.option("--owner", help="The team or address that answers for it.")
@click.option("--image", help="The id of the servers' image.")
@click.option("--network", "networks", multiple=True, help="A block that installs and previews come from.")
@click.option("--email", "emails", multiple=True, help="An address that alarms go to.")
@click.option("--environment", "environments", multiple=True, help="One of them, in order.  [default: four]")
@click.option("--protect", "protected", multiple=True, help="A protected one of them.  [default: the last]")
@click.option("--repository", help="The GitHub repository whose workflows deploy.")
@click.option("--answers", "file", type=click.File("r", "utf-8"), help="A JSON file of answers; - is stdin.")
@click.option("--force", is_flag=True, help="Replace the stack files that are there.")
@pass_call
def command(call: Call, file: TextIO | None, force: bool, **options: Any) -> None:
    """Write the project's name and its stack files.

    For one environment or several, a few lines each: what is usual has a default. Answers come from options, from a
    JSON file (an option goes before it), or on a terminal from you. All are checked before anything is written.

    Refused (3) where other stack files are there, unless --force is given; those of an environment that `release init`
    knows hold the key of its state, and are never replaced.

    \b
    Example: release new --name acme --account 123456789012 --region eu-west-1 --owner ops --image ami-012345678
    """
    given = {**_read(file), **{key: _plain(value) for key, value in options.items() if value}}
    answers = asked(given, prompt) if sys.stdin.isatty() and file is None else given
    report = new(ProjectFiles(call.project.folder), answers, force=force)
    call.show(report, new_text(report))


def new(files: ProjectFiles, given: Mapping[str, Any], *, force: bool) -> dict[str, Any]:
    """Write what the answers say, once all of it is right; what was written and removed."""
    there = files.read()
    if PROJECT_FILE not in there:
        raise WrongUsage(f"there is no {PROJECT_FILE} in {files.folder}", hint="run it in the clone, or give --project")
    answers, problems = read_answers(given)
    if answers is None:
        raise InvalidSettings(problems)
    wanted = plan(answers, there[PROJECT_FILE], there)
    refuse_invalid(answers, plan(answers, there[PROJECT_FILE], {}))
    refuse_in_the_way(wanted, there, force=force)
    files.remove(wanted.remove)
    files.write(wanted.write)
    files.write_schema()
    clear = [name for name in answers.guarded if name not in answers.certificates]
    return {"project": answers.name, "environments": list(answers.environments), "without_tls": clear,
            "written": list(wanted.write), "removed": list(wanted.remove)}  # fmt: skip


def asked(given: Mapping[str, Any], ask: Ask) -> dict[str, Any]:
    """The answers, with what is missing asked of a person."""
    said = {key: ask(text, LISTS.get(key)) for key, text in QUESTIONS.items() if key not in given}
    return {**given, **{key: _listed(text) if key in LISTS else text for key, text in said.items()}}


def prompt(question: str, default: str | None) -> str:
    """Ask a person on the terminal; without a default until there is an answer."""
    answer: str = click.prompt(question, default=default, show_default=bool(default), err=True)
    return answer


def refuse_invalid(answers: Answers, wanted: Plan) -> None:
    """Let the settings judge what would be written; each fault once, though it stands in every file."""
    with passing() as folder:
        folder.write(wanted.write)
        project = Project(folder.folder)
        problems = [problem for name in answers.environments for problem in _problems(project, name)]
    if problems:
        raise InvalidSettings({(one.key, one.fault): one for one in reversed(problems)}.values())


def refuse_in_the_way(wanted: Plan, there: Mapping[str, str], *, force: bool) -> None:
    """Refused for files that somebody wrote, unless they are given up; and always for those that hold a key."""
    names = in_the_way(wanted, there)
    if used := in_use(names, there):
        hint = "its environment was initialised: change it by hand"
        raise Refused(f"{listed(used, 200)} holds the key of a stack's state", hint=hint)
    if names and not force:
        hint = "--force replaces them, and removes those of environments that you did not name"
        raise Refused(f"these files are there and say something else: {listed(names, 400)}", hint=hint)


def new_text(report: Mapping[str, Any]) -> str:
    """What was done to which file, and what to do next."""
    first = report["environments"][0]
    lines = [*(f"written  {name}" for name in report["written"]), *(f"removed  {name}" for name in report["removed"])]
    lines += [
        f"{name} is protected, and serves users in the clear: state load_balancer.certificate, domain and redirect_port"
        for name in report["without_tls"]
    ]
    return "\n".join([*lines, f"read them, then: release doctor {first}, release init {first}"])


def _problems(project: Project, name: str) -> Iterable[Problem]:
    try:
        project.load(name)
    except InvalidSettings as error:
        return error.problems
    return ()


def _read(file: TextIO | None) -> dict[str, Any]:
    if file is None:
        return {}
    try:
        text = file.read(MOST_ANSWERS + 1)
        values = read_json(text) if len(text) <= MOST_ANSWERS else None
    except ValueError as error:
        raise WrongUsage(f"the answers are no JSON: {error}", hint='give an object like {"name": "acme"}') from None
    if not isinstance(values, dict):
        hint = f"give one, of at most {MOST_ANSWERS:,} characters"
        raise WrongUsage("the answers are no JSON object", hint=hint)
    return values


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _listed(text: str) -> list[str]:
    return text.replace(",", " ").split()
