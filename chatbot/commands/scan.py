"""`flask scan`: looks for keys and other secrets in files, in what is staged, or in the whole history."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import click

from chatbot.scan.allow import FILE_NAME, read_allowed
from chatbot.scan.history import history, located
from chatbot.scan.item import Hit, Source
from chatbot.scan.tree import staged, working_tree

PACKED = (b".zip", b".whl", b".jar", b".gz", b".tgz", b".bz2", b".xz", b".zst", b".7z", b".rar", b".docx", b".xlsx")
ADVICE = (
    "If one is real, revoke it first, then take it out: whoever has a copy can use it (see docs/guide/if-it-leaks.md). "
    f"One that may stay goes into {FILE_NAME} by the digits in brackets, with a reason."
)


@click.command()
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@click.option("--staged", "of_index", is_flag=True, help="Scan what is about to be committed.")
@click.option("--history", "of_history", is_flag=True, help="Scan all that was ever committed.")
@click.pass_context
def scan(context: click.Context, paths: tuple[Path, ...], of_index: bool, of_history: bool) -> None:
    """Look for keys and other secrets in the files of PATHS, or of this folder, and never print one.

    Ends with 0 when there is none, with 1 when there is one, and with 2 when the scan could not be made.
    """
    if of_index and of_history:
        raise click.UsageError("--staged and --history are two scans: ask for one at a time.")
    open_source = staged if of_index else history if of_history else working_tree
    found = sum(_scan(path, open_source) for path in paths or (Path(),))
    if found:
        click.echo(ADVICE)
        context.exit(1)


def _scan(path: Path, open_source: Callable[[Path], Source]) -> int:
    """Scan one path and print its finds; their number."""
    source = open_source(path)
    allowed = read_allowed(source.root)
    count, finds = 0, []
    with click.progressbar(
        source.items, length=source.length, label="Scanning", file=sys.stderr, hidden=not sys.stderr.isatty()
    ) as items:
        for item in items:
            try:
                finds += [(item, find) for find in item.finds()]
                count += 1
                if item.name.lower().endswith(PACKED):
                    source.leave_out("compressed file")
            except OSError:  # a disk's error must not look like a find
                source.leave_out("unreadable file")
    hits = (
        list(located(path if path.is_dir() else path.parent, finds))
        if open_source is history
        else [Hit(item.name, item.path, find) for item, find in finds]
    )
    kept = [
        hit for hit in hits if not any(entry.covers(hit.find.fingerprint, os.fsdecode(hit.path)) for entry in allowed)
    ]
    for hit in kept:
        click.echo(str(hit))
    _conclude(source, count, len(kept), len(hits) - len(kept))
    return len(kept)


def _conclude(source: Source, count: int, found: int, allowed: int) -> None:
    """Say what was scanned, what was found, and what was not scanned."""
    said = f"{found} found" if found else "no key found"
    excused = f" ({allowed} on the allow-list)" if allowed else ""
    click.echo(f"{_counted(count, source.noun)}, {said}{excused}.")
    for what, number in source.left_out.items():
        click.echo(f"Not looked into: {_counted(number, what)}.")
    for note in source.notes:
        click.echo(note)


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


if __name__ == "__main__":  # without the app, and so whatever its settings are
    scan()
