"""`.local/work`: the project and its stack files with local values; `.local/bin`: the `pulumi` to be first on PATH.

A tracked file is never changed. `.local/work/Pulumi.yaml` is the tracked one with `main: ../..`, so the engine runs
the same program from another project folder, and the stack files beside it are the tracked ones with the ports,
limits and health checks of this machine. Each `local-cloud up` writes them again from the tracked ones; of an
existing copy only the lines stay by which the engine decrypts that stack's secrets.
"""

import os
import shlex
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import yaml

from local import launcher
from local.access import Access
from local.addresses import DEFAULT_PORTS, Ports
from local.errors import CloudError
from local.interpreter import launcher as interpreter
from local.paths import PROJECT_FILE, Paths
from settings.model import Settings

KEPT_KEYS = ("secretsprovider", "encryptedkey", "encryptionsalt")
PLUGINS = {"aws": "pulumi-aws", "command": "pulumi-command"}  # a plugin's name and that of its Python package
FORGOTTEN_VARIABLES = (
    "AWS_PROFILE",
    "AWS_SESSION_TOKEN",
    "SSH_AUTH_SOCK",
    "HTTP_PROXY",
    "http_proxy",
    "ALL_PROXY",
    "all_proxy",
)
COMFORTS = ("AWS_PAGER", "AWS_CLI_")  # how the aws command looks: nobody else reads it


@dataclass(frozen=True, kw_only=True)
class Environment:
    """What `local-cloud env` sets and unsets in a shell."""

    set: Mapping[str, str]
    unset: tuple[str, ...]

    def as_shell(self) -> str:
        """Lines for `eval`, every value quoted."""
        exports = [f"export {name}={shlex.quote(value)}" for name, value in self.set.items()]
        return "\n".join([*(f"unset {name}" for name in self.unset), *exports]) + "\n"


def write_workspace(paths: Paths, environ: Mapping[str, str], engine: Path, ports: Ports = DEFAULT_PORTS) -> None:
    """Write everything in `.local/work` and `.local/bin`, and install the stand-in plugins."""
    for folder in (paths.work, paths.bin, paths.plugins, paths.state, paths.pulumi_home):
        folder.mkdir(parents=True, exist_ok=True)
    write_python(paths)
    _write_project(paths)
    for tracked in sorted(paths.project.glob("Pulumi.*.yaml")):
        _write_stack(tracked, paths.work / tracked.name, ports)
    _write_program(paths.bin / "pulumi", _pulumi_wrapper(paths, engine))
    for plugin, package in PLUGINS.items():
        if not _on_path(f"pulumi-resource-{plugin}", environ):
            _install_plugin(paths, plugin, version(package), environ)


def find_engine() -> Path:
    """The folder of the engine to use. Raises `CloudError` when there is none."""
    from engine import build

    try:
        return build.find_engine()
    except build.NoEngine as error:
        raise CloudError(str(error)) from error


def environment(paths: Paths, environ: Mapping[str, str], access: Access) -> Environment:
    """The variables with which plain `pulumi`, `release` and boto3 work on this cloud, and on no other."""
    ours = _variables(paths, environ, access)
    known = {*ours, *FORGOTTEN_VARIABLES}
    others = sorted(name for name in environ if name.startswith("AWS_") and not name.startswith(COMFORTS))
    return Environment(unset=(*FORGOTTEN_VARIABLES, *(name for name in others if name not in known)), set=ours)


def _variables(paths: Paths, environ: Mapping[str, str], access: Access) -> dict[str, str]:
    return {
        "PATH": _path(paths, environ),
        "PULUMI_HOME": str(paths.pulumi_home),
        "PULUMI_BACKEND_URL": f"file://{paths.state}",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",  # Pulumi asks pip what is installed, and pip would ask the network
        "AWS_ENDPOINT_URL": access.url,
        "AWS_ACCESS_KEY_ID": access.key.id,
        "AWS_SECRET_ACCESS_KEY": access.key.secret,
        "AWS_REGION": access.region,
        "AWS_DEFAULT_REGION": access.region,
        "AWS_EC2_METADATA_DISABLED": "true",
        "SSL_CERT_FILE": access.ca_bundle,
        "STAGELINE_PROJECT": str(paths.work),
    }


def local_values(ports: Ports) -> dict[str, dict[str, Any]]:
    """What differs from AWS, and why: ports below 1024 are root's, servers are up in seconds, the certificates that
    the tracked files name are AWS's, the local PostgreSQL was built without TLS, nobody waits here for what shows
    after minutes only, and a machine that runs a whole cloud may answer late.
    """
    return {
        "servers": {"ssh_port": ports.ssh, "dial_error_limit": 60, "install_timeout": 120, "settle": 0},
        "database": {"tls": False},
        "load_balancer": {
            "live_port": ports.live,
            "preview_port": ports.preview,
            "certificate": None,
            "domain": None,
            "redirect_port": None,
            "health": {"interval": 5, "timeout": 2, "healthy": 2, "unhealthy": 2},
            "drain": 3,
        },
        "watch": {"seconds": 1, "p95_ms": 2000},
    }


