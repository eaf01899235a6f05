"""What a team does to the stack files of the project that it cloned."""

from collections.abc import Callable
from pathlib import Path

from release.doors.project_files import ProjectFiles
from release.verbs.new import new


def another_region(project: Path) -> None:
    replace(project, "eu-central-1", "us-west-2", "Pulumi.prod.yaml")


def another_owner(project: Path) -> None:
    replace(project, "owner: platform", "owner: shop@example.com", "Pulumi.dev.yaml")


def other_sizes(project: Path) -> None:
    replace(project, "count: 2", "count: 3", "Pulumi.prod.yaml")
    replace(project, "instance_type: t3.medium", "instance_type: m7i.xlarge", "Pulumi.prod.yaml")
    replace(project, "instance_class: db.m7g.large", "instance_class: db.r7g.2xlarge", "Pulumi.prod.yaml")


def no_qa(project: Path) -> None:
    (project / "Pulumi.qa.yaml").unlink()
    replace(project, "promotes_from: qa", "promotes_from: dev", "Pulumi.staging.yaml")


def a_fifth_environment(project: Path) -> None:
    (project / "Pulumi.acceptance.yaml").write_bytes((project / "Pulumi.qa.yaml").read_bytes())
    replace(project, "10.20.0.0/16", "10.50.0.0/16", "Pulumi.acceptance.yaml")


def another_name(project: Path) -> None:
    replace(project, "name: stageline", "name: shop", "Pulumi.yaml")
    replace(project, "stageline:", "shop:", "Pulumi*.yaml")


def written_by_release_new(project: Path) -> None:
    """Stack files that state only what has no default."""
    answers = {"name": "shop", "account": "123456789012", "region": "eu-west-1", "owner": "shop"}
    listed = {"networks": ["203.0.113.0/24"], "environments": ["dev", "prod"]}
    tls = {"certificate": "arn:aws:acm:eu-west-1:123456789012:certificate/0", "domain": "shop.example.com"}
    more = {"image": "ami-0123456789abcdef0", "certificates": {"prod": tls}}
    new(ProjectFiles(project), {**answers, **listed, **more}, force=True)


def all_of_it(project: Path) -> None:
    for change in (a_fifth_environment, no_qa, another_region, another_owner, other_sizes, another_name):
        change(project)


def replace(project: Path, old: str, new: str, files: str) -> None:
    """In each of the files, all of which say it."""
    for file in project.glob(files):
        text = file.read_text("utf-8")
        assert old in text, file
        file.write_text(text.replace(old, new), "utf-8")


CHANGES: dict[str, Callable[[Path], None]] = {
    "another region": another_region,
    "another owner": another_owner,
    "other sizes": other_sizes,
    "no qa": no_qa,
    "a fifth environment": a_fifth_environment,
    "another name": another_name,
    "written by release new": written_by_release_new,
    "all of it": all_of_it,
}
