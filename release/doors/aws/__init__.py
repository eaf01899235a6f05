"""The door to AWS: every call that ``release`` makes, one small class per service, errors translated here.

``session`` opens an environment's account (with its role, where it names one) and turns botocore's errors into one
line each.

- ``table``, ``bucket``, ``multipart``, ``parts``         the ledger's DynamoDB table; S3, in parts where it must be
- ``keys``, ``secrets``, ``parameters``, ``state_bucket`` KMS, Secrets Manager, SSM, and where Pulumi keeps its state
- ``databases``, ``metrics``                              RDS snapshots; CloudWatch
- ``listeners``, ``balancer``                             where users are led; which servers take part, and their health
- ``instances``, ``firewall``, ``identity``               EC2; rules that the stack does not know; GitHub's provider
"""
