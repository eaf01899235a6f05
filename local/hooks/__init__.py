"""Where moto's models meet real things: instances are booted, load balancers listen, databases hold rows.

`install` assigns functions on moto's classes, so it holds for all accounts and regions; closing what it returns
takes them off again. Each hook runs moto's own code first (it checks the request) and then does the real thing; if
that fails, the API call fails with its words and moto forgets what it had made.

- `instances`, `load_balancers`, `databases`   what is real behind EC2, ELB and RDS
- `bucket_policies`, `copies`, `images`, `subnet_groups`, `transactions`   where moto itself is mended
- `parts`                                      the real things that hooks are given
- `replacing`                                  how a function of moto is replaced, and put back
"""

from contextlib import ExitStack

from local.hooks.bucket_policies import install_bucket_policies
from local.hooks.copies import install_copies
from local.hooks.databases import install_databases
from local.hooks.images import install_images
from local.hooks.instances import install_instances
from local.hooks.load_balancers import install_load_balancers
from local.hooks.parts import Parts
from local.hooks.subnet_groups import install_subnet_groups
from local.hooks.transactions import install_transactions


def install(parts: Parts) -> ExitStack:
    """Put all hooks on."""
    installed = ExitStack()
    install_transactions(installed)
    install_images(installed)
    install_bucket_policies(installed)
    install_copies(installed)
    install_subnet_groups(installed)
    install_instances(installed, parts)
    install_load_balancers(installed, parts)
    install_databases(installed, parts)
    return installed
