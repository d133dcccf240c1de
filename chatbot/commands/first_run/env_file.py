"""The text of `.env`: one value changed and every other line kept, and the settings that such a text makes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from chatbot.commands.first_run.private_file import Draft
from chatbot.config import Settings, load_settings

# An entry as the reader of `.env` sees it; a value in quotes may go over several lines.
ENTRY = re.compile(
    r"""[^\S\r\n]*(?:export[^\S\r\n]+)?(?:'([^']+)'|([^=\#\s]+))[^\S\r\n]*
    (?:=[^\S\r\n]*(?:'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*"|[^\r\n]*))?[^\r\n]*(?:\r\n|\r|\n|\Z)""",
    re.VERBOSE | re.DOTALL,
)
LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n|\Z)")
PLAIN = re.compile(r"[A-Za-z0-9_./:@,+-]+")


@dataclass(frozen=True)
class EnvFile:
    """A text of `.env`, which need not be what stands in the file. Bytes that are no UTF-8 are kept."""

    path: Path
    text: str

    def __contains__(self, name: str) -> bool:
        return any(found == name for found, _ in self._pieces())

    def line_of(self, name: str) -> int:
        """The number of the line where the name is set last, which counts; 0 where it is not."""
        line = found_at = 0
        for found, piece in self._pieces():
            found_at = line + 1 if found == name else found_at
            line += len(re.findall(r"\r\n|\r|\n", piece))
        return found_at

    def changed(self, name: str, value: str | None) -> EnvFile:
        """With one line for the name, or none. A new one stands after its commented example, else at the end."""
        pieces = list(self._pieces())
        at = next((number for number, (found, _) in enumerate(pieces) if found == name), None)
        lines = [(found, piece) for found, piece in pieces if found != name]
        if value is not None:
            if at is None:
                example = re.compile(rf"#\s*{name}\s*=")
                at = next((number + 1 for number, (_, piece) in enumerate(lines) if example.match(piece)), len(lines))
            if at and not lines[at - 1][1].endswith(("\n", "\r")):
                lines[at - 1] = lines[at - 1][0], lines[at - 1][1] + "\n"
            lines.insert(at, (name, f"{name}={_quoted(value)}\n"))
        return EnvFile(self.path, "".join(piece for _, piece in lines))

    def load(self) -> Settings:
        """What the settings would be with this text: the environment still wins. Raises SettingsError."""
        with Draft(self.path, self.content) as draft:
            return load_settings(_env_file=draft.path)

    @property
    def content(self) -> bytes:
        return self.text.encode("utf-8", "surrogateescape")

    def _pieces(self) -> Iterator[tuple[str, str]]:
        """The text in pieces, each with the name that it sets, or none."""
        at = 0
        while at < len(self.text):
            entry = ENTRY.match(self.text, at)
            found = entry or LINE.match(self.text, at)
            assert found  # noqa: S101 - an empty line is one, too
            yield (entry[1] or entry[2]).upper() if entry else "", found[0]
            at = found.end()


def read(path: Path) -> EnvFile:
    """The file as it is, but for a byte order mark, which its reader drops; an empty text where there is none."""
    content = path.read_bytes() if path.exists() else b""
    return EnvFile(path, content.decode("utf-8", "surrogateescape").removeprefix("\ufeff"))


def _quoted(value: str) -> str:
    """So that it is read as it is, whatever quotes, spaces, #, $ or backslashes it has."""
    if PLAIN.fullmatch(value):
        return value
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return "'" + escaped.replace("${", "${:-$}{") + "'"
