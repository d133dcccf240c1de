"""Why a scan could not be made."""

from __future__ import annotations

from click import ClickException


class CannotScan(ClickException):
    """One line that says why; the command ends with 2, so that nobody takes it for clean or for a find."""

    exit_code = 2
