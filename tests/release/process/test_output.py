"""What is shown: nothing that others said moves the cursor or begins a line of its own."""

import io

import pytest

from release.process.output import Progress, show, table

FORGED = "fine\n  qa  verified\x1b[2K"


def test_a_cell_cannot_forge_a_row() -> None:
    assert table(("who", "why"), [("ann", FORGED), ("bob", "")]) == ("who  why\nann  fine qa verified\\x1b[2K\nbob")


def test_progress_is_one_line_for_a_step() -> None:
    stream = io.StringIO()
    with Progress(stream).step("dev", FORGED):
        pass
    (line,) = stream.getvalue().splitlines()
    assert r"dev: fine qa verified\x1b[2K done after" in line


@pytest.mark.parametrize(
    ("as_json", "shown"),
    [
        pytest.param(True, '{\n  "why": "ö\\u202e\\ud800\\u007f"\n}\n', id="json"),
        pytest.param(False, "ö\n  \\u202e\\ud800\\x7f\n", id="text"),
    ],
)
def test_a_result_prints_whatever_is_in_it(as_json: bool, shown: str, capsys: pytest.CaptureFixture[str]) -> None:
    show({"why": "ö\u202e\ud800\x7f"}, "ö\n  \u202e\ud800\x7f", as_json=as_json)
    assert capsys.readouterr().out == shown


class Closed(io.StringIO):
    """A terminal that was closed, or a pipe whose reader has ended."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self._error = error

    def write(self, text: str) -> int:
        raise self._error


@pytest.mark.parametrize(
    "error", [OSError(5, "Input/output error"), BrokenPipeError(), ValueError("I/O operation on closed file")]
)
def test_where_nobody_listens_any_more_the_work_goes_on(error: Exception) -> None:
    done = []
    progress = Progress(Closed(error))
    with progress.step("dev", "switched"):
        progress.note("waiting")
        done.append("moved")
    assert done == ["moved"]
