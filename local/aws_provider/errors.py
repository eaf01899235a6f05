"""What AWS answers when it refuses, as one line. Pure."""

from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

AwsError = (ClientError, BotoCoreError, ResponseParserError)
"""The last one: an answer that is none of AWS's, such as the page of a proxy."""


def error_code(error: Exception) -> str:
    """Give AWS's code of an error, or the name of the exception where AWS did not answer."""
    if isinstance(error, ClientError):
        return str(error.response.get("Error", {}).get("Code", "Unknown"))
    return type(error).__name__


def is_missing(error: Exception) -> bool:
    """Say whether AWS says that something does not exist; each service has a spelling of its own."""
    code = error_code(error)
    return code.startswith("NoSuch") or "NotFound" in code or code in ("404", "InvalidKeyId")


def one_line(error: Exception, token: str, name: str) -> str:
    """Tell what failed, why and for which resource."""
    message = error.response.get("Error", {}).get("Message", "") if isinstance(error, ClientError) else str(error)
    return f"{token} '{name}': {error_code(error)}: {' '.join(message.split())}"
