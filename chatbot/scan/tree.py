"""Where the files of a working tree, and the staged changes, are."""

from __future__ import annotations

import io
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from chatbot.scan.errors import CannotScan
from chatbot.scan.finds import printable
from chatbot.scan.git import checkout_of, git, succeeds
from chatbot.scan.item import Item, Source
from chatbot.scan.objects import objects


def working_tree(path: Path) -> Source:
    """A file, or the files below a folder: in a checkout those that git tracks or would add, elsewhere all of them.

    A folder that git ignores is read whole when it is named. Raises CannotScan when there is nothing of that name.
    """
    if not path.exists():
        raise CannotScan(f"There is no file or folder {printable(os.fsencode(path))}.")
    if not path.is_dir():
        path = path.resolve()  # a link that is named stands for its file
    folder = path if path.is_dir() else path.parent
    top = checkout_of(folder)
    source = Source("file", top or folder)
    if not path.is_dir():
        names: Iterator[bytes] = iter([os.fsencode(path.name)])
    elif top and not succeeds(folder, "check-ignore", "-q", "."):
        listed = git(folder, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
        names = iter(dict.fromkeys(listed.split(b"\0")[:-1]))  # a file in conflict is listed once for each side
    else:
        names = _walk(folder)
    source.items = _files(source, folder, names)
    return source


def staged(path: Path) -> Source:
    """The files of the index that differ from the last commit, as they would be committed, of the whole checkout."""
    top = checkout_of(path if path.is_dir() else path.parent)
    if top is None:
        raise CannotScan("This is not a git checkout: nothing can be staged here.")
    listed = git(
        top, "diff", "--cached", "--raw", "-z", "--no-abbrev", "--no-renames", "--no-relative", "--diff-filter=d"
    )
    fields = listed.split(b"\0")[:-1]
    wanted = []
    for meta, name in zip(fields[::2], fields[1::2], strict=True):
        _, mode, _, object_id, _ = meta.split(b" ")
        if mode != b"160000" and object_id.strip(b"0"):  # not a submodule, and not one that has no content yet
            wanted.append(object_id + b" " + name.replace(b"\n", b"?") + b"\n")
    source = Source("staged file", top, length=len(wanted))
    source.items = objects(top, wanted, source)
    return source


def _walk(folder: Path) -> Iterator[bytes]:
    top = os.fsencode(folder)
    for parent, folders, names in os.walk(top):
        folders[:] = sorted(name for name in folders if name != b".git")
        for name in sorted(names):
            yield os.path.relpath(os.path.join(parent, name), top)


def _files(source: Source, folder: Path, names: Iterator[bytes]) -> Iterator[Item]:
    here, top = os.fsencode(folder), os.fsencode(source.root or folder)
    below = os.path.relpath(os.path.realpath(here), os.path.realpath(top))
    for name in names:
        file = os.path.join(here, name)
        shown, path = os.path.normpath(file), os.path.normpath(os.path.join(below, name))
        try:
            mode = os.lstat(file).st_mode
            if stat.S_ISLNK(mode):
                yield Item(shown, path, io.BytesIO(os.readlink(file)).read)  # what git keeps: not what it points to
            elif stat.S_ISREG(mode):
                with open(file, "rb") as content:
                    yield Item(shown, path, content.read)
            elif stat.S_ISDIR(mode):
                source.leave_out("inner checkout")
            else:
                source.leave_out("pipe, socket or device")
        except FileNotFoundError:
            continue  # git still tracks it
        except OSError:
            source.leave_out("unreadable file")
