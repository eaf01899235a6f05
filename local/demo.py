"""``make demo``: the main job on this machine, told as a story in which every sentence is proved.

Four environments come up, one artifact goes from dev to prod, a bad one is stopped twice, prod goes back, and a
branch is shown on dev until nothing of it is left. Each sentence is checked over HTTP or through the AWS API; the first
one that is not true ends the demo with exit code 1. ``KEEP=1`` leaves the cloud running.
"""

import json
import os
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import click

from contract.slots import idle
from examples.build import build, pack
from local.access import read_access
from local.clients import cloud_client
from local.control import NotRunning, ask
from local.errors import CloudError
from local.paths import CODE, Paths, find_project
from local.story import NotTrue, Story, eventually
from local.traffic import Traffic
from local.workspace import environment as cloud_environment
from settings.errors import InvalidSettings
from settings.stackfile import environments, load

ENVIRONMENTS = ("dev", "qa", "staging", "prod")
SERVERS = 2
BRANCH = "feature-demo/map"
TIMES = ("made", "renewed", "expires")  # of a demo
T = TypeVar("T")
AT_ONCE = 2  # environments that come up side by side: as many as the smallest machine has cores


@dataclass(frozen=True)
class Cloud:
    """The running local cloud as a user's shell sees it: its environment variables, and commands run in it."""

    paths: Paths
    variables: Mapping[str, str]

    def run(self, *command: str) -> "subprocess.CompletedProcess[str]":
        """Run a command in that shell, and show it; its output is kept for who asks."""
        click.secho(f"  $ {' '.join(command)}", dim=True)
        return subprocess.run(
            command, cwd=self.paths.project, env=dict(self.variables), capture_output=True, text=True, check=False
        )

    def must(self, *command: str) -> str:
        """Run a command that has to end well; its standard output."""
        done = self.run(*command)
        if done.returncode != 0:
            said = (done.stderr + done.stdout).strip().splitlines()
            raise NotTrue(f"{' '.join(command)} ended with {done.returncode}: {' / '.join(said[-8:])}")
        return done.stdout

    def client(self, service: str) -> Any:
        """A boto3 client of this cloud."""
        return cloud_client(
            service,
            url=self.variables["AWS_ENDPOINT_URL"],
            region=self.variables["AWS_REGION"],
            key=self.variables["AWS_ACCESS_KEY_ID"],
            secret=self.variables["AWS_SECRET_ACCESS_KEY"],
        )

    def status(self) -> dict[str, Any]:
        """What ``release status`` says, by environment."""
        report = json.loads(self.must("release", "status", "--json"))
        return {entry["environment"]: entry for entry in report["environments"]}

    @cached_property
    def urls(self) -> dict[str, str]:
        """The live URL of each environment."""
        stacks = (self.must("pulumi", "stack", "output", "live_url", "--stack", name) for name in ENVIRONMENTS)
        return dict(zip(ENVIRONMENTS, (url.strip() for url in stacks), strict=True))


def main() -> None:
    """Tell the story, from a cloud that comes up to one that is gone."""
    try:
        tell(Story())
    except (NotTrue, CloudError, InvalidSettings) as error:
        click.secho(f"demo: {error}", fg="red", err=True)
        sys.exit(1)


def tell(story: Story) -> None:
    """The chapters, in order."""
    paths = Paths(project=find_project(os.environ, Path.cwd()))
    refuse_other(paths.project)
    refuse_running(paths)
    try:
        with tempfile.TemporaryDirectory(prefix="stageline-demo-") as folder:
            with story.chapter("The local cloud starts"):
                cloud = start(paths, Path(folder))
            chapters(story, cloud, Path(folder))
            ending(story, cloud)
    finally:
        if not os.environ.get("KEEP"):
            local_cloud("down")


