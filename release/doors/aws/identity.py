"""IAM: GitHub's OIDC provider, of which an account has one for all its environments."""

from typing import Any

from release.doors.aws.session import AwsSession, aws_call, aws_code
from release.process.errors import Broken
from settings.permissions.identities import AUDIENCE, GITHUB, github_provider


class GithubProvider:
    """What lets workflows of GitHub Actions prove who they are. Other projects of the account may use it too."""

    def __init__(self, session: AwsSession) -> None:
        self._session = session
        self.arn = github_provider(session.account)

    def ensure(self) -> bool:
        """Make it unless it is there, and let it accept tokens for AWS; whether it was made."""
        audiences = self.audiences()
        if audiences is None:
            self._create()
        elif AUDIENCE not in audiences:
            with aws_call(f"let {self.arn} accept tokens for {AUDIENCE}"):
                self._client.add_client_id_to_open_id_connect_provider(
                    OpenIDConnectProviderArn=self.arn, ClientID=AUDIENCE
                )
        return audiences is None

    def audiences(self) -> list[str] | None:
        """For whom it accepts tokens; None where the account has no such provider."""
        try:
            with aws_call(f"look for {self.arn}"):
                found = self._client.get_open_id_connect_provider(OpenIDConnectProviderArn=self.arn)
        except Broken as error:
            if aws_code(error) == "NoSuchEntity":
                return None
            raise
        return list(found["ClientIDList"])

    def _create(self) -> None:
        """Without tags of an environment: it is of no single one. AWS knows GitHub's certificates by itself."""
        with aws_call(f"create {self.arn}"):
            self._client.create_open_id_connect_provider(
                Url=f"https://{GITHUB}", ClientIDList=[AUDIENCE], Tags=[{"Key": "managed-by", "Value": "stageline"}]
            )

    @property
    def _client(self) -> Any:
        return self._session.client("iam")
