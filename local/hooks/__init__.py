"""Where moto's models meet real things: instances are booted, load balancers listen, databases hold rows.

`install` assigns functions on moto's classes, so it holds for all accounts and regions; closing what it returns
takes them off again. Each hook runs moto's own code first (it checks the request) and then does the real thing; if
that fails, the API call fails with its words and moto forgets what it had made.

- `instances`, `load_balancers`, `certificates`, `databases`   what is real behind the API
- `database_states`                            what RDS says of a database, for faults
- `metrics`, `alarms`                          CloudWatch: figures that are right, alarms that tell and remember
- `bucket_policies`, `copies`, `images`, `listeners`, `multiparts`, `roles`, `transactions`   where moto is mended
- `service_models`                             what moto reads of AWS's APIs, once
- `mendings`                                   more of that: what moto forgets of a resource
- `parts`                                      the real things that hooks are given
- `replacing`                                  how a function of moto is replaced, and put back
"""

from contextlib import ExitStack

from local.hooks.alarms import install_alarms
from local.hooks.bucket_policies import install_bucket_policies
from local.hooks.certificates import install_certificates
from local.hooks.copies import install_copies
from local.hooks.databases import install_databases
from local.hooks.images import install_images
from local.hooks.instances import install_instances
from local.hooks.listeners import install_listeners
from local.hooks.load_balancers import install_load_balancers
from local.hooks.mendings import install_mendings
from local.hooks.metrics import install_metrics
from local.hooks.multiparts import install_multiparts
from local.hooks.parts import Parts
from local.hooks.roles import install_roles
from local.hooks.service_models import install_service_models
from local.hooks.transactions import install_transactions


def install(parts: Parts) -> ExitStack:
    """Put all hooks on."""
    installed = ExitStack()
    install_service_models(installed)
    install_transactions(installed)
    install_images(installed)
    install_bucket_policies(installed)
    install_copies(installed)
    install_multiparts(installed)
    install_mendings(installed)
    install_roles(installed)
    install_instances(installed, parts)
    install_certificates(installed, parts)
    install_load_balancers(installed, parts)
    install_listeners(installed)
    install_databases(installed, parts)
    install_metrics(installed)
    install_alarms(installed)
    return installed
