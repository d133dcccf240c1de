"""All that a repository's history holds: each version of each file once, and the messages of commits and tags."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from chatbot.scan.finds import Find
from chatbot.scan.git import checkout_of, git, git_pipe
from chatbot.scan.item import Hit, Item, Source
from chatbot.scan.objects import objects

# Every branch, tag, note, remote's branch and stash, each working tree's HEAD, and what the reflogs still keep.
_EVERYTHING = ("--all", "--reflog")
_UNNAMED = b"file that only a tag points to"
_NAMES = b"names of branches and tags"
_LOCATED_AT_ONCE = 500


def history(path: Path) -> Source:
    """The history of the repository that the folder lies in. Raises CannotScan when there is none."""
    folder = path if path.is_dir() else path.parent
    source = Source("history object", checkout_of(folder))
    if git(folder, "rev-parse", "--is-shallow-repository").strip() == b"true":
        source.notes.append("This clone is shallow: older history is not in it, and was not scanned.")
    wanted = list(_wanted(folder))
    source.length = len(wanted) + 1
    source.items = _items(folder, wanted, source)
    return source


def located(folder: Path, finds: list[tuple[Item, Find]]) -> Iterator[Hit]:
    """Each find by the oldest commit that brought it to a path; one value in many versions of a file is one hit."""
    places = _places(folder, {item.object_id for item, _ in finds if item.kind == "blob" and item.object_id})
    groups: dict[tuple[bytes, str], list[tuple[int, Hit]]] = {}
    for item, find in finds:
        for path, (age, commit) in places.get(item.object_id, {item.path: (0, item.object_id)}).items():
            groups.setdefault((path, find.fingerprint), []).append((age, Hit(path, path, find, commit)))
    for hits in groups.values():
        yield replace(max(hits, key=lambda each: each[0])[1], versions=len(hits))


def _places(folder: Path, ids: set[str]) -> dict[str, dict[bytes, tuple[int, str]]]:
    """For each file version the paths that it had, each with the rank of its oldest commit by age, and that commit."""
    places: dict[str, dict[bytes, tuple[int, str]]] = {}
    ordered = sorted(ids)
    for at in range(0, len(ordered), _LOCATED_AT_ONCE):
        asked = [f"--find-object={object_id}" for object_id in ordered[at : at + _LOCATED_AT_ONCE]]
        form = ("-m", "--topo-order", "--raw", "-z", "--no-abbrev", "--no-renames", "--no-ext-diff", "--format=%H")
        commit, fields = "", iter(git(folder, "log", *_EVERYTHING, *form, *asked).split(b"\0"))
        for age, entry in enumerate(fields):
            if entry.lstrip(b"\n").startswith(b":"):  # parents come later than children: the oldest comes last
                path, object_id = next(fields), entry.split(b" ")[3].decode()
                if object_id in ids:  # not where it was taken away
                    places.setdefault(object_id, {})[path] = (age, commit)
            else:
                commit = entry.decode()
    return places


def _wanted(folder: Path) -> Iterator[bytes]:
    """A line for each object except folders: its id and its name."""
    with (
        git_pipe(folder, "rev-list", "--objects", *_EVERYTHING) as listed,
        git_pipe(folder, "cat-file", "--batch-check=%(objectname) %(objecttype) %(rest)", stdin=listed) as typed,
    ):
        for line in typed:
            object_id, kind, name = line[:-1].split(b" ", 2)
            if kind != b"tree":
                yield b"%b %b\n" % (object_id, name or _UNNAMED if kind == b"blob" else kind + b" message")


def _items(folder: Path, wanted: list[bytes], source: Source) -> Iterator[Item]:
    names = git(folder, "for-each-ref", "--format=%(refname)")
    yield Item(_NAMES, _NAMES, io.BytesIO(names).read)
    yield from objects(folder, wanted, source)