def chapters(story: Story, cloud: Cloud, folder: Path) -> None:
    """What happens between the start and the end."""
    with story.chapter("Four environments come up"):
        environments_come_up(story, cloud)
    with story.chapter("1.0.0 is published and goes from dev to prod"):
        first_release(story, cloud, folder)
    with story.chapter("People work with it"):
        rows = people_work(story, cloud)
    with story.chapter("1.1.0 follows, with a backup before every deployment"):
        second_release(story, cloud, folder, rows)
    with story.chapter("1.2.0 does not become healthy and is stopped before the switch"):
        unhealthy_release(story, cloud, folder)
    with story.chapter("1.3.0 looks healthy, fails its smoke checks, and never goes live"):
        broken_release(story, cloud, folder)
    with story.chapter("prod's database breaks; prod goes back to 1.0.0 all the same, and the data stays"):
        way_back(story, cloud, rows)
    with story.chapter("A plain pulumi up changes nothing"):
        plain_up(story, cloud)
    with story.chapter("A listener deleted by hand is repaired"):
        repair(story, cloud)
    with story.chapter("A branch is shown on dev for three days, and nothing of it stays"):
        feature_demo(story, cloud, folder)


def environments_come_up(story: Story, cloud: Cloud) -> None:
    """`release init` and `pulumi up`, side by side; nothing is live yet."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(lambda name: bring_up(cloud, name), ENVIRONMENTS))
    servers = cloud.client("ec2").describe_instances(Filters=[{"Name": "instance-state-name", "Values": ["running"]}])
    story.say(
        f"AWS runs {SERVERS} servers in each of the four environments",
        sum(len(entry["Instances"]) for entry in servers["Reservations"]),
        SERVERS * len(ENVIRONMENTS),
    )
    for name in ENVIRONMENTS:
        story.say(f"{name} is at {cloud.urls[name]}, where nothing is live yet (503)", status_of(cloud.urls[name]), 503)


def bring_up(cloud: Cloud, name: str) -> None:
    """One environment, as ops would."""
    cloud.must("release", "init", name)
    cloud.must("pulumi", "up", "--stack", name, "--yes", "--skip-preview", "--non-interactive")


def first_release(story: Story, cloud: Cloud, folder: Path) -> None:
    """The artifact is built once, and every environment runs those very bytes."""
    artifact = publish(cloud, folder, "1.0.0")
    again = json.loads(cloud.must("release", "publish", str(artifact), "--version", "1.0.0", "--json"))
    story.say("publishing the same bytes again is nothing to do", again["new"], False)
    carry(story, cloud, "1.0.0")
    digests = {entry["live"]["digest"] for entry in cloud.status().values()}
    story.say("all four run the same artifact, by its sha256", digests, {again["release"]["digest"]})


def people_work(story: Story, cloud: Cloud) -> list[str]:
    """Rows are written through prod's live URL; their names."""
    url = cloud.urls["prod"]
    for name in ("Orchard survey", "River mapping"):
        story.say(f"prod takes the project {name!r}", post(f"{url}/api/projects", {"name": name}), 201)
    rows = ["Orchard survey", "River mapping"]
    story.say("prod lists both projects from its database", project_names(url), rows)
    return rows


def second_release(story: Story, cloud: Cloud, folder: Path, rows: list[str]) -> None:
    """A release with a wider schema goes the same way, under traffic."""
    publish(cloud, folder, "1.1.0")
    before = snapshots(cloud)
    with Traffic(f"{cloud.urls['prod']}/health") as traffic:
        carry(story, cloud, "1.1.0")
    story.say("each of the four deployments took a database snapshot first", len(snapshots(cloud) - before), 4)
    story.say(f"prod answered every one of {traffic.sent} requests during that time", traffic.failed, [])
    story.say("first with the old release, then with the new one", traffic.versions, ["1.0.0", "1.1.0"])
    story.say("the rows are still there", project_names(cloud.urls["prod"]), rows)


def unhealthy_release(story: Story, cloud: Cloud, folder: Path) -> None:
    """`/health` answers 500: the installer on the first server finds out."""
    stopped(story, cloud, folder, "1.2.0", "1.2.0 in blue keeps answering 500")


def broken_release(story: Story, cloud: Cloud, folder: Path) -> None:
    """Healthy by its own word, but the smoke checks through the preview listener say otherwise."""
    stopped(story, cloud, folder, "1.3.0", "1.3.0 failed its smoke checks")


def stopped(story: Story, cloud: Cloud, folder: Path, version: str, reason: str) -> None:
    """A bad release is promoted to dev, and users never see it."""
    publish(cloud, folder, version)
    with Traffic(f"{cloud.urls['dev']}/health") as traffic:
        done = cloud.run("release", "promote", version, "--to", "dev")
    story.say(f"promoting {version} fails (exit code 1)", done.returncode, 1)
    last = done.stderr.strip().splitlines()[-1]
    story.say(f"its error says why in one line: {reason}", reason in last)
    story.say(f"dev answered every one of {traffic.sent} requests with 1.1.0", traffic.versions, ["1.1.0"])
    story.say("and dropped none", traffic.failed, [])
    entry = cloud.status()["dev"]
    story.say(
        "1.1.0 is still live, and no deployment is open", (entry["live"]["release"], entry["open"]), ("1.1.0", None)
    )
    story.say("the idle slot holds what it held before", entry[idle(entry["declared"])]["release"], "1.0.0")


