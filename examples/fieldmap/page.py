"""The page at /: every project with its tasks. Everything that comes from people is escaped."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape
from typing import Any

STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:48rem;margin:2rem auto;padding:0 1rem;color:#1d2733}"
    "table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:.3rem .6rem;"
    "border-bottom:1px solid #d5dde6}footer{margin-top:3rem;color:#5b6b7b}"
)


def page(version: str, projects: Iterable[tuple[Mapping[str, Any], list[dict[str, Any]]]], notice: str = "") -> str:
    """The whole page as HTML, with what its readers are told above all."""
    body = "".join(_project(project["name"], tasks) for project, tasks in projects)
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Fieldmap</title>'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<style>{STYLE}</style></head><body><h1>Fieldmap</h1>"
        f"{notice and f'<p><strong>{escape(notice)}</strong></p>'}"
        f"{body or '<p>No project yet.</p>'}<footer>Fieldmap {escape(version)}</footer></body></html>\n"
    )


def _project(name: str, tasks: list[dict[str, Any]]) -> str:
    return f"<h2>{escape(name)}</h2>{_table(tasks) if tasks else '<p>No task yet.</p>'}"


def _table(tasks: list[dict[str, Any]]) -> str:
    columns = [name for name in tasks[0] if name != "project"]
    head = "".join(f"<th>{escape(name)}</th>" for name in columns)
    rows = "".join(_row([task[name] for name in columns]) for task in tasks)
    return f"<table><tr>{head}</tr>{rows}</table>"


def _row(values: Iterable[Any]) -> str:
    return "<tr>" + "".join(f"<td>{escape(str(value))}</td>" for value in values) + "</tr>"
