"""LoadBalancer: where the two listeners point, whatever the slots hold."""

from typing import Any

import pytest

from components.slots import Slots
from tests.components.recording import BLUE_LIVE, BLUE_LIVE_GREEN_FILLED, EMPTY, GREEN_LIVE, record, settings_of

LISTENER = "aws:lb/listener:Listener"
GROUP = "aws:lb/targetGroup:TargetGroup"

BLUE = {"type": "forward", "targetGroupArn": "arn:of:env-lb-blue"}
GREEN = {"type": "forward", "targetGroupArn": "arn:of:env-lb-green"}
NOTHING = {
    "type": "fixed-response",
    "fixedResponse": {
        "contentType": "text/plain",
        "messageBody": "Nothing is live here yet.",
        "statusCode": "503",
    },
}

TARGETS = {
    "nothing deployed": (EMPTY, NOTHING, BLUE),
    "blue live, green empty": (BLUE_LIVE, BLUE, GREEN),
    "blue live, green filled": (BLUE_LIVE_GREEN_FILLED, BLUE, GREEN),
    "green live": (GREEN_LIVE, GREEN, BLUE),
    "blue filled, nothing live": (Slots(blue=BLUE_LIVE.blue), NOTHING, BLUE),
}


@pytest.mark.parametrize(("slots", "live", "preview"), TARGETS.values(), ids=TARGETS.keys())
def test_the_live_listener_points_at_the_declared_slot_and_the_preview_at_the_other(
    slots: Slots, live: dict[str, Any], preview: dict[str, Any]
) -> None:
    recording = record(settings_of("prod"), slots)
    assert recording.one(LISTENER, "env-lb-live").inputs["defaultActions"] == [live]
    assert recording.one(LISTENER, "env-lb-preview").inputs["defaultActions"] == [preview]


def test_the_live_listener_moves_only_after_the_live_slot_is_installed_everywhere() -> None:
    recording = record(settings_of("prod"), GREEN_LIVE)
    commands = {one.urn: one.name for one in recording.of("command:remote:Command")}
    live = recording.one(LISTENER, "env-lb-live")
    assert sorted(commands[urn] for urn in live.after if urn in commands) == [
        "env-servers-1-green",
        "env-servers-2-green",
    ]


def test_the_preview_listener_waits_for_no_install_because_it_shows_one_that_failed() -> None:
    recording = record(settings_of("prod"), GREEN_LIVE)
    commands = {one.urn for one in recording.of("command:remote:Command")}
    assert not commands & recording.one(LISTENER, "env-lb-preview").after


def test_the_preview_listener_moves_after_the_live_one_so_that_the_new_slot_keeps_its_health_checks() -> None:
    recording = record(settings_of("prod"), GREEN_LIVE)
    assert recording.one(LISTENER, "env-lb-live").urn in recording.one(LISTENER, "env-lb-preview").after


def test_each_part_is_found_by_its_tag() -> None:
    recording = record(settings_of("prod"), GREEN_LIVE)
    kinds = (LISTENER, GROUP, "aws:lb/loadBalancer:LoadBalancer")
    tags = {one.name: one.inputs.get("tags") for kind in kinds for one in recording.of(kind)}
    assert tags == {
        "env-lb-alb": {"part": "balancer"},
        "env-lb-live": {"part": "live"},
        "env-lb-preview": {"part": "preview"},
        "env-lb-redirect": None,
        "env-lb-blue": {"part": "blue"},
        "env-lb-green": {"part": "green"},
    }


def test_a_target_group_asks_for_health_as_the_settings_say() -> None:
    groups = record(settings_of("prod")).of(GROUP)
    assert [(group.name, group.inputs["port"]) for group in groups] == [
        ("env-lb-blue", 8081),
        ("env-lb-green", 8082),
    ]
    assert [group.inputs["healthCheck"] for group in groups] == [
        {
            "protocol": "HTTP",
            "path": "/health",
            "matcher": "200",
            "interval": 10,
            "timeout": 5,
            "healthyThreshold": 3,
            "unhealthyThreshold": 2,
        }
    ] * 2


@pytest.mark.parametrize(
    ("environment", "spoken"), [("dev", [("HTTP", 80), ("HTTP", 8080)]), ("prod", [("HTTPS", 443), ("HTTPS", 8443)])]
)
def test_a_certificate_decides_whether_both_listeners_speak_tls(
    environment: str, spoken: list[tuple[str, int]]
) -> None:
    settings = settings_of(environment)
    listeners = [one for one in record(settings).of(LISTENER) if one.name != "env-lb-redirect"]
    assert [(one.inputs["protocol"], one.inputs["port"]) for one in listeners] == spoken
    assert {one.inputs.get("certificateArn") for one in listeners} == {settings.load_balancer.certificate}


@pytest.mark.parametrize(
    ("environment", "live", "preview"),
    [
        ("dev", "http://env-lb-alb.example:80", "http://env-lb-alb.example:8080"),
        ("prod", "https://app.example.com:443", "https://app.example.com:8443"),
    ],
)
def test_tls_is_asked_for_by_the_name_in_the_certificate(environment: str, live: str, preview: str) -> None:
    registered = record(settings_of(environment)).registered["env-lb"]
    assert (registered["live_url"], registered["preview_url"]) == (live, preview)


def test_plain_http_is_sent_to_tls_where_there_is_a_certificate() -> None:
    listener = record(settings_of("prod")).one(LISTENER, "env-lb-redirect")
    assert (listener.inputs["protocol"], listener.inputs["port"]) == ("HTTP", 80)
    assert listener.inputs["defaultActions"] == [
        {"type": "redirect", "redirect": {"protocol": "HTTPS", "port": "443", "statusCode": "HTTP_301"}}
    ]


def test_without_a_certificate_nothing_is_redirected() -> None:
    assert "env-lb-redirect" not in {one.name for one in record(settings_of("dev")).of(LISTENER)}


def test_the_access_log_goes_into_the_bucket_once_the_balancer_may_write_there() -> None:
    recording = record(settings_of("prod"))
    [balancer] = recording.of("aws:lb/loadBalancer:LoadBalancer")
    policy = recording.one("aws:s3/bucketPolicy:BucketPolicy", "env-logs-access")
    assert balancer.inputs["accessLogs"] == {"bucket": "env-logs-access-id", "enabled": True}
    assert policy.urn in balancer.after


@pytest.mark.parametrize(("environment", "kept"), [("dev", False), ("prod", True)])
def test_the_balancer_is_protected_where_the_setting_says_so(environment: str, kept: bool) -> None:
    [balancer] = record(settings_of(environment)).of("aws:lb/loadBalancer:LoadBalancer")
    assert balancer.inputs["enableDeletionProtection"] is kept
