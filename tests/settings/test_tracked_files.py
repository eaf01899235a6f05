"""The four tracked environments: what has to hold between them."""

import ipaddress
import itertools
import subprocess
import sys
from pathlib import Path

from contract.metrics import CPU_PERIOD
from settings.stackfile import environments, load

PROJECT_DIR = Path(__file__).parents[2]
ALL = [load(PROJECT_DIR, environment) for environment in environments(PROJECT_DIR)]


def test_no_two_environments_share_addresses() -> None:
    blocks = [ipaddress.ip_network(settings.network.cidr) for settings in ALL]
    assert not [pair for pair in itertools.combinations(blocks, 2) if pair[0].overlaps(pair[1])]


def test_releases_go_from_dev_over_qa_and_staging_to_prod() -> None:
    assert [settings.promotes_from for settings in ALL] == [None, "dev", "qa", "staging"]


def test_staging_and_prod_are_protected() -> None:
    assert [settings.environment for settings in ALL if settings.protected] == ["staging", "prod"]


def test_protected_environments_speak_tls() -> None:
    assert all(settings.load_balancer.certificate for settings in ALL if settings.protected)


def test_protected_environments_watch_until_cloudwatch_has_told_their_servers_cpu() -> None:
    assert all(settings.watch.seconds >= 2 * CPU_PERIOD for settings in ALL if settings.protected)


def test_tags_name_project_environment_and_owner() -> None:
    assert ALL[0].tags == {
        "project": "stageline",
        "environment": "dev",
        "owner": "platform",
        "managed-by": "stageline",
    }


def test_staging_has_the_servers_of_prod() -> None:
    staging, prod = ALL[2:]
    assert staging.servers == prod.servers


def test_importing_the_package_loads_neither_pydantic_nor_yaml() -> None:
    program = "import sys, settings, settings.names, settings.errors; print({'pydantic', 'yaml'} & {*sys.modules})"
    done = subprocess.run([sys.executable, "-c", program], cwd=PROJECT_DIR, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
