"""Load balancers, and what they send where."""

from tests.e2e.aws_provider_cases.case import CERTIFICATES, RETAGGED, TAGS, Case

ONE, ANOTHER = CERTIFICATES

BALANCING = {
    "balancer": Case(
        type="aws:lb/loadBalancer:LoadBalancer",
        inputs={
            "subnets": ["${subnet.id}", "${subnet-b.id}"],
            "securityGroups": ["${group.id}"],
            "internal": False,
            "dropInvalidHeaderFields": True,
            "tags": TAGS,
        },
        update={
            "securityGroups": ["${inline-group.id}"],
            "subnets": ["${subnet.id}", "${subnet-b.id}", "${subnet-c.id}"],
            "idleTimeout": 30,
            "clientKeepAlive": 600,
            "dropInvalidHeaderFields": False,
            "enableHttp2": False,
            "desyncMitigationMode": "strictest",
            "preserveHostHeader": True,
            "enableXffClientPort": True,
            "xffHeaderProcessingMode": "remove",
            "enableTlsVersionAndCipherSuiteHeaders": True,
            "accessLogs": {"bucket": "${plain-bucket.bucket}", "prefix": "case", "enabled": True},
            "tags": RETAGGED,
        },
        replacement={"internal": True},
        drift=lambda clients, balancer: clients("elbv2").modify_load_balancer_attributes(
            LoadBalancerArn=balancer["id"], Attributes=[{"Key": "idle_timeout.timeout_seconds", "Value": "99"}]
        ),
        reads=("arn", "arnSuffix", "dnsName", "zoneId"),
    ),
    "targets": Case(
        type="aws:lb/targetGroup:TargetGroup",
        inputs={
            "port": 8081,
            "protocol": "HTTP",
            "vpcId": "${vpc.id}",
            "targetType": "instance",
            "deregistrationDelay": 5,
            "healthCheck": {
                "path": "/health",
                "interval": 10,
                "timeout": 5,
                "healthyThreshold": 2,
                "unhealthyThreshold": 2,
                "matcher": "200",
            },
            "tags": TAGS,
        },
        update={
            "deregistrationDelay": 6,
            "slowStart": 30,
            "loadBalancingAlgorithmType": "least_outstanding_requests",
            "healthCheck": {"path": "/ready", "interval": 11},
            "stickiness": {"type": "lb_cookie", "cookieDuration": 60},
            "tags": RETAGGED,
        },
        replacement={"port": 8082},
        drift=lambda clients, targets: clients("elbv2").modify_target_group(
            TargetGroupArn=targets["id"], HealthCheckPath="/by-hand"
        ),
        reads=("arn", "arnSuffix"),
    ),
    "other-targets": Case(
        type="aws:lb/targetGroup:TargetGroup",
        inputs={
            "port": 80,
            "protocol": "HTTP",
            "protocolVersion": "HTTP2",
            "vpcId": "${vpc.id}",
            "stickiness": {"type": "app_cookie", "cookieName": "case", "cookieDuration": 60},
        },
        update={"stickiness": {"type": "lb_cookie", "enabled": False}},
    ),
    "attachment": Case(
        type="aws:lb/targetGroupAttachment:TargetGroupAttachment",
        inputs={"targetGroupArn": "${targets.arn}", "targetId": "${server.id}", "port": 8081},
        replacement={"port": 8082},
        drift=lambda clients, attachment: clients("elbv2").deregister_targets(
            TargetGroupArn=attachment["targetGroupArn"], Targets=[{"Id": attachment["targetId"]}]
        ),
    ),
    "listener": Case(
        type="aws:lb/listener:Listener",
        inputs={
            "loadBalancerArn": "${balancer.arn}",
            "port": 8080,
            "protocol": "HTTP",
            "defaultActions": [
                {
                    "type": "fixed-response",
                    "fixedResponse": {"contentType": "text/plain", "messageBody": "nothing", "statusCode": "503"},
                }
            ],
            "tags": TAGS,
        },
        update={"defaultActions": [{"type": "forward", "targetGroupArn": "${targets.arn}"}], "tags": RETAGGED},
        replacement={"loadBalancerArn": "${other-balancer.arn}"},
        drift=lambda clients, listener: clients("elbv2").modify_listener(
            ListenerArn=listener["id"],
            DefaultActions=[{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404"}}],
        ),
        reads=("arn",),
    ),
    "other-balancer": Case(
        type="aws:lb/loadBalancer:LoadBalancer",
        inputs={
            "subnets": ["${subnet.id}", "${subnet-b.id}"],
            "accessLogs": {"bucket": "${plain-bucket.bucket}", "prefix": "case", "enabled": True},
            "enableDeletionProtection": True,
            "loadBalancerType": "application",
            "ipAddressType": "ipv4",
        },
        update={"accessLogs": {"bucket": "${plain-bucket.bucket}"}, "enableDeletionProtection": False},
    ),
    "logging-balancer": Case(
        type="aws:lb/loadBalancer:LoadBalancer",
        inputs={
            "subnets": ["${subnet.id}", "${subnet-b.id}"],
            "accessLogs": {"bucket": "${plain-bucket.bucket}", "enabled": True},
        },
        update={"accessLogs": None},
    ),
    "secured-listener": Case(
        type="aws:lb/listener:Listener",
        inputs={
            "loadBalancerArn": "${balancer.arn}",
            "port": 8444,
            "protocol": "HTTP",
            "defaultActions": [{"type": "forward", "targetGroupArn": "${targets.arn}"}],
        },
        update={"protocol": "HTTPS", "certificateArn": ANOTHER},
    ),
    "tls-listener": Case(
        type="aws:lb/listener:Listener",
        inputs={
            "loadBalancerArn": "${balancer.arn}",
            "port": 8443,
            "protocol": "HTTPS",
            "sslPolicy": "ELBSecurityPolicy-TLS13-1-2-2021-06",
            "certificateArn": ONE,
            "defaultActions": [
                {
                    "type": "forward",
                    "forward": {
                        "targetGroups": [
                            {"arn": "${targets.arn}", "weight": 1},
                            {"arn": "${other-targets.arn}", "weight": 0},
                        ],
                        "stickiness": {"enabled": True, "duration": 60},
                    },
                }
            ],
        },
        update={
            "sslPolicy": "ELBSecurityPolicy-TLS13-1-3-2021-06",
            "certificateArn": ANOTHER,
            "defaultActions": [{"type": "forward", "targetGroupArn": "${targets.arn}"}],
        },
    ),
    "redirect": Case(
        type="aws:lb/listener:Listener",
        inputs={
            "loadBalancerArn": "${balancer.arn}",
            "port": 8000,
            "defaultActions": [
                {"type": "redirect", "redirect": {"protocol": "HTTPS", "port": "8443", "statusCode": "HTTP_301"}}
            ],
        },
        update={
            "port": 8001,
            "defaultActions": [
                {
                    "type": "redirect",
                    "redirect": {
                        "protocol": "HTTPS",
                        "port": "443",
                        "host": "example.com",
                        "path": "/case",
                        "query": "from=#{query}",
                        "statusCode": "HTTP_302",
                    },
                }
            ],
        },
    ),
}
