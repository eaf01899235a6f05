"""The project that the tests of this folder judge: this checkout as it is, and what a team makes of the tests' project.

Nothing else may open the stack files of this checkout, see `tests/conftest.py`; so what passes here for every change of
a team passes for what that team's checkout says.
"""

import warnings
from pathlib import Path

import pytest

from settings.schema import schema_text
from tests.project import CHECKOUT, copy_project
from tests.tracked.changes import CHANGES

AS_IT_IS = "this checkout as it is"

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    import components.environment  # noqa: F401 - for what it does on import


@pytest.fixture(params=[AS_IT_IS, *CHANGES])
def project(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A folder with the stack files of a project and with the schema for its editors."""
    if request.param == AS_IT_IS:
        return CHECKOUT
    CHANGES[request.param](copy_project(tmp_path))
    (tmp_path / "settings").mkdir()
    (tmp_path / "settings" / "stack-schema.json").write_text(schema_text(tmp_path))
    return tmp_path
