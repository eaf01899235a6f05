"""The listeners of one environment among those of others, found by tags and moved, on moto's AWS."""

from dataclasses import dataclass
from typing import Any

import pytest

from contract.balancer import BALANCER, LIVE, NOTHING_LIVE, PART, PREVIEW
from contract.slots import SlotName
from release.doors.aws.listeners import AT_ONCE, Entrance, Listeners, live_url
from release.doors.aws.session import AwsSession
from release.process.errors import Broken
from tests.release.world import shared_session

ACCOUNT, REGION = "123456789012", "eu-central-1"
DEV = {"project": "stageline", "environment": "dev"}
QA = {"project": "stageline", "environment": "qa"}
ANOTHER = {"project": "another", "environment": "dev"}
ANSWER = {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "503", "ContentType": "text/plain"}}


@dataclass(frozen=True, kw_only=True)
class Network:
    """A network with two subnets, in which balancers are made."""

    session: AwsSession
    vpc: str
    subnets: tuple[str, ...]

    @property
    def elb(self) -> Any:
        return self.session.client("elbv2")

    def balancer(self, name: str, tags: dict[str, str], *, without: tuple[str, ...] = ()) -> dict[str, str]:
        """An environment's balancer with its parts, by their names; some of them may be missing."""
        arn = self.elb.create_load_balancer(
            Name=name, Subnets=list(self.subnets), Tags=_tags(tags, BALANCER if BALANCER not in without else "x")
        )["LoadBalancers"][0]["LoadBalancerArn"]
        found = {BALANCER: arn}
        for part, port in ((LIVE, 80), (PREVIEW, 8080)):
            if part not in without:
                found[part] = self.elb.create_listener(
                    LoadBalancerArn=arn, Protocol="HTTP", Port=port, DefaultActions=[ANSWER], Tags=_tags(tags, part)
                )["Listeners"][0]["ListenerArn"]
        return found | {
            slot: self.group(f"{name}-{slot}", tags, slot) for slot in ("blue", "green") if slot not in without
        }

    def group(self, name: str, tags: dict[str, str], part: str) -> str:
        made = self.elb.create_target_group(
            Name=name, Protocol="HTTP", Port=8081, VpcId=self.vpc, Tags=_tags(tags, part)
        )
        return str(made["TargetGroups"][0]["TargetGroupArn"])

    def listeners(self, tags: dict[str, str] | None = None) -> Listeners:
        return Listeners(self.session, tags or DEV)

    def answers(self, listener: str) -> dict[str, Any]:
        return dict(self.elb.describe_listeners(ListenerArns=[listener])["Listeners"][0]["DefaultActions"][0])


def _tags(tags: dict[str, str], part: str) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in {**tags, PART: part}.items()]


@pytest.fixture
def network(aws: None) -> Network:
    session = shared_session(ACCOUNT, REGION)
    ec2 = session.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnets = tuple(
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{number}.0/24", AvailabilityZone=f"{REGION}{zone}")["Subnet"][
            "SubnetId"
        ]
        for number, zone in enumerate("ab")
    )
    return Network(session=session, vpc=vpc, subnets=subnets)


def test_an_entrance_is_found_among_those_of_other_environments_and_projects(network: Network) -> None:
    made = {
        name: network.balancer(name, tags) for name, tags in (("qa", QA), ("dev", DEV), ("other", ANOTHER), ("no", {}))
    }
    entrance = network.listeners().find()
    dev = made["dev"]
    assert (entrance.balancer, entrance.live, entrance.preview) == (dev[BALANCER], dev[LIVE], dev[PREVIEW])
    assert entrance.groups == {slot: dev[slot] for slot in ("blue", "green")}
    assert entrance.dns_name.startswith("dev-")
    assert network.listeners(QA).find().live == made["qa"][LIVE]


PAGE = 50  # balancers that one answer of the API holds here


def test_a_balancer_is_found_on_a_later_page(network: Network) -> None:
    for number in range(PAGE + 5):
        network.elb.create_load_balancer(Name=f"a-{number}", Subnets=list(network.subnets), Tags=_tags(QA, "x"))
    dev = network.balancer("zz-dev", DEV)
    assert "NextMarker" in network.elb.describe_load_balancers()
    assert network.listeners().find().balancer == dev[BALANCER]


def test_target_groups_are_found_also_where_they_are_more_than_one_call_tells_the_tags_of(network: Network) -> None:
    others = [network.group(f"other-{number}", ANOTHER, "blue") for number in range(AT_ONCE + 5)]
    dev = network.balancer("dev", DEV)
    groups = network.listeners().find().groups
    assert groups == {slot: dev[slot] for slot in ("blue", "green")}
    assert not {*groups.values()} & {*others}


@pytest.mark.parametrize("part", [LIVE, "blue", "green"])
def test_a_part_that_is_missing_is_named_and_so_is_what_makes_it(network: Network, part: str) -> None:
    network.balancer("dev", DEV, without=(part,))
    network.balancer("qa", QA)
    with pytest.raises(Broken, match=f"dev has no part {part} in AWS; run: pulumi up --stack dev"):
        network.listeners().find()


def test_without_a_preview_listener_users_are_moved_and_nothing_is_looked_at(network: Network) -> None:
    network.balancer("dev", DEV, without=(PREVIEW,))
    listeners = network.listeners()
    entrance = listeners.find()
    assert "dev has no part preview in AWS" in listeners.move(entrance, "blue")
    assert (listeners.slot_in_use(entrance), listeners.leads_to(entrance.preview)) == ("blue", None)
    with pytest.raises(Broken, match="dev has no part preview in AWS; run: pulumi up --stack dev"):
        listeners.show(entrance, "green")


