"""The aws command of servers: its command line, and its answers from an AWS API."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import boto3
import pytest
from moto.server import ThreadedMotoServer

from local.servers.aws_command import Clients, Place, WrongUsage, parsed, run

REGION = "eu-central-1"
ROLE = "arn:aws:iam::123456789012:role/server"
TRUST = json.dumps({"Version": "2012-10-17", "Statement": []})


def test_a_command_line_is_read_with_its_options_in_any_order() -> None:
    words = "--region r s3api get-object --key=k --bucket b FILE --output text --query ETag"
    line = parsed(words.split(), {})
    assert (line.service, line.parameters, line.file) == ("s3", {"Bucket": "b", "Key": "k"}, "FILE")
    assert (line.region, line.query, line.text) == ("r", "ETag", True)


def test_the_region_may_come_from_the_environment() -> None:
    assert parsed(["sts", "get-caller-identity"], {"AWS_REGION": "r"}).region == "r"


def test_decryption_is_a_flag_without_a_value() -> None:
    line = parsed(["ssm", "get-parameter", "--with-decryption", "--name", "n", "--region", "r"], {})
    assert line.parameters == {"Name": "n", "WithDecryption": True}


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ("s3 ls", "'s3 ls' is not known on a local server; known are secretsmanager get-secret-value"),
        ("", "is not known"),
        ("ssm get-parameter --region r", "required: --name"),
        ("s3api get-object --bucket b --key k --region r", "required: outfile"),
        ("ssm get-parameter --name n --profile p --region r", "Unknown options: --profile"),
        ("ssm get-parameter --name n extra --region r", "Unknown options: extra"),
        ("ssm get-parameter --name n --output table --region r", "--output on a local server is json or text"),
        ("ssm get-parameter --region r --name", "argument --name: expected one argument"),
        ("ssm get-parameter --name n", "You must specify a region"),
    ],
)
def test_a_command_line_that_is_not_known_is_refused(words: str, why: str) -> None:
    with pytest.raises(WrongUsage, match=why):
        parsed(words.split(), {})


@pytest.fixture
def endpoint(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "local")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "local")
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    url = f"http://{host}:{port}"
    urlopen(Request(f"{url}/moto-api/reset", method="POST")).close()
    aws(url, "iam").create_role(RoleName="server", AssumeRolePolicyDocument=TRUST)
    yield url
    server.stop()


def aws(endpoint: str, service: str) -> Any:
    make: Any = boto3.client
    return make(service, region_name=REGION, endpoint_url=endpoint)


def ask(endpoint: str, words: str, folder: Path, role: str | None = ROLE) -> tuple[int, str, str]:
    return run(Clients(endpoint), role, [*words.split(), "--region", REGION], {}, Place(folder=folder))


@pytest.mark.enable_socket
def test_the_calls_that_servers_make_are_answered_like_the_real_command(endpoint: str, tmp_path: Path) -> None:
    aws(endpoint, "secretsmanager").create_secret(Name="key", SecretString='{"a": 1}')
    aws(endpoint, "ssm").put_parameter(Name="/p", Value="value", Type="String")
    secret = "secretsmanager get-secret-value --secret-id key --query SecretString --output text"
    parameter = "ssm get-parameter --name /p --query Parameter.Value --output text"
    identity = "sts get-caller-identity --query Arn --output text"
    assert ask(endpoint, secret, tmp_path) == (0, '{"a": 1}\n', "")
    assert ask(endpoint, parameter, tmp_path) == (0, "value\n", "")
    assert ask(endpoint, identity, tmp_path) == (0, "arn:aws:sts::123456789012:assumed-role/server/server\n", "")


@pytest.mark.enable_socket
def test_a_server_learns_the_health_of_targets(endpoint: str, tmp_path: Path) -> None:
    vpc = aws(endpoint, "ec2").create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    made = aws(endpoint, "elbv2").create_target_group(Name="blue", Protocol="HTTP", Port=8081, VpcId=vpc)
    arn = made["TargetGroups"][0]["TargetGroupArn"]
    code, stdout, _ = ask(endpoint, f"elbv2 describe-target-health --target-group-arn {arn}", tmp_path)
    assert (code, json.loads(stdout)["TargetHealthDescriptions"]) == (0, [])


@pytest.mark.enable_socket
def test_an_object_is_saved_where_the_command_was_called(endpoint: str, tmp_path: Path) -> None:
    s3 = aws(endpoint, "s3")
    s3.create_bucket(Bucket="bucket", CreateBucketConfiguration={"LocationConstraint": REGION})
    s3.put_object(Bucket="bucket", Key="k", Body=b"content")
    code, stdout, _ = ask(endpoint, "s3api get-object --bucket bucket --key k FILE", tmp_path)
    assert (code, json.loads(stdout)["ContentLength"]) == (0, 7)
    assert (tmp_path / "FILE").read_bytes() == b"content"


@pytest.mark.enable_socket
def test_what_aws_refuses_is_said_on_stderr_with_code_254(endpoint: str, tmp_path: Path) -> None:
    code, stdout, stderr = ask(endpoint, "ssm get-parameter --name /none", tmp_path)
    assert (code, stdout) == (254, "")
    assert stderr.startswith("\nAn error occurred (ParameterNotFound) when calling the GetParameter operation:")


@pytest.mark.enable_socket
def test_a_server_without_a_role_has_no_credentials(endpoint: str, tmp_path: Path) -> None:
    code, _, stderr = ask(endpoint, "sts get-caller-identity", tmp_path, role=None)
    assert code == 253
    assert "Unable to locate credentials" in stderr


@pytest.mark.enable_socket
def test_an_aws_that_does_not_answer_is_code_255(
    endpoint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, _, stderr = ask("http://127.0.0.1:1", "sts get-caller-identity", tmp_path)
    assert code == 255
    assert "Could not connect to the endpoint URL" in stderr


def test_a_wrong_command_line_is_code_252(tmp_path: Path) -> None:
    assert ask("http://127.0.0.1:1", "s3 ls", tmp_path)[0] == 252
