"""The door to AWS: every call that ``release`` makes, one small class per service, errors translated here.

``session`` opens an environment's account (with its role, where it names one) and turns botocore's errors into one
line each; ``table`` is the ledger's DynamoDB table, ``bucket`` S3, ``keys`` KMS, ``secrets`` Secrets Manager,
``databases`` RDS snapshots, ``balancer`` what the load balancer says of its targets.
"""