@pytest.mark.parametrize("others", [(), ("qa",)], ids=["none-at-all", "another-environments"])
def test_an_environment_without_a_balancer_says_so(network: Network, others: tuple[str, ...]) -> None:
    for name in others:
        network.balancer(name, QA)
    with pytest.raises(Broken, match="dev has no load balancer in AWS; run: pulumi up --stack dev"):
        network.listeners().find()


def test_the_live_listener_is_moved_and_the_preview_listener_follows_to_the_other_slot(network: Network) -> None:
    network.balancer("dev", DEV)
    listeners = network.listeners()
    entrance = listeners.find()
    moves: tuple[tuple[SlotName, SlotName], ...] = (("blue", "green"), ("green", "blue"), ("green", "blue"))
    for slot, other in moves:
        assert listeners.move(entrance, slot) == ""
        assert listeners.leads_to(entrance.live) == entrance.groups[slot]
        assert listeners.leads_to(entrance.preview) == entrance.groups[other]
        assert listeners.slot_in_use(entrance) == slot


def test_users_are_moved_by_a_call_that_gives_up_within_seconds(network: Network) -> None:
    network.balancer("dev", DEV)
    listeners, asked = network.listeners(), []
    hasty = network.session.hasty_client("elbv2").meta.events
    hasty.register("before-call.*.ModifyListener", lambda **call: asked.append(call["model"].name))
    listeners.move(listeners.find(), "blue")
    assert asked == ["ModifyListener", "ModifyListener"]


def test_without_a_slot_the_live_listener_answers_by_itself_and_the_preview_leads_to_the_first_slot(
    network: Network,
) -> None:
    network.balancer("dev", DEV)
    listeners = network.listeners()
    entrance = listeners.find()
    listeners.move(entrance, "green")
    assert listeners.move(entrance, None) == ""
    answer = network.answers(entrance.live)
    assert (answer["Type"], answer["FixedResponseConfig"]["MessageBody"]) == ("fixed-response", NOTHING_LIVE)
    assert (listeners.leads_to(entrance.live), listeners.slot_in_use(entrance)) == (None, None)
    assert listeners.leads_to(entrance.preview) == entrance.groups["blue"]


def test_a_preview_listener_that_cannot_follow_is_told_and_holds_up_nobody(network: Network) -> None:
    network.balancer("dev", DEV)
    listeners = network.listeners()
    entrance = listeners.find()
    network.elb.delete_listener(ListenerArn=entrance.preview)
    assert "move the preview listener" in listeners.move(entrance, "blue")
    assert listeners.leads_to(entrance.live) == entrance.groups["blue"]


def test_the_preview_listener_is_led_to_a_slot_by_itself_where_it_does_not_lead_there(network: Network) -> None:
    network.balancer("dev", DEV)
    listeners = network.listeners()
    entrance = listeners.find()
    listeners.move(entrance, "blue")
    shown: tuple[tuple[SlotName, bool], ...] = (("blue", True), ("blue", False), ("green", True))
    for slot, elsewhere in shown:
        assert listeners.show(entrance, slot) is elsewhere
        assert listeners.leads_to(entrance.preview) == entrance.groups[slot]
    assert listeners.slot_in_use(entrance) == "blue"


def test_a_live_listener_that_is_gone_is_broken_and_the_preview_stays_where_it_is(network: Network) -> None:
    network.balancer("dev", DEV)
    listeners = network.listeners()
    entrance = listeners.find()
    listeners.move(entrance, "blue")
    network.elb.delete_listener(ListenerArn=entrance.live)
    with pytest.raises(Broken, match="move the live listener"):
        listeners.move(entrance, "green")
    assert listeners.leads_to(entrance.preview) == entrance.groups["green"]


def test_a_listener_that_was_led_elsewhere_by_hand_leads_to_no_slot(network: Network) -> None:
    network.balancer("dev", DEV)
    listeners = network.listeners()
    entrance = listeners.find()
    elsewhere = network.group("by-hand", {}, "")
    network.elb.modify_listener(
        ListenerArn=entrance.live, DefaultActions=[{"Type": "forward", "TargetGroupArn": elsewhere}]
    )
    assert (listeners.leads_to(entrance.live), listeners.slot_in_use(entrance)) == (elsewhere, None)


def test_a_listener_that_shares_its_requests_between_slots_leads_to_none_of_them(network: Network) -> None:
    network.balancer("dev", DEV)
    listeners = network.listeners()
    entrance = listeners.find()
    both = {"TargetGroups": [{"TargetGroupArn": group, "Weight": 1} for group in entrance.groups.values()]}
    network.elb.modify_listener(ListenerArn=entrance.live, DefaultActions=[{"Type": "forward", "ForwardConfig": both}])
    assert listeners.slot_in_use(entrance) is None


def test_a_group_belongs_to_its_slot_and_another_to_none() -> None:
    entrance = Entrance(balancer="lb", dns_name="d", live="l", preview="p", groups={"blue": "tg-1", "green": "tg-2"})
    assert [entrance.slot_of(group) for group in ("tg-1", "tg-2", "tg-3", None)] == ["blue", "green", None, None]


@pytest.mark.parametrize(
    ("domain", "certificate", "expected"),
    [
        pytest.param(None, None, "http://lb.aws:80", id="the-balancers-own-name"),
        pytest.param("app.example.org", "arn:cert", "https://app.example.org:80", id="the-certificates-name"),
    ],
)
def test_users_go_where_the_certificate_says(domain: str | None, certificate: str | None, expected: str) -> None:
    assert live_url("lb.aws", domain=domain, certificate=certificate, port=80) == expected
