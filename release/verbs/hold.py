"""``release hold ENV --reason R``: keep every promotion out of an environment until a person lifts that."""

import click

from release.call import Call, environment_argument, lift_option, pass_call, reason_option
from release.process.errors import Refused
from release.records.ledger.stops import Cause, Stops, held, refuse_changed


@click.command("hold")
@environment_argument
@reason_option
@lift_option
@pass_call
def command(call: Call, name: str, reason: str, lift: bool) -> None:
    """Keep promotions out of ENVIRONMENT until that is lifted.

    A person lifts it, by --lift. A rollback is let through. It takes no lease: whoever is at work reads it before the
    switch. A release that fails behind the live listener puts its environment on hold by itself.

    Refused (3) where it is on hold already, and, with --lift, where it is not.

    \b
    Example: release hold prod --reason "incident 7"
    """
    (lift_hold if lift else hold)(call, name, reason=reason)
    text = f"{name} is {'no longer ' if lift else ''}on hold"
    call.show({"environment": name, "hold": not lift, "reason": reason}, text)


def hold(call: Call, name: str, *, reason: str) -> None:
    """Takes no lease: what is at work reads it. Refused when it is on hold already: the first reason stands."""
    environment, writer = call.at_work(name)
    cause = Cause(reason=reason, by=writer.principal, at=environment.ledger.now())

    def rule(stops: Stops) -> Stops:
        if stops.hold:
            raise Refused(f"{name} is on hold already, by {stops.hold.by}: {stops.hold.reason}")
        return held(stops, cause)

    environment.stops.change("hold set", rule, writer, {"reason": reason})


def lift_hold(call: Call, name: str, *, reason: str) -> None:
    """Let promotions in again. Refused when nothing holds them."""
    environment, writer = call.at_work(name)
    hold = environment.stops.read().hold
    if hold is None:
        raise Refused(f"{name} is not on hold", hint=f"see: release status {name}")
    details = {"reason": reason, "held_for": hold.reason}

    def rule(stops: Stops) -> Stops:
        refuse_changed(stops.hold, hold, f"the hold of {name}")
        return stops.but(hold=None)

    environment.stops.change("hold lifted", rule, writer, details)
