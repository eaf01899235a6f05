"""What must hold between settings, and what a protected environment refuses, as one table.

Rules see the values as the file says them or as they are by default, by dotted key, and only those that are
well-formed by themselves.
So one wrong key does not hide another one.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

FIRST_APART = 16  # PostgreSQL's version


@dataclass(frozen=True, kw_only=True)
class Rule:
    """`holds` is called with the values of `keys`; the first key is the one that is reported."""

    keys: tuple[str, ...]
    holds: Callable[..., bool]
    allowed: str
    protected_only: bool = False


def _not_the_world(sources: list[str]) -> bool:
    return not any(source.endswith("/0") for source in sources)


def _is_on(value: bool) -> bool:
    return value


def _is_off(value: bool) -> bool:
    return not value


def _hours(span: str) -> int:
    return int(span[:-1]) * (24 if span.endswith("d") else 1)


def _keeps_roles_apart(engine: str, version: str) -> bool:
    """Before 16 whoever may make roles may change those of others, the application's included."""
    return engine == "postgres" and int(version.split(".")[0]) >= FIRST_APART


RULES = (
    Rule(
        keys=("servers.ssh_sources",),
        holds=_not_the_world,
        allowed="blocks smaller than the whole world",
    ),
    Rule(
        keys=("servers.settle", "servers.install_timeout"),
        holds=lambda settle, timeout: 2 * settle <= timeout,
        allowed="at most half of servers.install_timeout",
    ),
    Rule(
        keys=("load_balancer.preview_sources",),
        holds=_not_the_world,
        allowed="blocks smaller than the whole world",
    ),
    Rule(
        keys=("load_balancer.preview_port", "load_balancer.live_port"),
        holds=lambda preview, live: preview != live,
        allowed="another port than load_balancer.live_port",
    ),
    Rule(
        keys=("load_balancer.health.timeout", "load_balancer.health.interval"),
        holds=lambda timeout, interval: timeout < interval,
        allowed="less than load_balancer.health.interval",
    ),
    Rule(
        keys=("load_balancer.domain", "load_balancer.certificate"),
        holds=lambda domain, certificate: (domain is None) == (certificate is None),
        allowed="a domain with a certificate, and none without: TLS is checked by the name",
    ),
    Rule(
        keys=("load_balancer.redirect_port", "load_balancer.certificate"),
        holds=lambda port, certificate: (port is None) == (certificate is None),
        allowed="a port with a certificate, and null without: plain HTTP is sent to TLS",
    ),
    Rule(
        keys=("load_balancer.redirect_port", "load_balancer.live_port", "load_balancer.preview_port"),
        holds=lambda port, *others: port not in others,
        allowed="another port than load_balancer.live_port and load_balancer.preview_port",
    ),
    Rule(
        keys=("servers.bastion", "servers.public"),
        holds=lambda bastion, public: (bastion is None) == public,
        allowed="a section where servers.public is false, and null where it is true",
    ),
    Rule(
        keys=("network.nat", "servers.public"),
        holds=lambda nat, public: nat or public,
        allowed="true, because servers.public is false: private servers read secrets over the internet",
    ),
    Rule(
        keys=("storage.object_lock", "environment"),
        holds=lambda lock, environment: lock != "compliance" or environment == "prod",
        allowed="none or governance (compliance cannot be undone by anyone and is for prod only)",
    ),
    Rule(
        keys=("storage.object_lock",),
        holds=lambda lock: lock != "none",
        allowed="governance, or compliance in prod, because the environment is protected",
        protected_only=True,
    ),
    Rule(
        keys=("storage.force_destroy",),
        holds=_is_off,
        allowed="false, because the environment is protected",
        protected_only=True,
    ),
    Rule(
        keys=("backup.keep", "backup.quota"),
        holds=lambda keep, quota: 2 * keep <= quota,
        allowed="at most half of backup.quota: other environments and databases of the account share it",
    ),
    Rule(
        keys=("backup.before",),
        holds=lambda before: before == "snapshot",
        allowed="snapshot, because the environment is protected",
        protected_only=True,
    ),
    Rule(
        keys=("database.version", "database.engine"),
        holds=lambda version, engine: engine != "mysql" or "." in version,
        allowed='a MySQL version of two or three numbers, like "8.4"',
    ),
    Rule(
        keys=("database.tls", "load_balancer.certificate"),
        holds=lambda tls, certificate: tls or certificate is None,
        allowed="true, because the environment is protected and has a certificate",
        protected_only=True,
    ),
    Rule(
        keys=("database.deletion_protection",),
        holds=_is_on,
        allowed="true, because the environment is protected",
        protected_only=True,
    ),
    Rule(
        keys=("database.final_snapshot",),
        holds=_is_on,
        allowed="true, because the environment is protected",
        protected_only=True,
    ),
    Rule(
        keys=("database.backup_days",),
        holds=lambda days: days >= 7,
        allowed="7 to 35 days, because the environment is protected",
        protected_only=True,
    ),
    Rule(
        keys=("database.multi_az",),
        holds=_is_on,
        allowed="true, because the environment is protected",
        protected_only=True,
    ),
    Rule(
        keys=("demo.ttl", "demo.max_ttl"),
        holds=lambda ttl, most: _hours(ttl) <= _hours(most),
        allowed="at most demo.max_ttl",
    ),
    Rule(
        keys=("demo.most_per_owner", "demo.most"),
        holds=lambda own, most: own <= most,
        allowed="at most demo.most",
    ),
    Rule(
        keys=("demo.database", "database.engine", "database.version"),
        holds=lambda kind, engine, version: kind != "shared" or _keeps_roles_apart(engine, version),
        allowed="own or none, because only PostgreSQL from version 16 on keeps roles apart that make roles",
    ),
    Rule(
        keys=("demo.on_protected",),
        holds=_is_on,
        allowed="true, because the environment is protected: its demos stand beside what users have",
        protected_only=True,
    ),
    Rule(
        keys=("load_balancer.deletion_protection",),
        holds=_is_on,
        allowed="true, because the environment is protected",
        protected_only=True,
    ),
)


def broken(values: Mapping[str, Any]) -> Iterator[Rule]:
    """Yield the rules that `values` (by dotted key) break; a rule on an absent key is skipped."""
    for rule in RULES:
        if _applies(rule, values) and not rule.holds(*(values[key] for key in rule.keys)):
            yield rule


def _applies(rule: Rule, values: Mapping[str, Any]) -> bool:
    if rule.protected_only and values.get("protected") is not True:
        return False
    return all(key in values for key in rule.keys)
