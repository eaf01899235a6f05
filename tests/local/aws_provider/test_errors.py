"""AWS's errors as one line."""

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from local.aws_provider.errors import is_missing, one_line


def refusal(code: str, message: str = "no") -> ClientError:
    """Make an error of AWS."""
    return ClientError({"Error": {"Code": code, "Message": message}}, "Operation")


@pytest.mark.parametrize(
    "code",
    ["NoSuchBucket", "NoSuchEntity", "InvalidVpcID.NotFound", "DBInstanceNotFound", "404", "ParameterNotFound"],
)
def test_each_spelling_of_missing_is_understood(code: str) -> None:
    assert is_missing(refusal(code))


@pytest.mark.parametrize("code", ["AccessDenied", "DependencyViolation", "403"])
def test_other_refusals_are_not_taken_for_missing(code: str) -> None:
    assert not is_missing(refusal(code))


def test_an_error_is_told_in_one_line_with_type_name_code_and_message() -> None:
    assert (
        one_line(refusal("AccessDenied", "you may\nnot"), "aws:x:X", "web")
        == "aws:x:X 'web': AccessDenied: you may not"
    )


def test_an_unreachable_endpoint_is_told_in_one_line() -> None:
    error = EndpointConnectionError(endpoint_url="http://127.0.0.1:1")
    assert one_line(error, "aws:x:X", "web").startswith("aws:x:X 'web': EndpointConnectionError: Could not connect")
