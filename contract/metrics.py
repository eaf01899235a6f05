"""What CloudWatch calls the figures that alarms, the dashboard and the watch of a release look at."""

from types import MappingProxyType

BALANCERS = "AWS/ApplicationELB"
SERVERS = "AWS/EC2"
AGENT = "CWAgent"  # the CloudWatch agent's own, where nothing else is said
DATABASES = "AWS/RDS"

BALANCER = "LoadBalancer"
GROUP = "TargetGroup"
SERVER = "InstanceId"
DATABASE = "DBInstanceIdentifier"
"""Dimensions: what a figure is of."""

REQUESTS = "RequestCount"
ERRORS = "HTTPCode_Target_5XX_Count"
ANSWER_TIME = "TargetResponseTime"  # in seconds

OWN_ANSWERS = MappingProxyType({code: f"HTTPCode_ELB_{code}_Count" for code in (502, 503, 504)})
"""What the balancer answers by itself: a server breaks the connection off or refuses it (502), none is there (503), one
hangs (504). It counts them for all of its listeners together, so not by target group.
"""

CPU = "CPUUtilization"  # of servers and of databases
MEMORY = "mem_used_percent"
DISK = "disk_used_percent"
CONNECTIONS = "DatabaseConnections"
STORAGE = "FreeStorageSpace"  # in bytes

MINUTE = 60
CPU_PERIOD = 300
"""Seconds between two figures of a server's CPU without detailed monitoring; all others are told once a minute."""