def way_back(story: Story, cloud: Cloud, rows: list[str]) -> None:
    """The old release still runs in the other slot: going back is one listener, and asks no database."""
    url, slots = cloud.urls["prod"], slots_of(cloud.status()["prod"])
    database = cloud.must("pulumi", "stack", "output", "database_id", "--stack", "prod").strip()
    cloud.must("local-cloud", "fault", "break", database)
    story.say("without its database prod lists no projects", project_names(url), None)
    with Traffic(f"{url}/health") as traffic:
        cloud.must("release", "rollback", "prod")
    story.say("prod is on 1.0.0 again", version_at(url), "1.0.0")
    story.say(f"every one of {traffic.sent} requests was answered meanwhile", traffic.failed, [])
    story.say("first by 1.1.0, then by 1.0.0", traffic.versions, ["1.1.0", "1.0.0"])
    story.say("only the listener moved: no slot was installed again", slots_of(cloud.status()["prod"]), slots)
    cloud.must("local-cloud", "fault", "clear")
    story.say("when the database is back, the rows are there", eventually(lambda: project_names(url), rows), rows)


def plain_up(story: Story, cloud: Cloud) -> None:
    """Ops run `pulumi up` at any time: it lands where the ledger says."""
    done = cloud.run("pulumi", "up", "--stack", "prod", "--yes", "--skip-preview", "--expect-no-changes")
    story.say("pulumi up of prod has nothing to change", done.returncode, 0)
    story.say("prod is still on 1.0.0", version_at(cloud.urls["prod"]), "1.0.0")


def repair(story: Story, cloud: Cloud) -> None:
    """Somebody deletes the live listener in AWS; `pulumi up --refresh` brings it back."""
    url, balancers = cloud.urls["prod"], cloud.client("elbv2")
    balancers.delete_listener(ListenerArn=live_listener(cloud, balancers))
    story.say("without its live listener prod does not answer", eventually(lambda: status_of(url), 0), 0)
    cloud.must("pulumi", "up", "--stack", "prod", "--yes", "--skip-preview", "--refresh", "--non-interactive")
    story.say("after pulumi up --refresh prod is on 1.0.0 again", eventually(lambda: version_at(url), "1.0.0"), "1.0.0")


def feature_demo(story: Story, cloud: Cloud, folder: Path) -> None:
    """A demo by one command; its time passes, AWS keeps its server at first, and in the end nothing is left of it."""
    prod = known_of(cloud, "prod")
    made = show(cloud, page(folder, "The map to come"))
    story.say(f"{BRANCH} is at {made['url']}", text_at(made["url"]), "The map to come")
    story.say("it is in the list, with what it costs", [one["branch"] for one in listed(cloud)], [BRANCH])
    show(cloud, page(folder, "The map, revised"))
    story.say("the same command shows what has changed since", text_at(made["url"]), "The map, revised")
    pass_days(cloud, made["stack"], 4)
    keep_server(cloud, made["creation"], kept=True)
    story.say("four days later AWS keeps its server: reaping fails (exit code 1)", reap(cloud), 1)
    story.say("and the list says why", ["disableApiTermination" in one["why"] for one in listed(cloud)], [True])
    keep_server(cloud, made["creation"], kept=False)
    story.say("that is mended, and the next reaping takes it down", reap(cloud), 0)
    story.say("the list is empty", listed(cloud), [])
    story.say("and no server, firewall, role or secret of it is left", left_of(cloud, made["creation"]), [])
    story.say("prod's state and its history are what they were", known_of(cloud, "prod"), prod)


def ending(story: Story, cloud: Cloud) -> None:
    """Where everything is, and how long it took."""
    click.secho("\nWhere everything is", bold=True)
    click.echo(cloud.must("release", "status"))
    click.secho("How long it took", bold=True)
    click.echo(story.times())
    click.secho(f"\n{story.proved} sentences, all true.", bold=True)
    if os.environ.get("KEEP"):
        click.echo(keep_text(cloud))


