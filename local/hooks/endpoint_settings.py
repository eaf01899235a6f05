"""Private names of endpoints, which moto 5.2.5 does not switch."""

import functools
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

from moto.ec2.responses.vpcs import VPCs

from local.hooks.replacing import replace


def install_endpoint_settings(installed: ExitStack) -> None:
    """Hook moto's EC2 until ``installed`` is closed."""
    replace(installed, VPCs, "modify_vpc_endpoint", _switched)


def _switched(original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def modify_vpc_endpoint(response: Any) -> Any:
        answer = original(response)
        wanted = response._get_param("PrivateDnsEnabled")
        if wanted is not None:
            endpoint = response.ec2_backend.vpc_end_points[response._get_param("VpcEndpointId")]
            endpoint.private_dns_enabled = wanted
        return answer

    return modify_vpc_endpoint
