"""What people write into stack files that must not stand there, and how it is written."""

from pathlib import Path
from typing import Any

import yaml

REMOVED = object()


def change(project: Path, file_of: str, /, **changes: Any) -> None:
    """Change a stack file: `database__port=1` sets `stageline:database` `port`."""
    file = project / f"Pulumi.{file_of}.yaml"
    document = yaml.safe_load(file.read_text(encoding="utf-8"))
    for path, value in changes.items():
        first, *rest = path.split("__")
        section, key = document["config"], f"stageline:{first}"
        for part in rest:
            section, key = section[key], part
        if value is REMOVED:
            del section[key]
        else:
            section[key] = value
    file.write_text(yaml.safe_dump(document, allow_unicode=True), encoding="utf-8")


WRONG: dict[str, Any] = {
    "account without quotes": ({"account": 123456789012}, "account is 123456789012;", "12 digits in quotes"),
    "account too short": ({"account": "12"}, "account is '12';", "12 digits"),
    "region misspelt": ({"region": "eu_central_1"}, "region is 'eu_central_1';", "like eu-central-1"),
    "owner missing": ({"owner": REMOVED}, "owner is missing;", "the team or address"),
    "protected is a word": ({"protected": "maybe"}, "protected is 'maybe';", "true or false"),
    "role is no ARN": ({"role": "admin"}, "role is 'admin';", "ARN of an IAM role"),
    "promotes from itself": ({"promotes_from": "dev"}, "promotes_from is 'dev';", "prod, qa, staging"),
    "promotes from nowhere": ({"promotes_from": "lab"}, "promotes_from is 'lab';", "prod, qa, staging"),
    "host bits": ({"network__cidr": "10.0.0.1/16"}, "network.cidr is '10.0.0.1/16';", "without host bits"),
    "public block": ({"network__cidr": "8.8.0.0/16"}, "network.cidr is '8.8.0.0/16';", "private IPv4 block"),
    "block too small": ({"network__cidr": "10.0.0.0/24"}, "network.cidr is '10.0.0.0/24';", "/16 to /23"),
    "one zone": ({"network__zones": ["a"]}, "network.zones is ['a'];", "2 to 6 distinct letters"),
    "zone twice": ({"network__zones": ["a", "a"]}, "network.zones is ['a', 'a'];", "distinct"),
    "zone spelt out": ({"network__zones": ["a", "bb"]}, "network.zones.1 is 'bb';", "letters of zones"),
    "nat is text": ({"network__nat": "no"}, "network.nat is 'no';", "or false"),
    "no servers": ({"servers__count": 0}, "servers.count is 0;", "1 to 20"),
    "count is text": ({"servers__count": "2"}, "servers.count is '2';", "1 to 20"),
    "floating image": ({"servers__ami": "latest"}, "servers.ami is 'latest';", "pinned image id"),
    "user with a shell": ({"servers__user": "$(id)"}, "servers.user is '$(id)';", "Linux user name"),
    "ssh open to the world": (
        {"servers__ssh_sources": ["0.0.0.0/0"]},
        "servers.ssh_sources is ['0.0.0.0/0'];",
        "smaller than the whole world",
    ),
    "preview open to the world": (
        {"load_balancer__preview_sources": ["10.0.0.0/8", "0.0.0.0/0"]},
        "load_balancer.preview_sources is",
        "smaller than the whole world",
    ),
    "demos share what keeps roles less apart": (
        {"database__version": "15.4"},
        "demo.database is 'shared';",
        "own or none, because only PostgreSQL from version 16 on",
    ),
    "demos share a MySQL": (
        {"database__engine": "mysql", "database__version": "8.4"},
        "demo.database is 'shared';",
        "own or none, because only PostgreSQL from version 16 on",
    ),
    "demos outlive their limit": ({"demo__max_ttl": "2d"}, "demo.ttl is '3d';", "at most demo.max_ttl"),
    "more demos of one than of all": ({"demo__most": 2}, "demo.most_per_owner is 3;", "at most demo.most"),
    "address without prefix": (
        {"servers__ssh_sources": ["10.0.0.1"]},
        "servers.ssh_sources.0 is '10.0.0.1';",
        "IPv4 blocks",
    ),
    "unknown engine": ({"database__engine": "oracle"}, "database.engine is 'oracle';", "postgres or mysql"),
    "version is a number": ({"database__version": 17.4}, "database.version is 17.4;", "in quotes"),
    "port out of range": ({"database__port": 70000}, "database.port is 70000;", "1 to 65535"),
    "same port twice": (
        {"load_balancer__preview_port": 80},
        "load_balancer.preview_port is 80;",
        "another port than load_balancer.live_port",
    ),
    "timeout beyond interval": (
        {"load_balancer__health__timeout": 10},
        "load_balancer.health.timeout is 10;",
        "less than load_balancer.health.interval",
    ),
    "nothing to watch": ({"watch__seconds": 0}, "watch.seconds is 0;", "1 to 3600 seconds"),
    "watched for a day": ({"watch__seconds": 86400}, "watch.seconds is 86400;", "1 to 3600 seconds"),
    "watch in words": ({"watch__seconds": "5m"}, "watch.seconds is '5m';", "1 to 3600 seconds"),
    "more errors than requests": ({"watch__error_percent": 101}, "watch.error_percent is 101;", "0 to 100"),
    "errors in text": ({"watch__error_percent": "1"}, "watch.error_percent is '1';", "0 to 100"),
    "answers in no time": ({"watch__p95_ms": 0}, "watch.p95_ms is 0;", "1 to 60000"),
    "more than a whole CPU": ({"watch__cpu_percent": 400}, "watch.cpu_percent is 400;", "1 to 100 percent"),
    "memory is a part": ({"watch__memory_percent": 0.7}, "watch.memory_percent is 0.7;", "1 to 100 percent"),
    "settle beyond half the time limit": (
        {"servers__settle": 151},
        "servers.settle is 151;",
        "at most half of servers.install_timeout",
    ),
    "certificate is no ARN": ({"load_balancer__certificate": "x"}, "load_balancer.certificate is 'x';", "ARN"),
    "certificate without a domain": (
        {
            "load_balancer__certificate": "arn:aws:acm:eu-central-1:123456789012:certificate/0",
            "load_balancer__redirect_port": 8000,
        },
        "load_balancer.domain is None;",
        "a domain with a certificate",
    ),
    "domain without a certificate": (
        {"load_balancer__domain": "app.example.com"},
        "load_balancer.domain is 'app.example.com';",
        "none without",
    ),
    "domain is an address": (
        {"load_balancer__domain": "https://x"},
        "load_balancer.domain is 'https://x';",
        "app.example",
    ),
    "certificate without a redirect": (
        {
            "load_balancer__certificate": "arn:aws:acm:eu-central-1:123456789012:certificate/0",
            "load_balancer__domain": "app.example.com",
        },
        "load_balancer.redirect_port is None;",
        "a port with a certificate",
    ),
    "redirect to itself": (
        {
            "load_balancer__certificate": "arn:aws:acm:eu-central-1:123456789012:certificate/0",
            "load_balancer__domain": "app.example.com",
            "load_balancer__redirect_port": 80,
        },
        "load_balancer.redirect_port is 80;",
        "another port than load_balancer.live_port",
    ),
    "logs for ever": ({"load_balancer__access_log_days": 0}, "load_balancer.access_log_days is 0;", "1 to 3653"),
    "days that CloudWatch does not take": (
        {"network__flow_log_days": 10},
        "network.flow_log_days is 10;",
        "1, 3, 5, 7",
    ),
    "private servers without a bastion": (
        {"servers__public": False, "network__nat": True},
        "servers.bastion is None;",
        "a section where servers.public is false",
    ),
    "private servers without a way out": (
        {"servers__public": False, "servers__bastion": {"instance_type": "t3.micro", "ami": "ami-0123456789abcdef0"}},
        "network.nat is False;",
        "private servers read secrets over the internet",
    ),
    "public servers with a bastion": (
        {"servers__bastion": {"instance_type": "t3.micro", "ami": "ami-0123456789abcdef0"}},
        "servers.bastion is {'ami': 'ami-0123456789abcdef0',",
        "null where it is true",
    ),
    "timeout beyond the interval that is not stated": (
        {"load_balancer__health": {"timeout": 11}},
        "load_balancer.health.timeout is 11;",
        "less than load_balancer.health.interval",
    ),
    "bastion without an image": (
        {"servers__public": False, "network__nat": True, "servers__bastion": {"instance_type": "t3.micro"}},
        "servers.bastion.ami is missing;",
        "pinned image id",
    ),
    "bastion with more": (
        {
            "servers__public": False,
            "network__nat": True,
            "servers__bastion": {"instance_type": "t3.micro", "ami": "ami-0123456789abcdef0", "user": "x"},
        },
        "servers.bastion.user is not a setting;",
        "instance_type, ami",
    ),
    "addresses of another environment": (
        {"network__cidr": "10.20.128.0/23"},
        "network.cidr is '10.20.128.0/23', which overlaps 10.20.0.0/16 of qa;",
        "a block that no other environment has",
    ),
    "alarm to nobody": ({"monitoring__emails": ["ops"]}, "monitoring.emails.0 is 'ops';", "e-mail addresses"),
    "repository as a link": (
        {"access__repository": "https://github.com/a/b"},
        "access.repository is 'https://github.com/a/b';",
        "like owner/name",
    ),
    "repository with one id": (
        {"access__repository": "octo@1/shop"},
        "access.repository is 'octo@1/shop';",
        "owner@123/name@456",
    ),
    "repository with a name for an id": (
        {"access__repository": "octo@me/shop@2"},
        "access.repository is 'octo@me/shop@2';",
        "owner@123/name@456",
    ),
    "repository by a pattern": (
        {"access__repository": "octo@1/*@2"},
        "access.repository is 'octo@1/*@2';",
        "owner@123/name@456",
    ),
    "workflows found": ({"access__workflows": ["administrator"]}, "access.workflows.0 is 'administrator';", "pruner"),
    "approver is everybody": ({"access__approvers": ["*"]}, "access.approvers.0 is '*';", "IAM users or roles"),
    "MySQL's version of one number": (
        {"database__engine": "mysql", "database__version": "8", "demo__database": "own"},
        "database.version is '8';",
        "two or three numbers",
    ),
    "compliance outside prod": (
        {"storage__object_lock": "compliance"},
        "storage.object_lock is 'compliance';",
        "none or governance",
    ),
    "backups without a word": ({"backup": REMOVED}, "backup is missing;", "a section of before, keep"),
    "no snapshot stays": ({"backup__keep": 0}, "backup.keep is 0;", "1 to 1000"),
    "snapshots that leave others no room": (
        {"backup__keep": 51},
        "backup.keep is 51;",
        "at most half of backup.quota",
    ),
    "snapshots of the future": ({"backup__keep_days": -1}, "backup.keep_days is -1;", "0 to 3650 days"),
    "warned of more than there can be": ({"backup__warn_at": 101}, "backup.warn_at is 101;", "1 to 100 percent"),
    "no way back kept": ({"storage__keep_releases": 1}, "storage.keep_releases is 1;", "2 to 1000"),
    "reader is no account": ({"storage__readable_by": ["me"]}, "storage.readable_by.0 is 'me';", "12 digits"),
    "unknown key": ({"network__mtu": 9000}, "network.mtu is not a setting;", "cidr, zones, nat"),
    "variable that the server sets": ({"app": {"environment": {"PORT": "1"}}}, "app.environment.PORT", "a letter or"),
    "variable that systemd sets": ({"app": {"environment": {"PATH": "/x"}}}, "app.environment.PATH", "a letter or"),
    "variable of ours": ({"app": {"environment": {"STAGELINE_X": "1"}}}, "app.environment.STAGELINE_X", "a letter or"),
    "variable that no shell knows": ({"app": {"environment": {"A-B": "1"}}}, "app.environment.A-B", "a letter or"),
    "variable without quotes": ({"app": {"environment": {"N": 1}}}, "app.environment.N is 1;", "texts in quotes"),
    "variable with a NUL": (
        {"app": {"environment": {"N": "a\0b"}}},
        "app.environment.N is 'a\\x00b';",
        "that all may read",
    ),
    "variable of 200 kB": ({"app": {"environment": {"N": "x" * 200_000}}}, "app.environment.N is 'xxx", "64 kB"),
    "variables of 100 kB": (
        {"app": {"environment": {f"N{number}": "x" * 20_000 for number in range(5)}}},
        "app.environment is {",
        "64 kB together",
    ),
    "unknown section": ({"cache": {}}, "cache is not a setting;", "network, servers, app, database"),
    "derived key": ({"environment": "prod"}, "environment is not a setting;", "keys like stageline:account"),
}