def keep_text(cloud: Cloud) -> str:
    """What to try while the cloud is left running."""
    urls = "\n".join(f"  {name:<8} {url}" for name, url in cloud.urls.items())
    return f"""
The cloud is still running (KEEP=1). The application:
{urls}

To try:
  . .venv/bin/activate && eval "$(local-cloud env)"
  release history prod
  release show 1.1.0
  release promote 1.1.0 --to prod
  pulumi preview --stack prod
  local-cloud status
  local-cloud down"""


def publish(cloud: Cloud, folder: Path, version: str) -> Path:
    """Build a version of the example and publish it."""
    (artifact,) = build(folder, [version])
    cloud.must("release", "publish", str(artifact), "--version", version)
    return artifact


def carry(story: Story, cloud: Cloud, version: str) -> None:
    """Promote a release through all environments in order."""
    for source, target in zip((None, *ENVIRONMENTS), ENVIRONMENTS, strict=False):
        origin = ("--from", source) if source else ()
        cloud.must("release", "promote", version, *origin, "--to", target)
        story.say(f"{target} answers with {version}", version_at(cloud.urls[target]), version)


def show(cloud: Cloud, artifact: Path) -> dict[str, Any]:
    """`release demo up`, open to whoever reaches it; what it says of the demo."""
    said = cloud.must("release", "demo", "up", BRANCH, "--artifact", str(artifact), "--open-to", "world", "--json")
    found: dict[str, Any] = json.loads(said)["demo"]
    return found


def page(folder: Path, text: str) -> Path:
    """An artifact that shows a text and needs no database."""
    file = folder / f"{text}.tar.gz"
    start = (CODE / "examples" / "page" / "bin" / "start").read_bytes()
    file.write_bytes(pack({"bin/start": start, "index.html": text.encode()}))
    return file


def listed(cloud: Cloud) -> list[dict[str, Any]]:
    """The demos that there are."""
    found: list[dict[str, Any]] = json.loads(cloud.must("release", "demo", "list", "--json"))["demos"]
    return found


def reap(cloud: Cloud) -> int:
    """How a run of the reaper ends."""
    return cloud.run("release", "demo", "reap").returncode


def pass_days(cloud: Cloud, stack: str, days: int) -> None:
    """Date a demo back in the registry: the clock of `release` is this machine's, and nobody waits for days here."""
    table, key = cloud.client("dynamodb"), {"stack": {"S": stack}}
    item = table.get_item(TableName="stageline-demos", Key=key, ConsistentRead=True)["Item"]
    body = json.loads(item["body"]["S"])
    earlier = {name: (datetime.fromisoformat(body[name]) - timedelta(days=days)).isoformat() for name in TIMES}
    table.put_item(TableName="stageline-demos", Item={**item, "body": {"S": json.dumps({**body, **earlier})}})


def keep_server(cloud: Cloud, creation: str, *, kept: bool) -> None:
    """Have AWS refuse to end a demo's server, or not any more."""
    [server] = servers_of(cloud, creation)
    cloud.client("ec2").modify_instance_attribute(InstanceId=server, DisableApiTermination={"Value": kept})


def servers_of(cloud: Cloud, creation: str) -> list[str]:
    """The servers of a demo that run."""
    running = {"Name": "instance-state-name", "Values": ["running"]}
    found = cloud.client("ec2").describe_instances(Filters=[tag_of(creation), running])["Reservations"]
    return [one["InstanceId"] for entry in found for one in entry["Instances"]]


def left_of(cloud: Cloud, creation: str) -> list[str]:
    """What is there of a demo, as AWS says and not `release`."""
    groups = cloud.client("ec2").describe_security_groups(Filters=[tag_of(creation)])["SecurityGroups"]
    roles = cloud.client("iam").list_roles(PathPrefix=f"/stageline/demo-{creation}/")["Roles"]
    secrets = cloud.client("secretsmanager").list_secrets()["SecretList"]
    named = [one["GroupId"] for one in groups] + [one["RoleName"] for one in roles]
    return [*servers_of(cloud, creation), *named, *(one["Name"] for one in secrets if creation in one["Name"])]


def tag_of(creation: str) -> dict[str, Any]:
    """The filter of what a demo's creation made."""
    return {"Name": "tag:creation", "Values": [creation]}


