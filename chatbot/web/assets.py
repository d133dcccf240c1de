"""Static files under an address that names the version of them all, so that a browser may keep them for a year.

The version is in the path, so a module's relative imports stay within it. It is a hash of all contents: the same in
every worker. Files are held in memory as they were when it was made: what it names never changes.
"""

from __future__ import annotations

import hashlib
import os
import re
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path, PurePosixPath
from posixpath import dirname, join, normpath
from typing import cast

from flask import Flask, Response, abort, g, request

# As sent, whatever this machine's own tables say.
TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".woff2": "font/woff2",
}
FOR_EVER = "public, max-age=31536000, immutable"
ASK_AGAIN = "no-cache"  # it may be kept, but not used before we say that it is still the same
VERSIONED = re.compile(r"v-([0-9a-f]{12})/(.+)", re.DOTALL)
IMPORT = re.compile(r"""(?:^|;)\s*(?:import|export)\b(?:[^'"();=]*\bfrom)?\s*['"](\.{1,2}/[^'"]+)['"]""", re.MULTILINE)

Stamp = list[tuple[str, int, int]]  # of each file its path, when it was changed, and its size


@dataclass(frozen=True, eq=False)
class Tree:
    """All static files as they were at one moment, by their paths."""

    stamp: Stamp
    files: dict[str, bytes]
    version: str


def deliver(app: Flask) -> None:
    """Let an app send its static files so, its pages address them by their version and say which modules they need."""
    assets = Assets(Path(str(app.static_folder)))

    def name_version(endpoint: str, values: dict[str, str]) -> None:
        if endpoint == "static":
            values["filename"] = assets.address(values["filename"])

    app.url_defaults(name_version)
    app.view_functions["static"] = lambda filename: assets.answer(filename)
    app.jinja_env.globals["modules"] = assets.modules
    app.extensions["assets"] = assets


class Assets:
    """The static files of a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._tree = Tree([], {}, "none yet")

    def address(self, name: str) -> str:
        """Where a page finds the file, below /static/; `css/base+chat.css` is both of them in one."""
        return f"v-{self._today().version}/{name}"

    def modules(self, entry: str) -> list[str]:
        """A script and all that it imports from its start on, the nearest first; import() is not followed."""
        return _modules(self._today(), entry)

    def answer(self, path: str) -> Response:
        """The file at this path below /static/; today's if its version is gone, as a page of then may still be open."""
        version, name = match.groups() if (match := VERSIONED.fullmatch(path)) else ("", path)
        tree = self._tree if version == self._tree.version else self._today()
        body = _find(tree.files, name)
        response = Response(body, content_type=TYPES.get(PurePosixPath(name).suffix, "application/octet-stream"))
        response.headers["Cache-Control"] = FOR_EVER if version == tree.version else ASK_AGAIN
        return confirmable(response)

    def _today(self) -> Tree:
        """The files as they are now. They are looked at once for each request, and read again when one was changed."""
        if "assets" not in g:
            if (stamp := _stamp(self._folder)) != self._tree.stamp:
                self._tree = _read(self._folder, stamp)
            g.assets = self._tree
        return cast(Tree, g.assets)


def confirmable(response: Response) -> Response:
    """Give an answer a name, so that a browser that has it may ask whether it is still the same, and gets 304."""
    response.set_etag(hashlib.sha256(response.get_data()).hexdigest()[:20], weak=True)  # the same when compressed
    response.make_conditional(request)
    return response


def _find(files: dict[str, bytes], name: str) -> bytes:
    """A file, or several style sheets in one: on a slow line a page waits for each answer, not for each line."""
    names = [name]
    if name.endswith(".css"):
        names = [join(dirname(name), f"{stem}.css") for stem in PurePosixPath(name).stem.split("+")]
    if len(set(names)) < len(names) or not all(each in files for each in names):
        abort(404)
    return b"\n".join(files[each] for each in names)


def _stamp(folder: Path) -> Stamp:
    """What changes when a file does: a look at all of them costs about a millisecond."""
    found = []
    for parent, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(name for name in names if not name.startswith(".")):
            path = os.path.join(parent, name)
            with suppress(OSError):  # it went while we looked
                found.append((path, (status := os.stat(path)).st_mtime_ns, status.st_size))
    return found


def _read(folder: Path, stamp: Stamp) -> Tree:
    files, digest = {}, hashlib.sha256()
    for path, _, _ in stamp:
        with suppress(OSError):
            name, body = Path(path).relative_to(folder).as_posix(), Path(path).read_bytes()
            files[name] = body
            digest.update(f"{name}\0{len(body)}\0".encode() + body)
    return Tree(stamp, files, digest.hexdigest()[:12])


@lru_cache(maxsize=16)
def _modules(tree: Tree, entry: str) -> list[str]:
    found = [entry]
    for name in found:
        for target in IMPORT.findall(tree.files.get(name, b"").decode()):
            path = normpath(join(dirname(name), target))
            if path in tree.files and path not in found:
                found.append(path)
    return found
