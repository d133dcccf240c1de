"""Files that only their owner may read: written whole beside the old one, which they then replace at once."""

from __future__ import annotations

import os
import secrets
import signal
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path
from typing import Self

ONLY_OWNER = 0o600
STOPS = {signal.SIGINT, signal.SIGTERM, signal.SIGQUIT}


class Draft:
    """A file that is not in its place yet: `path` is where it stands meanwhile. Left unpublished, it is removed."""

    def __init__(self, target: Path, content: bytes) -> None:
        self._target, self._content = target.resolve(), content  # a link stays a link
        self.path = self._target.with_name(f"{self._target.name}.{secrets.token_hex(4)}")

    def __enter__(self) -> Self:
        handle = os.open(self.path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW, ONLY_OWNER)
        try:
            with os.fdopen(handle, "wb") as file:
                owner = (self._target if self._target.exists() else self._target.parent).stat()
                with suppress(PermissionError):  # root writes for the user who runs the server
                    os.chown(handle, owner.st_uid, owner.st_gid)
                file.write(self._content)
                file.flush()
                os.fsync(handle)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.path.unlink(missing_ok=True)

    def publish(self) -> None:
        os.replace(self.path, self._target)


def close_folder(folder: Path) -> None:
    """Make the folder, if it is not there, and let nobody else in, if it is ours."""
    folder.mkdir(mode=0o700, exist_ok=True)
    with suppress(PermissionError):
        folder.chmod(0o700)


def write(contents: Sequence[tuple[Path, bytes]]) -> None:
    """Replace these files, in this order; when one cannot be written, none is. Raises OSError."""
    with ExitStack() as stack, ExitStack() as undo:
        drafts = [stack.enter_context(Draft(path, content)) for path, content in contents]
        signal.pthread_sigmask(signal.SIG_BLOCK, STOPS)
        stack.callback(signal.pthread_sigmask, signal.SIG_UNBLOCK, STOPS)
        for draft, (path, _) in zip(drafts, contents, strict=True):
            back = partial(path.write_bytes, path.read_bytes()) if path.is_file() else path.unlink
            draft.publish()
            undo.callback(back)
        undo.pop_all()