def known_of(cloud: Cloud, name: str) -> tuple[Any, ...]:
    """What is recorded of an environment: where it is, its history, and Pulumi's state."""
    history = json.loads(cloud.must("release", "history", name, "--json"))
    return cloud.status()[name], history, cloud.must("pulumi", "stack", "export", "--stack", name)


def text_at(url: str) -> str | None:
    """The page at a URL; None when nothing answers well."""
    try:
        with urllib.request.urlopen(url, timeout=5) as response:
            return str(response.read().decode())
    except OSError:
        return None


def slots_of(entry: Mapping[str, Any]) -> list[Any]:
    """What both slots hold, and which deployments put it there."""
    return [entry["blue"], entry["green"]]


def snapshots(cloud: Cloud) -> set[str]:
    """The database snapshots that AWS has."""
    return {entry["DBSnapshotIdentifier"] for entry in cloud.client("rds").describe_db_snapshots()["DBSnapshots"]}


def live_listener(cloud: Cloud, balancers: Any) -> str:
    """The ARN of prod's live listener: the one on the port of its live URL."""
    arn = cloud.must("pulumi", "stack", "output", "load_balancer", "--stack", "prod").strip()
    port = int(cloud.urls["prod"].rsplit(":", 1)[1])
    listeners = balancers.describe_listeners(LoadBalancerArn=arn)["Listeners"]
    return next(str(listener["ListenerArn"]) for listener in listeners if listener["Port"] == port)


def status_of(url: str) -> int:
    """The HTTP status of a URL; 0 when nothing answers."""
    try:
        with urllib.request.urlopen(url, timeout=5) as response:
            return int(response.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0


def version_at(url: str) -> str | None:
    """The version that answers at a URL; None when none does."""
    return fetched(f"{url}/health", lambda body: str(body["version"]))


def project_names(url: str) -> list[str] | None:
    """The names of the projects that the application at a URL has."""
    return fetched(f"{url}/api/projects", lambda body: sorted(entry["name"] for entry in body["projects"]))


def fetched(url: str, part: Callable[[Any], T]) -> T | None:
    """A part of the JSON at a URL; None when nothing answers well."""
    try:
        with urllib.request.urlopen(url, timeout=5) as response:
            return part(json.load(response))
    except OSError:
        return None


def post(url: str, body: Mapping[str, Any]) -> int:
    """POST JSON; the status."""
    request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=5) as response:
            return int(response.status)
    except urllib.error.HTTPError as error:
        return error.code


def refuse_other(project: Path) -> None:
    """The story is of the stack files that Stageline comes with: who changed them needs a fresh clone for it."""
    servers = {name: load(project, name).servers.count for name in environments(project)}
    if servers != dict.fromkeys(ENVIRONMENTS, SERVERS):
        here = ", ".join(f"{name} with {count}" for name, count in servers.items())
        raise CloudError(
            f"the story is of {', '.join(ENVIRONMENTS)} with {SERVERS} servers each, and this project has {here}: "
            "tell it in a fresh clone of Stageline"
        )


def refuse_running(paths: Paths) -> None:
    """A cloud that is up may hold somebody's work: the demo begins with an empty one."""
    try:
        ask(paths.control, {"do": "status"}, timeout=10)
    except NotRunning:
        return
    raise CloudError("a local cloud is already running here, and the demo needs an empty one: run local-cloud down")


def start(paths: Paths, temporary: Path) -> Cloud:
    """`local-cloud up`, and the variables of `local-cloud env`. Logs of failed commands go where the demo cleans up."""
    local_cloud("up")
    access = read_access(ask(paths.control, {"do": "access"}, timeout=10))
    shell = cloud_environment(paths, os.environ, access)
    kept = {name: value for name, value in os.environ.items() if name not in shell.unset}
    return Cloud(paths, {**kept, **shell.set, "TMPDIR": str(temporary)})


def local_cloud(verb: str) -> None:
    """Run the `local-cloud` command and show what it says."""
    done = subprocess.run([sys.executable, "-m", "local.cli", verb], text=True, capture_output=True, check=False)
    click.echo("\n".join(f"  {line}" for line in (done.stdout + done.stderr).splitlines()))
    if done.returncode != 0:
        raise CloudError(f"local-cloud {verb} ended with {done.returncode}")


if __name__ == "__main__":
    main()
