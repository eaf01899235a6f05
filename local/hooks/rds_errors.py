"""What goes wrong with a real database is the API call's error."""

from collections.abc import Iterator
from contextlib import contextmanager

from moto.rds.exceptions import RDSClientError

from local.errors import CloudError


@contextmanager
def as_rds_error() -> Iterator[None]:
    """Turn the cloud's errors into RDS's."""
    try:
        yield
    except CloudError as error:
        raise RDSClientError("InvalidParameterValue", str(error)) from error
