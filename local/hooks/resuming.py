"""What a kept cloud brings back: behind each of moto's models the real thing again, at the address that it had.

Like after a power cut: databases have their rows, servers their disks and the units that are enabled, load balancers
their listeners, whatever the AWS API says is running.
"""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from local import inventory
from local.hooks.databases import declared
from local.hooks.instances import machine_of
from local.hooks.parts import Parts


def resume(parts: Parts) -> None:
    """Databases first: servers need them. Raises `CloudError` for what cannot come back."""
    databases = list(inventory.database_instances())
    with ThreadPoolExecutor(max_workers=max(1, len(databases))) as pool:
        list(pool.map(lambda one: _resume_database(parts, one), databases))
    for backend, balancer in inventory.balancers():
        _resume_balancer(parts, backend, balancer)
    for instance in inventory.instances():
        if instance.state != "terminated":
            _resume_server(parts, instance)


def _resume_database(parts: Parts, instance: Any) -> None:
    running = instance.status == "available"
    parts.databases.resume(instance.local_address, declared(instance), port=int(instance.port), running=running)


def _resume_balancer(parts: Parts, backend: Any, balancer: Any) -> None:
    parts.balancer_addresses.claim(balancer.dns_name)
    parts.balancers.add(backend, balancer, balancer.dns_name)
    parts.balancers.refresh(balancer.arn)


def _resume_server(parts: Parts, instance: Any) -> None:
    parts.server_addresses.claim(instance.private_ip_address)
    running = instance.state == "running"
    parts.servers.resume(instance.id, instance.private_ip_address, instance.local_role, running, machine_of(instance))
