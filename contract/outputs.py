"""What a stack says of itself when it is up, and `release` reads: the names of its outputs."""

LIVE_URL = "live_url"
PREVIEW_URL = "preview_url"

SERVERS = "servers"
"""A list with `name`, `id`, `address` and `private_address` of each server, the canary first."""

BASTION = "bastion"
"""`id` and `address` of the machine through which private servers are reached; None where they are public."""

KNOWN_HOSTS = "known_hosts"

INSTALLER = "installer"
"""The sha256 of the installer that the servers got."""

LOAD_BALANCER = "load_balancer"
BALANCER_NAME = "balancer_name"
TARGET_GROUPS = "target_groups"
"""By the slot's name."""

DATABASE = "database_id"

PLATFORM = "platform"
"""What a stage in another stack takes from this platform: see `components.outputs.PlatformOutputs`."""

APPLIED = "applied"
"""The fingerprint of the settings and of the program, see `settings.fingerprint`."""
