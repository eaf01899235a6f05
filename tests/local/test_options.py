"""The choices of `up` are checked, kept, and changed only by choosing others."""

from pathlib import Path

import pytest

from local.addresses import Ports
from local.errors import CloudError
from local.options import Options, parse_port, read_options, write_options
from local.pace import Pace


def test_without_a_choice_the_defaults_hold(tmp_path: Path) -> None:
    assert read_options(tmp_path / "options.json") == Options()


def test_what_was_chosen_is_read_again(tmp_path: Path) -> None:
    chosen = Options().changed(1, {"live": 9080})
    write_options(tmp_path / "options.json", chosen)
    assert read_options(tmp_path / "options.json") == chosen
    assert chosen == Options(pace=Pace(factor=1), ports=Ports(live=9080))


def test_what_is_not_chosen_again_stays() -> None:
    kept = Options().changed(2, {"ssh": 2022})
    assert kept.changed(None, {"api": 4000}) == Options(pace=Pace(factor=2), ports=Ports(ssh=2022, api=4000))


def test_live_and_preview_need_two_ports() -> None:
    with pytest.raises(CloudError, match="cannot both be on port 8090"):
        Options().changed(None, {"live": 8090})


def test_a_difference_is_said_in_words_and_only_where_there_is_one() -> None:
    assert Options().difference(Options().changed(1, {"live": 80})) == "pace 1 (now 10), live 80 (now 8080)"
    assert Options().difference(Options()) == ""


def test_a_port_is_a_name_and_a_number() -> None:
    assert parse_port("live=80") == ("live", 80)


@pytest.mark.parametrize(
    "text", ["live", "live=", "live=0", "live=65536", "live=-1", "live=\uff18\uff10", "web=80", "=80"]
)
def test_what_is_no_port_is_refused_with_the_names_that_there_are(text: str) -> None:
    with pytest.raises(CloudError, match="api, ssh, live, preview"):
        parse_port(text)
