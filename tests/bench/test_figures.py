"""A figure says whether its bound was kept."""

import pytest

from bench.__main__ import main
from bench.figure import Figure
from bench.figures import FIGURES


@pytest.mark.parametrize(
    ("value", "said"), [pytest.param(3.0, "kept", id="at-the-bound"), pytest.param(3.01, "NOT KEPT", id="over-it")]
)
def test_a_figure_tells_whether_its_bound_was_kept(value: float, said: str) -> None:
    assert str(Figure(what="start", value=value, unit="x", bound=3)).endswith(f"(at most 3: {said})")


def test_an_unknown_figure_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["speed"]) == 2
    assert f"there are {', '.join(FIGURES)}" in capsys.readouterr().err
