"""ACM issues certificates that a browser here can check: they are signed by the cloud's own authority, at once."""

import functools
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

from moto.acm.models import AWS_ROOT_CA as MOTOS_ROOT
from moto.acm.models import AWSCertificateManagerBackend, CertificateNotFound, acm_backends

from local.certificates import Certificates, Pem
from local.hooks.parts import Function, Parts
from local.hooks.replacing import replace


def install_certificates(installed: ExitStack, parts: Parts) -> None:
    """Hook moto's ACM until `installed` is closed."""
    replace(installed, AWSCertificateManagerBackend, "request_certificate", _issuing(parts.certificates))


def _issuing(certificates: Certificates) -> Callable[[Function], Function]:
    def wrap(original: Function) -> Function:
        @functools.wraps(original)
        def request_certificate(backend: Any, *args: Any, **kwargs: Any) -> Any:
            known = set(backend._certificates)
            arn = original(backend, *args, **kwargs)
            if arn not in known:  # the same idempotency token gives the same certificate again
                _reissue(backend._certificates[arn], certificates)
            return arn

        return request_certificate

    return wrap


def _reissue(bundle: Any, certificates: Certificates) -> None:
    """Put a certificate by the local authority in place of moto's; nobody has to validate the domain here."""
    issued = certificates.issue([bundle.common_name, *sorted(bundle.sans)])
    bundle.cert, bundle.key, bundle.chain = issued.certificate, issued.key, certificates.authority
    bundle._key, bundle._cert = bundle.validate_pk(), bundle.validate_certificate()
    bundle.issuer_common_name = bundle._cert.issuer.rdns[0].rfc4514_string().removeprefix("CN=")
    bundle.status = "ISSUED"


def certificate_of(elbv2_backend: Any, arn: str) -> Pem | None:
    """What a load balancer serves for a certificate of ACM; None when there is no such certificate."""
    try:
        bundle = acm_backends[elbv2_backend.account_id][elbv2_backend.region_name].get_certificate(arn)
    except CertificateNotFound:
        return None
    chain = bundle.chain.replace(MOTOS_ROOT, b"")
    return Pem(certificate=bundle.cert.strip() + b"\n" + chain.strip() + b"\n", key=bundle.key)
