"""The list of what is measured: the name for the command line, and the function that measures it."""

from collections.abc import Callable, Iterable, Mapping

from bench.commands import cloud_up, demo, help_start
from bench.deployment import deployment_seconds
from bench.engine import engine_seconds, four_environments
from bench.environments import resources, unit_tests
from bench.feature_demo import demo_costs, feature_demo_seconds
from bench.figure import Figure
from bench.flat import against_flat
from bench.ledger import lease_requests, status_of_long_ledgers
from bench.nothing import nothing_seconds
from bench.promote import promote_copy
from bench.way_back import four_servers, killed, way_back

FIGURES: Mapping[str, Callable[[], Iterable[Figure]]] = {
    "help": help_start,
    "cloud": cloud_up,
    "demo": demo,
    "resources": resources,
    "units": unit_tests,
    "engine": engine_seconds,
    "four": four_environments,
    "nothing": nothing_seconds,
    "flat": against_flat,
    "status": status_of_long_ledgers,
    "lease": lease_requests,
    "deployment": deployment_seconds,
    "feature-demo": feature_demo_seconds,
    "demo-costs": demo_costs,
    "promote": promote_copy,
    "way-back": way_back,
    "four-servers": four_servers,
    "killed": killed,
}
