"""A certificate of ACM, on moto's AWS."""

import pytest

from release.doors.aws.certificates import Certificates
from release.doors.aws.session import AwsSession
from tests.release.world import shared_session


@pytest.fixture
def session(aws: None) -> AwsSession:
    return shared_session("123456789012", "eu-central-1")


def test_a_certificate_is_told_with_its_names(session: AwsSession) -> None:
    asked = session.client("acm").request_certificate(
        DomainName="app.example.com", SubjectAlternativeNames=["www.example.com"], ValidationMethod="DNS"
    )
    found = Certificates(session).find(asked["CertificateArn"])
    assert found is not None
    assert set(found.names) == {"app.example.com", "www.example.com"}
    assert found.status in ("PENDING_VALIDATION", "ISSUED")


def test_one_that_is_not_there_is_none(session: AwsSession) -> None:
    assert Certificates(session).find("arn:aws:acm:eu-central-1:123456789012:certificate/0") is None
