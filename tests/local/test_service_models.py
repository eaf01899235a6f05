from local.service_models import new_session
from tests.there import there


def test_sessions_share_what_was_read_and_nothing_else() -> None:
    one, other = (new_session(aws_access_key_id=name, aws_secret_access_key=name) for name in ("one", "other"))
    assert [there(session.get_credentials()).access_key for session in (one, other)] == ["one", "other"]
    read = [session.client("sns", region_name="eu-central-1").meta.service_model.metadata for session in (one, other)]
    assert read[0] is read[1]
