"""ACM: what a certificate is for, and whether it was issued."""

from dataclasses import dataclass
from datetime import datetime

from release.doors.aws.session import AwsSession, aws_call, is_not_found
from release.process.errors import Broken


@dataclass(frozen=True, kw_only=True)
class Certificate:
    """A certificate: its status in ACM's words, the names that it is for, and when it ends (UTC), once issued."""

    status: str
    names: tuple[str, ...]
    ends: datetime | None


class Certificates:
    """The certificates of one account and region."""

    def __init__(self, session: AwsSession) -> None:
        self._session = session

    def find(self, arn: str) -> Certificate | None:
        """The certificate; None where there is none of that ARN."""
        try:
            with aws_call("look for the certificate"):
                found = self._session.client("acm").describe_certificate(CertificateArn=arn)["Certificate"]
        except Broken as error:
            if is_not_found(error):
                return None
            raise
        names = (found["DomainName"], *found.get("SubjectAlternativeNames", ()))
        return Certificate(status=found["Status"], names=tuple(dict.fromkeys(names)), ends=found.get("NotAfter"))
