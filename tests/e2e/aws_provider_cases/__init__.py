"""One case for each resource type of the local AWS provider: what it is made with, and what happens to it.

A text like `${vpc.id}` stands for an output of the resource of that name.
"""

from collections.abc import Mapping

from tests.e2e.aws_provider_cases.balancing import BALANCING
from tests.e2e.aws_provider_cases.case import CERTIFICATES, REGION, Case, Clients
from tests.e2e.aws_provider_cases.firewalls import FIREWALLS
from tests.e2e.aws_provider_cases.identities import IDENTITIES
from tests.e2e.aws_provider_cases.machines import MACHINES
from tests.e2e.aws_provider_cases.network import NETWORK
from tests.e2e.aws_provider_cases.storage import STORAGE
from tests.e2e.aws_provider_cases.watching import WATCHING

CASES: Mapping[str, Case] = {**NETWORK, **FIREWALLS, **STORAGE, **IDENTITIES, **MACHINES, **BALANCING, **WATCHING}

__all__ = ["CASES", "CERTIFICATES", "REGION", "Case", "Clients"]
