"""Where moto 5.2.5 forgets what AWS keeps, or lacks a call that changes it: all that a resource's entry relies on."""

from contextlib import ExitStack

from local.hooks.bucket_lifecycles import install_bucket_lifecycles
from local.hooks.database_settings import install_database_settings
from local.hooks.endpoint_settings import install_endpoint_settings
from local.hooks.identity_providers import install_identity_providers
from local.hooks.instance_settings import install_instance_settings
from local.hooks.key_rotations import install_key_rotations
from local.hooks.log_groups import install_log_groups
from local.hooks.security_group_rules import install_security_group_rules
from local.hooks.subnet_groups import install_subnet_groups


def install_mendings(installed: ExitStack) -> None:
    """Mend moto until ``installed`` is closed."""
    install_bucket_lifecycles(installed)
    install_database_settings(installed)
    install_endpoint_settings(installed)
    install_identity_providers(installed)
    install_instance_settings(installed)
    install_key_rotations(installed)
    install_log_groups(installed)
    install_security_group_rules(installed)
    install_subnet_groups(installed)
