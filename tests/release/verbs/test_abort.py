"""`release abort`: what it says when a deployment was put back."""

from release.verbs.abort import abort_text


def test_abort_says_what_users_see_and_what_could_not_be_done() -> None:
    report = {"environment": "dev", "deployment": "dev-1", "version": "1.1.0", "users": "users are on 1.0.0"}
    assert abort_text({**report, "not_done": ["slot green may hold something else"]}).splitlines() == [
        "deployment dev-1 of 1.1.0 was put back in dev; users are on 1.0.0",
        "not done: slot green may hold something else",
    ]
