"""How the load balancer's parts are found in AWS by their tags, and what it answers by itself.

A part carries the environment's tags, `project` and `environment`, and the tag `PART` with one of the values below. A
slot's target group has the slot's name as its value. So a listener can be found and moved without asking Pulumi.
"""

PART = "part"

BALANCER = "balancer"
LIVE = "live"
PREVIEW = "preview"

NOTHING_LIVE = "Nothing is live here yet."
NOTHING_LIVE_STATUS = 503
"""What the live listener answers while no slot is live, as plain text."""
