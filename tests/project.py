"""The project that the tests read: four environments, whose values the tests may state.

The stack files of this checkout belong to the team that owns it: only `tests/tracked` reads them.
"""

from pathlib import Path

CHECKOUT = Path(__file__).parents[1]
PROJECT = Path(__file__).parent / "fixtures" / "project"
MAIN, CHECKOUT_FROM_PROJECT = "main: ../../.. # the program of this checkout\n", "../../../"


def copy_project(folder: Path) -> Path:
    """The project's files in a folder that holds its own program, or needs none."""
    for file in PROJECT.glob("Pulumi*.yaml"):
        text = file.read_text("utf-8").replace(MAIN, "").replace(CHECKOUT_FROM_PROJECT, "")
        (folder / file.name).write_text(text, "utf-8")
    return folder
