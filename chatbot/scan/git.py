"""Asks git, without its configured programs and without this app's secrets in its environment."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast

from chatbot.config import child_environment
from chatbot.scan.errors import CannotScan
from chatbot.scan.finds import printable

# The scanned repository's configuration must start no program (fsmonitor), nor hide a root's changes; and replaced
# objects are read as they were committed.
_GIT = ("git", "--no-replace-objects", "-c", "core.fsmonitor=false", "-c", "log.showRoot=true")
_QUIET = {"GIT_OPTIONAL_LOCKS": "0", "GIT_NO_LAZY_FETCH": "1", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}


def git(folder: Path, *arguments: str) -> bytes:
    """What git prints. Raises CannotScan with git's own first line when it fails."""
    done = _run(folder, arguments)
    if done.returncode:
        raise _failed(done)
    return done.stdout


def succeeds(folder: Path, *arguments: str) -> bool:
    """Does git end with 0? Raises CannotScan only when there is no git."""
    return _run(folder, arguments).returncode == 0


def checkout_of(folder: Path) -> Path | None:
    """The top of the working tree that the folder lies in; None outside of one. Raises CannotScan if git refuses."""
    done = _run(folder, ("rev-parse", "--show-toplevel"))
    if done.returncode == 0:
        return Path(os.fsdecode(done.stdout.removesuffix(b"\n")))
    if b"not a git repository" in done.stderr or b"must be run in a work tree" in done.stderr:
        return None
    raise _failed(done)


@contextmanager
def git_pipe(folder: Path, *arguments: str, stdin: IO[bytes] | None = None) -> Iterator[IO[bytes]]:
    """What git prints, while it prints it. Raises CannotScan when it fails, unless the reader has stopped before."""
    process = subprocess.Popen(  # noqa: S603 - git, without a shell
        [*_GIT, *arguments],
        cwd=folder,
        env=child_environment() | _QUIET,
        stdin=stdin or subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    output = cast(IO[bytes], process.stdout)
    try:
        yield output
        if process.wait():
            raise CannotScan(f"git {arguments[0]} failed; `git fsck` may tell more.")
    finally:
        output.close()
        process.kill()
        process.wait()


def _run(folder: Path, arguments: tuple[str, ...]) -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(  # noqa: S603 - git, without a shell
            [*_GIT, *arguments],
            cwd=folder,
            env=child_environment() | _QUIET,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
        )
    except FileNotFoundError:
        raise CannotScan("git is not installed, or not on the PATH.") from None


def _failed(done: subprocess.CompletedProcess[bytes]) -> CannotScan:
    first = next(iter(done.stderr.splitlines()), b"it does not say why")
    return CannotScan(f"git could not be asked: {printable(first)}")
