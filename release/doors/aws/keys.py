"""KMS: an environment's signing key, and the key that encrypts its Pulumi secrets."""

from typing import Any

from release.doors.aws.session import AwsSession, aws_call, is_not_found
from release.process.errors import Broken


class SigningKey:
    """The environment's ECC_NIST_P256 key, found by its alias. It signs here, in KMS; verifying needs no call."""

    def __init__(self, session: AwsSession, alias: str) -> None:
        self.alias = alias
        self._session = session
        self._public_key: bytes | None = None

    def sign(self, message: bytes) -> bytes:
        """The DER signature over ``message`` (4,096 bytes at most, the limit of KMS for MessageType RAW)."""
        with aws_call(f"sign with {self.alias}"):
            answer = self._session.client("kms").sign(
                KeyId=self.alias, Message=message, MessageType="RAW", SigningAlgorithm="ECDSA_SHA_256"
            )
        return bytes(answer["Signature"])

    def public_key(self) -> bytes:
        """The public half, DER; asked once."""
        if self._public_key is None:
            with aws_call(f"read the public key of {self.alias}"):
                self._public_key = bytes(self._session.client("kms").get_public_key(KeyId=self.alias)["PublicKey"])
        return self._public_key


class StateKeys:
    """The symmetric keys that encrypt what Pulumi keeps secret in its state."""

    def __init__(self, session: AwsSession) -> None:
        self._session = session

    def ensure(self, alias: str, tags: dict[str, str]) -> bool:
        """Make the key behind ``alias`` unless it is there; whether it was made."""
        if self.exists(alias):
            return False
        with aws_call(f"create the key {alias}"):
            key = self._client.create_key(
                Description="encrypts the secrets in the Pulumi state",
                Tags=[{"TagKey": name, "TagValue": value} for name, value in tags.items()],
            )["KeyMetadata"]["KeyId"]
            self._client.enable_key_rotation(KeyId=key)
            self._client.create_alias(AliasName=alias, TargetKeyId=key)
        return True

    def exists(self, alias: str) -> bool:
        """Whether there is a key behind ``alias``."""
        try:
            with aws_call(f"look for the key {alias}"):
                self._client.describe_key(KeyId=alias)
        except Broken as error:
            if is_not_found(error):
                return False
            raise
        return True

    @property
    def _client(self) -> Any:
        return self._session.client("kms")
