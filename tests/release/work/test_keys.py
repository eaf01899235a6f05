"""Keys: made once, and the bastion's only where there is one."""

import json

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_ssh_private_key

from release.doors.aws.secrets import Secrets
from release.doors.servers.keys import bastion_public_key
from release.process.errors import Broken
from release.work import keys
from settings.model import Bastion, Settings
from settings.stackfile import load
from tests.project import PROJECT
from tests.release.world import shared_session

PUBLIC = load(PROJECT, "dev")
BASTION = Bastion(instance_type="t3.micro", ami="ami-0123456789abcdef0")
SERVERS = PUBLIC.servers.model_copy(update={"public": False, "bastion": BASTION})
PRIVATE = PUBLIC.model_copy(update={"servers": SERVERS})

KEYS = ["stageline/dev/deploy-key", "stageline/dev/host-key", "stageline/dev/authorized-keys"]


def make_keys(settings: Settings, secrets: Secrets) -> dict[str, bool]:
    return keys.make_keys(settings.names, settings.tags, secrets, bastion=settings.servers.bastion is not None)


@pytest.fixture
def secrets(aws: None) -> Secrets:
    return Secrets(shared_session(PUBLIC.account, PUBLIC.region))


@pytest.mark.parametrize(
    ("settings", "names"),
    [
        pytest.param(PUBLIC, KEYS, id="public"),
        pytest.param(PRIVATE, [*KEYS, "stageline/dev/bastion-host-key"], id="private"),
    ],
)
def test_keys_are_made_once(secrets: Secrets, settings: Settings, names: list[str]) -> None:
    assert make_keys(settings, secrets) == dict.fromkeys(names, True)
    made = [secrets.read(name) for name in names]
    assert make_keys(settings, secrets) == dict.fromkeys(names, False)
    assert [secrets.read(name) for name in names] == made


def test_servers_that_become_private_get_a_bastions_key_and_keep_their_own(secrets: Secrets) -> None:
    make_keys(PUBLIC, secrets)
    before = secrets.read(PUBLIC.names.host_key)
    assert make_keys(PRIVATE, secrets)["stageline/dev/bastion-host-key"]
    assert secrets.read(PUBLIC.names.host_key) == before


def test_a_bastion_shows_the_public_half_of_its_own_key(secrets: Secrets) -> None:
    make_keys(PRIVATE, secrets)
    pair = json.loads(secrets.read(PRIVATE.names.bastion_host_key) or "")
    key = load_ssh_private_key(pair["private"].encode(), None).public_key()
    public = key.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
    assert bastion_public_key(secrets, PRIVATE) == f"{public} stageline/dev/bastion-host-key"
    assert public not in (secrets.read(PRIVATE.names.host_key) or "")


def test_public_servers_need_no_bastions_key(secrets: Secrets) -> None:
    assert bastion_public_key(secrets, PUBLIC) is None


def test_a_missing_bastions_key_is_named_with_what_makes_it(secrets: Secrets) -> None:
    make_keys(PUBLIC, secrets)
    with pytest.raises(Broken, match="the secret stageline/dev/bastion-host-key is missing") as caught:
        bastion_public_key(secrets, PRIVATE)
    assert "release init dev" in str(caught.value)