def localised(stack: Mapping[str, Any], project: str, ports: Ports) -> dict[str, Any]:
    """A stack file's content with local values in place of AWS's; what is not as expected stays as it is."""
    config = dict(stack.get("config") or {})
    for section, values in local_values(ports).items():
        left_out: dict[str, Any] | None = None if Settings.model_fields[section].is_required() else {}
        declared = config.get(f"{project}:{section}", left_out)
        if isinstance(declared, dict):
            config[f"{project}:{section}"] = {**declared, **values}
    return {**stack, "config": config}


def _write_project(paths: Paths) -> None:
    project = _read(paths.project / PROJECT_FILE)
    if not isinstance(project, dict):
        raise CloudError(f"{PROJECT_FILE} is not a mapping: restore it from git")
    runtime = project.get("runtime")
    options = {**runtime.get("options", {}), "virtualenv": str(paths.python)} if isinstance(runtime, dict) else {}
    local = {**project, "main": "../..", "runtime": {"name": "python", "options": options}}
    _write(paths.work / PROJECT_FILE, yaml.safe_dump(local, sort_keys=False))


def _write_stack(tracked: Path, copy: Path, ports: Ports) -> None:
    """A file with errors is copied as it is: whoever reads its settings reports them all."""
    content = _read(tracked)
    if not isinstance(content, dict) or not isinstance(content.get("config"), dict):
        _write(copy, tracked.read_text())
        return
    project = str(_read(tracked.with_name(PROJECT_FILE))["name"])
    _write(copy, yaml.safe_dump({**localised(content, project, ports), **_kept(copy)}, sort_keys=False))


def _kept(copy: Path) -> dict[str, Any]:
    content = _read(copy) if copy.exists() else {}
    return {key: content[key] for key in KEPT_KEYS if key in content} if isinstance(content, dict) else {}


def _read(path: Path) -> Any:
    try:
        return yaml.safe_load(path.read_text())
    except yaml.YAMLError:
        return None


def _write(path: Path, text: str) -> None:
    """In one step: a command may be reading it."""
    fresh = path.with_name(f".{path.name}.new")
    fresh.write_text(text)
    fresh.replace(path)


def _write_program(path: Path, text: str) -> None:
    _write(path, text)
    path.chmod(0o755)


def _pulumi_wrapper(paths: Paths, engine: Path) -> str:
    """The engine finds its language host beside itself or on PATH."""
    path = f"{shlex.quote(str(paths.bin))}:{shlex.quote(str(engine))}:$PATH"
    return (
        f"#!/bin/sh\nunset SSH_AUTH_SOCK\nPATH={path}\nexport PATH\n"
        f'exec {shlex.quote(str(engine / "pulumi"))} -C {shlex.quote(str(paths.work))} "$@"\n'
    )


def _install_plugin(paths: Paths, plugin: str, plugin_version: str, environ: Mapping[str, str]) -> None:
    """The genuine plugin where it is installed, here or for the user; else a launcher of the stand-in.

    Where the engine looks for installed plugins: of one that it finds on PATH it warns, each time.
    """
    name = Path(f"plugins/resource-{plugin}-v{plugin_version}/pulumi-resource-{plugin}")
    installed, users = paths.pulumi_home / name, _users_pulumi_home(environ) / name
    if _is_genuine(installed):
        return
    installed.parent.mkdir(parents=True, exist_ok=True)
    installed.unlink(missing_ok=True)
    installed.symlink_to(users if _is_genuine(users) else _launcher(paths, plugin))


def write_python(paths: Paths) -> None:
    """A virtual environment as far as Pulumi looks at it. What must be genuine is the one of this process."""
    command = paths.python / "bin" / "python"
    command.parent.mkdir(parents=True, exist_ok=True)
    genuine = Path(sys.prefix) / "bin" / "python"
    text = Path(interpreter.__file__).read_text()
    _write_program(command, f'#!{Path(sys.executable).resolve()} -IS\nGENUINE = "{genuine}"\n{text}')


def _launcher(paths: Paths, plugin: str) -> Path:
    own = paths.plugins / f"pulumi-resource-{plugin}"
    interpreter = Path(sys.executable).resolve()
    _write_program(own, f"#!{interpreter} -IS\n{Path(launcher.__file__).read_text()}")
    return own


def _is_genuine(installed: Path) -> bool:
    """Links are made here: to launchers, of this clone or another one."""
    return installed.is_file() and not installed.is_symlink()


def _users_pulumi_home(environ: Mapping[str, str]) -> Path:
    return Path(environ.get("PULUMI_HOME") or Path(environ.get("HOME", "/")) / ".pulumi")


def _on_path(program: str, environ: Mapping[str, str]) -> bool:
    """Whether the genuine plugin is on PATH; the engine then takes that."""
    return shutil.which(program, path=environ.get("PATH", os.defpath)) is not None


def _is_local_bin(folder: Path) -> bool:
    """Also another clone's: its launchers lead to another cloud."""
    return folder.name == "bin" and folder.parent.name == ".local" and (folder.parent / "work").exists()


def _path(paths: Paths, environ: Mapping[str, str]) -> str:
    own = [str(paths.bin), str(Path(sys.prefix) / "bin")]
    others = [
        folder
        for folder in environ.get("PATH", os.defpath).split(os.pathsep)
        if folder not in own and not _is_local_bin(Path(folder))
    ]
    return os.pathsep.join([*own, *others])
