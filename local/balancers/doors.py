"""What load balancers need of the rest of the cloud. Each door is given moto's ELB backend: account and region."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from local.certificates import Pem


@dataclass(frozen=True, kw_only=True)
class Doors:
    """`address_of(backend, target id)`: a running target's address. `certificate_of(backend, ARN)`: what to serve.

    `store(backend, bucket, key, content)`: put an object; raises `CloudError` when there is no such bucket.
    """

    address_of: Callable[[Any, str], str | None]
    certificate_of: Callable[[Any, str], Pem | None]
    store: Callable[[Any, str, str, bytes], None]
