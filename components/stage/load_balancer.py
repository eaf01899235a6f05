"""LoadBalancer: the live listener for the world and the preview listener for the team.

Target groups and both listeners always exist, whatever the slots hold. So a deployment only ever changes what a
listener points at, and going back is the same small change. Each part carries a tag that names it, so that it can be
found and moved when nothing but the load balancer's API works.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
from pulumi import Input, Output, ResourceOptions
from pulumi_aws.lb.listener import (
    Listener,
    ListenerDefaultActionArgs,
    ListenerDefaultActionFixedResponseArgs,
    ListenerDefaultActionRedirectArgs,
)
from pulumi_aws.lb.load_balancer import LoadBalancer as Balancer
from pulumi_aws.lb.load_balancer import LoadBalancerAccessLogsArgs
from pulumi_aws.lb.target_group import TargetGroup, TargetGroupHealthCheckArgs

from components.outputs import PlatformOutputs
from components.slots import Slots
from contract.balancer import BALANCER, LIVE, NOTHING_LIVE, NOTHING_LIVE_STATUS, PART, PREVIEW
from contract.health import HEALTH_PATH, HEALTHY
from contract.slots import SLOT_PORTS, SLOTS, SlotName
from settings import model

TLS_POLICY = "ELBSecurityPolicy-TLS13-1-2-2021-06"


@dataclass(frozen=True, kw_only=True)
class LoadBalancerArgs:
    """`live_after` is what must be done before the live listener moves: the live slot's installs."""

    load_balancer: model.LoadBalancer
    platform: PlatformOutputs
    security_group_id: Input[str]
    slots: Slots
    live_after: Sequence[pulumi.Resource]


class LoadBalancer(pulumi.ComponentResource):
    """One ALB, one target group per slot, two listeners, and a third one that sends plain HTTP to TLS.

    A `suffix` is the part of an ARN by which CloudWatch names load balancers and target groups.
    """

    arn: Output[str]
    dns_name: Output[str]
    live_url: Output[str]
    preview_url: Output[str]
    target_groups: Mapping[SlotName, Output[str]]
    suffix: Output[str]
    group_suffixes: Mapping[SlotName, Output[str]]

    def __init__(self, name: str, args: LoadBalancerArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("stageline:stage:LoadBalancer", name, {}, opts)
        self._prefix, self._args, self._child = name, args, ResourceOptions(parent=self)

        self._balancer = self._make_balancer()
        groups = {slot: self._make_target_group(slot) for slot in SLOTS}
        self.target_groups = {slot: group.arn for slot, group in groups.items()}
        live = self._make_live_listener()
        self._make_preview_listener(after=live)
        if args.load_balancer.certificate and args.load_balancer.redirect_port:
            self._make_redirect_listener(args.load_balancer.redirect_port)

        self.suffix = self._balancer.arn_suffix
        self.group_suffixes = {slot: group.arn_suffix for slot, group in groups.items()}
        self.arn = self._balancer.arn
        self.dns_name = self._balancer.dns_name
        self.live_url = self._url(args.load_balancer.live_port)
        self.preview_url = self._url(args.load_balancer.preview_port)
        self.register_outputs(
            {
                "arn": self.arn,
                "dns_name": self.dns_name,
                "live_url": self.live_url,
                "preview_url": self.preview_url,
                "target_groups": self.target_groups,
            }
        )

    def _make_balancer(self) -> Balancer:
        return Balancer(
            f"{self._prefix}-alb",
            load_balancer_type="application",
            internal=False,
            subnets=self._args.platform.public_subnet_ids,
            security_groups=[self._args.security_group_id],
            drop_invalid_header_fields=True,
            enable_deletion_protection=self._args.load_balancer.deletion_protection,
            access_logs=LoadBalancerAccessLogsArgs(bucket=self._args.platform.access_bucket, enabled=True),
            tags={PART: BALANCER},
            opts=self._child,
        )

    def _make_target_group(self, slot: SlotName) -> TargetGroup:
        health = self._args.load_balancer.health
        return TargetGroup(
            f"{self._prefix}-{slot}",
            vpc_id=self._args.platform.vpc_id,
            target_type="instance",
            protocol="HTTP",
            port=SLOT_PORTS[slot],
            deregistration_delay=self._args.load_balancer.drain,
            health_check=TargetGroupHealthCheckArgs(
                protocol="HTTP",
                path=HEALTH_PATH,
                matcher=str(HEALTHY),
                interval=health.interval,
                timeout=health.timeout,
                healthy_threshold=health.healthy,
                unhealthy_threshold=health.unhealthy,
            ),
            tags={PART: slot},
            opts=self._child,
        )

    def _make_live_listener(self) -> Listener:
        """Moves only after the live slot is installed everywhere, and answers 503 while nothing is live."""
        declared = self._args.slots.declared
        action = nothing_is_live() if declared is None else self._forward_to(declared)
        return self._make_listener(LIVE, self._args.load_balancer.live_port, action, self._args.live_after)

    def _make_preview_listener(self, after: Listener) -> None:
        """The same servers under another port: the slot that is not live, always.

        It moves after the live one. A target group that no listener refers to has no health checks, so moved first it
        would leave the new slot without any when users arrive, and they would be answered with 503.
        """
        action = self._forward_to(self._args.slots.idle)
        self._make_listener(PREVIEW, self._args.load_balancer.preview_port, action, [after])

    def _make_redirect_listener(self, port: int) -> None:
        """Bookmarks and typed addresses begin with http: they are sent to the live listener for good."""
        redirect = ListenerDefaultActionRedirectArgs(
            protocol="HTTPS", port=str(self._args.load_balancer.live_port), status_code="HTTP_301"
        )
        Listener(
            f"{self._prefix}-redirect",
            load_balancer_arn=self._balancer.arn,
            port=port,
            protocol="HTTP",
            default_actions=[ListenerDefaultActionArgs(type="redirect", redirect=redirect)],
            opts=self._child,
        )

    def _make_listener(
        self, part: str, port: int, action: ListenerDefaultActionArgs, after: Sequence[pulumi.Resource]
    ) -> Listener:
        certificate = self._args.load_balancer.certificate
        return Listener(
            f"{self._prefix}-{part}",
            load_balancer_arn=self._balancer.arn,
            port=port,
            protocol="HTTPS" if certificate else "HTTP",
            certificate_arn=certificate,
            ssl_policy=TLS_POLICY if certificate else None,
            default_actions=[action],
            tags={PART: part},
            opts=ResourceOptions(parent=self, depends_on=list(after)),
        )

    def _forward_to(self, slot: SlotName) -> ListenerDefaultActionArgs:
        return ListenerDefaultActionArgs(type="forward", target_group_arn=self.target_groups[slot])

    def _url(self, port: int) -> Output[str]:
        """Where the listener answers: by the certificate's name, which no balancer's own name is."""
        args = self._args.load_balancer
        scheme = "https" if args.certificate else "http"
        return Output.concat(scheme, "://", args.domain or self._balancer.dns_name, f":{port}")


def nothing_is_live() -> ListenerDefaultActionArgs:
    """What users see before the first deployment."""
    response = ListenerDefaultActionFixedResponseArgs(
        content_type="text/plain", message_body=NOTHING_LIVE, status_code=str(NOTHING_LIVE_STATUS)
    )
    return ListenerDefaultActionArgs(type="fixed-response", fixed_response=response)
