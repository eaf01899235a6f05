"""Secrets Manager: the keys of an environment, and the logins of its database."""

from typing import Any

from release.doors.aws.session import AwsSession, aws_call, aws_code, is_not_found
from release.process.errors import Broken


class Secrets:
    """Secrets by name. Values are never part of an error."""

    def __init__(self, session: AwsSession) -> None:
        self._session = session

    def read(self, name: str) -> str | None:
        """A secret's value; None when there is no such secret. Asked hastily: what goes back reads keys of servers."""
        try:
            with aws_call(f"read the secret {name}"):
                return str(self._session.hasty_client("secretsmanager").get_secret_value(SecretId=name)["SecretString"])
        except Broken as error:
            if is_not_found(error):
                return None
            raise

    def create_new(self, name: str, value: str, tags: dict[str, str]) -> bool:
        """Store a secret under a name that nobody has; False where somebody has it."""
        try:
            self.create(name, value, tags)
        except Broken as error:
            if aws_code(error) == "ResourceExistsException":
                return False
            raise
        return True

    def create(self, name: str, value: str, tags: dict[str, str]) -> None:
        """Store a new secret."""
        with aws_call(f"create the secret {name}"):
            self._client.create_secret(
                Name=name, SecretString=value, Tags=[{"Key": key, "Value": text} for key, text in tags.items()]
            )

    def write(self, name: str, value: str) -> None:
        """Give a secret another value; AWS keeps the one before as its previous version."""
        with aws_call(f"write the secret {name}"):
            self._client.put_secret_value(SecretId=name, SecretString=value)

    def remove(self, name: str) -> None:
        """Delete a secret for good, so that its name is free; one that is not there is deleted."""
        try:
            with aws_call(f"delete the secret {name}"):
                self._client.delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)
        except Broken as error:
            if not is_not_found(error):
                raise

    @property
    def _client(self) -> Any:
        return self._session.client("secretsmanager")
