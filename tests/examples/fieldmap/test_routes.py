"""Routes of fieldmap against a database made by hand: what is answered, what is refused, what is escaped."""

import json
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from examples.changes.priority import schema as schema_with_priority
from examples.fieldmap import routes, schema
from examples.fieldmap.database import Database
from examples.fieldmap.errors import DatabaseUnavailable
from examples.fieldmap.page import page

PROJECT = {"id": 7, "name": "North"}


class FakeDatabase(Database):
    """Answers each statement with the next rows it was given, and keeps what it was asked."""

    def __init__(self, *answers: list[dict[str, Any]]) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[str, dict[str, Any]]] = []

    def rows(self, sql: str, **values: Any) -> list[dict[str, Any]]:
        self.asked.append((sql, values))
        return self.answers.pop(0)


def ask(database: FakeDatabase, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    text = body if isinstance(body, bytes) else json.dumps(body).encode()
    answer = routes.answer(database, method, path, text)
    return answer.status, json.loads(answer.body) if answer.kind == routes.JSON else answer.body.decode()


class TextOf(HTMLParser):
    """Collects the text of every <h2>, as a browser would show it."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.heading = ""
        self.tags: set[str] = set()
        self.inside = False
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.add(tag)
        self.inside = tag == "h2"

    def handle_endtag(self, tag: str) -> None:
        self.inside = False

    def handle_data(self, data: str) -> None:
        self.heading += data if self.inside else ""


def test_projects_are_listed() -> None:
    assert ask(FakeDatabase([PROJECT]), "GET", "/api/projects") == (200, {"projects": [PROJECT]})


def test_a_project_is_added_with_its_name_trimmed() -> None:
    database = FakeDatabase([PROJECT])
    assert ask(database, "POST", "/api/projects", {"name": "  North "}) == (201, PROJECT)
    assert database.asked[0][1] == {"name": "North"}


@pytest.mark.parametrize("name", [None, 3, "", "   ", "a\nb", "a\0b", "x" * 201, ["x"]], ids=repr)
def test_a_project_without_a_proper_name_is_refused(name: Any) -> None:
    database = FakeDatabase()
    status, answer = ask(database, "POST", "/api/projects", {"name": name})
    assert (status, database.asked) == (400, [])
    assert "name" in answer["error"]


@pytest.mark.parametrize("body", [b"", b"[", b"[]", b'"x"', b"\xff", b"[" * 60_000], ids=lambda body: repr(body[:4]))
def test_a_body_that_is_no_json_object_is_refused(body: bytes) -> None:
    assert ask(FakeDatabase(), "POST", "/api/projects", body) == (400, {"error": "the body must be a JSON object"})


def test_values_never_become_part_of_a_statement() -> None:
    database = FakeDatabase([PROJECT])
    ask(database, "POST", "/api/projects", {"name": "'; DROP TABLE projects; --"})
    assert "DROP" not in database.asked[0][0]


def test_tasks_of_an_unknown_project_are_not_found() -> None:
    assert ask(FakeDatabase([]), "GET", "/api/projects/7/tasks") == (404, {"error": "there is no project 7"})


def test_a_new_task_gets_the_first_choice_of_every_column() -> None:
    database = FakeDatabase([PROJECT], [{"id": 1}])
    assert ask(database, "POST", "/api/projects/7/tasks", {"name": "hedge"})[0] == 201
    assert database.asked[1][1] == {"project": 7, "name": "hedge", "status": "ready"}


def test_a_task_is_changed() -> None:
    database = FakeDatabase([{"id": 2, "status": "done"}])
    assert ask(database, "PATCH", "/api/projects/7/tasks/2", {"status": "done"})[0] == 200
    assert database.asked[0][1] == {"project": 7, "number": 2, "status": "done"}


@pytest.mark.parametrize("fields", [{}, {"status": "lost"}, {"status": None}, {"status": ["done"]}, {"name": "x"}])
def test_a_change_to_anything_but_a_known_choice_is_refused(fields: dict[str, Any]) -> None:
    database = FakeDatabase()
    assert ask(database, "PATCH", "/api/projects/7/tasks/2", fields)[0] == 400
    assert database.asked == []


def test_a_change_of_an_unknown_task_is_not_found() -> None:
    assert ask(FakeDatabase([]), "PATCH", "/api/projects/7/tasks/2", {"status": "done"})[0] == 404


@pytest.mark.parametrize(
    "path", ["/api", "/api/projects/", "/api/projects/x", "/health/", "//", "/api/projects/" + "9" * 19]
)
def test_an_unknown_path_is_not_found(path: str) -> None:
    assert ask(FakeDatabase(), "GET", path)[0] == 404


@pytest.mark.parametrize(("method", "path"), [("DELETE", "/api/projects"), ("POST", "/"), ("PUT", "/health")])
def test_a_method_that_a_path_does_not_take_is_refused(method: str, path: str) -> None:
    assert ask(FakeDatabase(), method, path)[0] == 405


def test_health_reads_every_table_and_tells_the_version() -> None:
    database = FakeDatabase([], [])
    assert ask(database, "GET", "/health") == (200, {"version": "0.0.0", "database": "reached"})
    assert [sql.split()[2] for sql, _ in database.asked] == list(schema.TABLES)


def test_an_unreachable_database_is_not_taken_for_an_empty_one() -> None:
    class Gone(FakeDatabase):
        def rows(self, sql: str, **values: Any) -> list[dict[str, Any]]:
            raise DatabaseUnavailable("gone")

    with pytest.raises(DatabaseUnavailable):
        ask(Gone(), "GET", "/api/projects")


def test_the_page_shows_projects_with_their_tasks() -> None:
    tasks = [{"id": 1, "project": 7, "name": "hedge", "status": "ready"}]
    status, html = ask(FakeDatabase(tasks, [PROJECT, {"id": 8, "name": "South"}]), "GET", "/")
    assert status == 200
    assert "<h2>North</h2><table>" in html
    assert "<td>hedge</td><td>ready</td>" in html
    assert "<h2>South</h2><p>No task yet.</p>" in html


@given(st.text(alphabet=st.characters(exclude_categories=["C", "Z"])))
def test_whatever_a_project_is_called_a_browser_shows_just_that(name: str) -> None:
    seen = TextOf(page("1.0.0", [({"name": name}, [])]))
    assert seen.heading == name
    assert "script" not in seen.tags


def test_a_task_may_be_called_like_a_tag() -> None:
    html = page("1.0.0", [({"name": "x"}, [{"id": 1, "name": "<script>alert('1')</script>"}])])
    assert "<script>" not in html
    assert "&lt;script&gt;" in html


def test_the_first_choices_of_priority_are_what_its_migration_gives_to_old_tasks() -> None:
    assert schema_with_priority.TASK_CHOICES["priority"][0] == "normal"
    assert set(schema_with_priority.TASK_CHOICES) == {*schema.TASK_CHOICES, "priority"}


def test_the_page_shows_the_notice_that_its_environment_states_and_none_where_it_states_none() -> None:
    assert "<p><strong>Closed &lt;today&gt;</strong></p>" in page("1.0.0", [], "Closed <today>")
    assert "strong" not in page("1.0.0", [])
