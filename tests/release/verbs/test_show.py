"""`release show`: where a release was verified and is live, and what it says of itself."""

from release.verbs.show import show_release, show_text
from tests.project import PROJECT
from tests.release.deploying import put
from tests.release.world import World


def test_show_says_where_a_release_was_verified_and_is_live(world: World) -> None:
    put(world, "1.0.0")
    put(world, "1.1.0")
    report = show_release(PROJECT, "1.0.0")
    assert [(word["environment"], word["live"], bool(word["verified"])) for word in report["environments"]] == [
        ("dev", False, True)
    ]
    assert "sha256" in show_text(report)


def test_what_a_release_says_of_itself_forges_no_line_and_moves_no_cursor(world: World) -> None:
    put(world, "1.0.0")
    report = show_release(PROJECT, "1.0.0")
    honest = show_text(report)
    forged = "\n  prod       verified, live\x1b[2K\u202e"
    report["release"] |= {"notes": "fine" + forged, "file_name": "a" + forged}
    report["release"]["checks"][0]["name"] += forged
    shown = show_text(report)
    assert len(shown.splitlines()) == len(honest.splitlines()) + 1
    assert all(line.isprintable() for line in shown.splitlines())
