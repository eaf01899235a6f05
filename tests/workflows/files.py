"""The workflows of GitHub as tests read them: their jobs and steps, and what a runner fills into them."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / ".github"
FILES = (*sorted((FOLDER / "workflows").glob("*.yml")), *sorted((FOLDER / "actions").glob("*/action.yml")))
EXPRESSION = re.compile(r"\$\{\{ (.+?) \}\}")
ON = True  # what YAML 1.1 takes the key `on` for

Step = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Job:
    """A job with the workflow that it is of; ``place`` is how a test names it."""

    workflow: Mapping[Any, Any]
    job: Mapping[str, Any]
    place: str

    @property
    def steps(self) -> list[Step]:
        return list(self.job["steps"])

    @property
    def environment(self) -> dict[str, str]:
        """The variables of the workflow and of the job."""
        return {**self.workflow.get("env", {}), **self.job.get("env", {})}

    @property
    def concurrency(self) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self.job.get("concurrency") or self.workflow.get("concurrency") or {}
        return found


def jobs() -> list[Job]:
    """Every job of every workflow."""
    return [
        Job(workflow=read(file), job=job, place=f"{file.stem}/{name}")
        for file in FILES
        if file.parent.name == "workflows"
        for name, job in read(file)["jobs"].items()
    ]


def job(place: str) -> Job:
    """The job of that place, like merge/dev."""
    return next(one for one in jobs() if one.place == place)


def steps() -> Iterator[tuple[str, Step]]:
    """Every step of jobs and of our own actions, with where it stands."""
    for one in jobs():
        yield from ((one.place, step) for step in one.steps)
    for file in FILES:
        if file.name == "action.yml":
            yield from ((file.parent.name, step) for step in read(file)["runs"]["steps"])


@cache
def read(file: Path) -> Mapping[Any, Any]:
    found: Mapping[Any, Any] = yaml.safe_load(file.read_text("utf-8"))
    return found


def filled(value: object, context: Mapping[str, str]) -> str:
    """A value with each expression replaced by what the context says of it; KeyError for one that it does not know."""
    return EXPRESSION.sub(lambda found: context[found[1]], str(value))
