"""Processes of the app that need not load its libraries first: forks of one that has, which saves over a second."""

from __future__ import annotations

import gc
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
from functools import cache
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any

ROOT = Path(__file__).resolve().parent.parent
OURS = ("app", "chatbot", "lab")
MESSAGE_BYTES = 1 << 17
_asking = threading.Lock()
_forkers: list[subprocess.Popen[bytes]] = []


def flask(*arguments: str, env: dict[str, str], cwd: Path = ROOT, typed: str = "") -> subprocess.CompletedProcess[str]:
    """As `subprocess.run` of `python -m flask` in a checkout, with its output captured."""
    with TemporaryFile() as given, TemporaryFile() as out, TemporaryFile() as err:
        given.write(typed.encode())
        given.seek(0)
        code = Warm("flask", arguments, env, cwd, given, out, err).wait(120)
        out.seek(0)
        err.seek(0)
        return subprocess.CompletedProcess(arguments, code, out.read().decode(), err.read().decode())


class Warm:
    """`flask` or `gunicorn` in a process that leads a group of its own; as a `Popen`, as far as tests need it."""

    def __init__(
        self, program: str, arguments: tuple[str, ...], env: dict[str, str], cwd: Path, *files: IO[bytes]
    ) -> None:
        self.args, self.returncode = [program, *arguments], None
        told, tell = os.pipe()
        asked = json.dumps({"argv": self.args, "env": env, "cwd": str(cwd)}).encode() + b"\n"
        with _asking:
            sent = socket.send_fds(_forker(program), [asked], [tell, *(file.fileno() for file in files)])
            _forker(program).sendall(asked[sent:])
        os.close(tell)
        self._told = os.fdopen(told, "rb", buffering=0)
        self.pid = int(self._told.readline())

    def poll(self) -> int | None:
        return self._look(0)

    def wait(self, timeout: float | None = None) -> int:
        if self._look(timeout) is None:
            raise subprocess.TimeoutExpired(self.args, timeout or 0)
        return self.returncode

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def _look(self, seconds: float | None) -> int | None:
        if self.returncode is None:
            waiting = select.poll()
            waiting.register(self._told, select.POLLIN)
            if waiting.poll(None if seconds is None else seconds * 1000):
                self.returncode = int(self._told.readline())
                self._told.close()
        return self.returncode


@cache
def _forker(program: str) -> socket.socket:
    """Asks the process that forks for this program; it ends with this one."""
    ours, theirs = socket.socketpair()
    with theirs:
        command = [sys.executable, "-m", __name__, program]
        _forkers.append(subprocess.Popen(command, cwd=ROOT, stdin=theirs, start_new_session=True))
    return ours


def _load(program: str) -> None:
    """All but our own modules; for gunicorn as its worker loads them: after gevent has patched what they hold on to."""
    if program == "gunicorn":
        import gevent.threading
        from gevent import monkey

        monkey.patch_all(os=False, signal=False, time=False, queue=False, select=False, subprocess=False)
        del gevent.threading._gevent_will_monkey_patch  # a worker patches the rest, and this would be done twice
    import alembic.command  # noqa: F401

    import app  # noqa: F401

    for name in [name for name in sys.modules if name.partition(".")[0] in OURS]:
        del sys.modules[name]
    gc.collect()
    gc.freeze()  # or the children would copy what their collectors look at


def _fork_for(asking: socket.socket) -> None:
    """Return in each child, as what was asked for; in the parent when nobody asks any more."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while True:
        message, got, *_ = socket.recv_fds(asking, MESSAGE_BYTES, 4)
        while message and not message.endswith(b"\n"):
            message += asking.recv(MESSAGE_BYTES)
        if not message:
            sys.exit()
        tell, *files = got
        if os.fork() == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            child = os.fork()
            if child == 0:
                os.close(tell)
                _become(json.loads(message), files)
                return
            os.setpgid(child, child)
            os.write(tell, b"%d\n" % child)
            os.write(tell, b"%d\n" % os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
            os._exit(0)
        for file in (tell, *files):
            os.close(file)


def _become(asked: dict[str, Any], files: list[int]) -> None:
    for number, file in enumerate(files):
        os.dup2(file, number)
        os.close(file)
    sys.argv = asked["argv"]
    os.environ.clear()
    os.environ.update(asked["env"])
    os.chdir(asked["cwd"])
    sys.path[0] = asked["cwd"]


def _run(program: str) -> None:
    try:
        if program == "flask":
            from flask.cli import cli

            cli.main(prog_name="flask")
        else:
            from gunicorn.app.wsgiapp import run

            run(prog="gunicorn")
    except SystemExit as end:
        if isinstance(end.code, str):
            raise
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(end.code or 0)  # taking down all that was loaded takes longer than most commands


if __name__ == "__main__":
    _load(sys.argv[1])
    with socket.socket(fileno=os.dup(0)) as asking:
        _fork_for(asking)
    _run(sys.argv[0])
