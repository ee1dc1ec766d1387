"""compose.yaml and the Dockerfile fit the program, as far as that shows without an engine.

What is promised: every command and option in them exists, every ``LINESEAL_`` variable is a
setting, every extra and folder is there, and nothing runs as root. Where ``docker compose`` is
installed it has to accept the file, too.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from lineseal.commandline.program import lineseal
from lineseal.settings import Home, load_settings

ROOT = Path(__file__).resolve().parents[1]
DOCKERFILE = (ROOT / "Dockerfile").read_text("utf-8")
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text("utf-8"))
OURS: dict[str, dict[str, Any]] = {
    name: each for name, each in COMPOSE["services"].items() if each["image"] == "lineseal"
}


def parsed(arguments: list[str]) -> str:
    """Parse *arguments* as the program does, and return the command's name; nothing is run."""
    command: click.Command = lineseal
    context = click.Context(command)
    while isinstance(command, click.Group):
        name, *arguments = arguments
        found = command.get_command(context, name)
        assert found is not None, name
        command = found
        context = click.Context(command, parent=context, info_name=name)
    command.parse_args(context, list(arguments))
    return context.command_path


@pytest.mark.parametrize("name", sorted(OURS))
def test_every_command_exists_with_its_options(name: str) -> None:
    """As the entry point of the image gets it."""
    assert parsed(OURS[name]["command"])


def test_a_command_that_does_not_exist_would_be_noticed() -> None:
    """So the test above can fail."""
    with pytest.raises(AssertionError):
        parsed(["upp"])
    with pytest.raises(click.NoSuchOption):
        parsed(["up", "--onyl", "api"])


@pytest.mark.parametrize("name", sorted(OURS))
def test_every_variable_is_a_setting(name: str) -> None:
    """A wrong one would end the program with status 2."""
    given = OURS[name].get("environment", {})
    settings = load_settings(None, given)

    assert all(variable.startswith("LINESEAL_") for variable in given)
    if given:
        assert settings.log.url == given["LINESEAL_LOG__URL"]


def test_the_home_is_made_once(tmp_path: Path) -> None:
    """By the very line in the file; the second time it is left as it is."""
    service = OURS["home"]
    line = [part.replace("$$", "$") for part in [*service["entrypoint"], *service["command"]]]
    environment = {"LINESEAL_HOME": str(tmp_path / "home"), "PATH": os.environ["PATH"]}
    scripts = Path(sys.executable).parent
    environment["PATH"] = f"{scripts}{os.pathsep}{environment['PATH']}"

    keyrings: list[bytes] = []
    for _ in range(2):
        subprocess.run(line, env=environment, capture_output=True, check=True)
        keyrings.append((tmp_path / "home" / "keyring.json").read_bytes())

    assert load_settings(Home(tmp_path / "home"), {}).deployment.name == "compose"
    assert keyrings[0] == keyrings[1]


def test_the_services_find_each_other() -> None:
    """The broker is advertised under the name the others use, and on the port for this machine."""
    kafka = COMPOSE["services"]["kafka"]["environment"]
    advertised = dict(each.split("://") for each in kafka["KAFKA_ADVERTISED_LISTENERS"].split(","))
    url = OURS["lineseal"]["environment"]["LINESEAL_LOG__URL"]

    assert url == f"kafka://{advertised['PLAINTEXT']}/lineseal"
    assert advertised["HOST"] == "localhost:9092"
    for service in COMPOSE["services"].values():
        assert set(service.get("depends_on", {})) <= set(COMPOSE["services"])
        for volume in service["volumes"]:
            assert volume.partition(":")[0] in COMPOSE["volumes"]


def test_the_image_installs_what_is_there() -> None:
    """Its extras are ours, its folders exist and are all that the package is made of."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    (extras,) = re.findall(r"'/src\[(.+?)\]'", DOCKERFILE)
    copied = re.findall(r"^COPY (.+) \S+$", DOCKERFILE, re.MULTILINE)
    sources = [name for line in copied for name in line.split()]
    roots = project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    ignored = (ROOT / ".dockerignore").read_text("utf-8").splitlines()

    assert set(extras.split(",")) <= set(project["project"]["optional-dependencies"])
    assert all((ROOT / name).exists() for name in sources)
    assert {root.partition("/")[0] for root in roots} <= set(sources)
    assert {f"!{name}" for name in sources} <= set(ignored)
    assert 'ENTRYPOINT ["lineseal"]' in DOCKERFILE
    assert "lineseal" in project["project"]["scripts"]


def test_nothing_runs_as_root_and_the_home_is_a_volume() -> None:
    """Keys, log and store outlive the container, and belong to the user that runs."""
    (home,) = re.findall(r"^ENV LINESEAL_HOME=(\S+)$", DOCKERFILE, re.MULTILINE)

    assert re.findall(r"^USER (\S+)$", DOCKERFILE, re.MULTILINE) == ["lineseal"]
    assert f"-o lineseal -g lineseal {home}" in DOCKERFILE
    assert f"VOLUME {home}" in DOCKERFILE
    for service in OURS.values():
        assert service["volumes"] == [f"lineseal-home:{home}"]
        assert "user" not in service


def test_docker_compose_accepts_it() -> None:
    """Where it is installed; it needs no engine for that."""
    docker = shutil.which("docker")
    if docker is None:
        pytest.skip("docker is not installed")
    if subprocess.run([docker, "compose", "version"], capture_output=True, check=False).returncode:
        pytest.skip("docker is installed without compose")
    done = subprocess.run(
        [docker, "compose", "-f", str(ROOT / "compose.yaml"), "config", "--quiet"],
        capture_output=True,
        encoding="utf-8",
        check=False,
    )

    assert done.returncode == 0, done.stderr
