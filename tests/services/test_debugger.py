"""The debugger, which lets whoever sees it run code beside the key, is not started where others could reach it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT, clean_environment, free_port

PROGRAMS = {
    "flask run": ["-m", "flask", "run", "--debug", "--host", "0.0.0.0"],
    "flask run, by the environment": ["-m", "flask", "run", "--host", "0.0.0.0"],
    "gunicorn by HOST": ["-m", "gunicorn"],
    "gunicorn -b": ["-m", "gunicorn", "-b", "0.0.0.0:{port}"],
    "flask run --debugger": ["-m", "flask", "run", "--debugger", "--host", "0.0.0.0"],
    "app.run with a debugger": ["-c", "from app import create_app; create_app().run('0.0.0.0', use_debugger=True)"],
    "app.debug": ["-c", "from app import create_app; app = create_app(); app.debug = True; app.run('0.0.0.0')"],
    "app.run": ["-c", "from app import create_app; create_app().run('0.0.0.0', debug=True)"],
}


@pytest.mark.parametrize("way", PROGRAMS)
def test_a_debugger_that_others_could_reach_stops_the_start(way: str, tmp_path: Path) -> None:
    port = free_port()
    arguments = [each.format(port=port) for each in PROGRAMS[way]]
    variables: dict[str, object] = {"DATABASE_URL": f"sqlite:///{tmp_path}/chat.db", "PORT": port}
    if not way.startswith("app.") and "--debugger" not in way:
        variables["FLASK_DEBUG"] = "1"
    if way == "gunicorn by HOST":
        variables["HOST"] = "0.0.0.0"
    if way.startswith("flask"):
        arguments += ["--port", str(port)]
    ran = subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, env=clean_environment(**variables),
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert ran.returncode != 0
    assert "FLASK_DEBUG is on" in ran.stderr


@pytest.mark.parametrize("arguments", [["run", "--debug"], ["run", "--debug", "--host", "localhost"]])
def test_on_this_machine_alone_it_may_run(arguments: list[str], tmp_path: Path) -> None:
    environment = clean_environment(DATABASE_URL=f"sqlite:///{tmp_path}/chat.db")
    process = subprocess.Popen(
        [sys.executable, "-m", "flask", *arguments, "--port", str(free_port()), "--no-reload"],
        cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    said = ""
    for line in process.stdout:
        said += line
        if "Running on" in line:
            break
    process.terminate()
    process.communicate(timeout=60)
    assert "Running on" in said
