"""The local cloud's load balancers: each ALB is a real HTTP forwarder on an address of its own and the real ports.

    balancers.py   `Balancers`: start, add, refresh, remove, health, metrics, status, close; what the cloud calls
    balancer.py    one load balancer: its ports, and what happens to a request
    ports.py       a listening port
    tls.py         which certificate is shown on a connection
    routing.py     what a listener does with a request (pure)
    answers.py     what a load balancer answers by itself
    forwarding.py  a request to a target, and its answer back
    targets.py     where every target stands: checked, draining, how many requests are open (pure)
    health.py      what a target's checks make of it (pure)
    checks.py      the checks themselves
    passage.py     what happened to one request
    tally.py       counts passages; `counts.py` is what metrics are given
    access_log.py  lines and files of the access log
    doors.py       what is needed of the rest of the cloud

Everything is read from moto's models at each request, so that a change takes effect with the next one, and a cloud
that was kept needs nothing but its models. All runs on one event loop in a thread.
"""

from local.balancers.balancers import Balancers
from local.balancers.doors import Doors

__all__ = ["Balancers", "Doors"]
