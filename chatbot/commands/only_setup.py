"""Where the settings allow no start: an app in which `flask setup` alone works, so that it can mend them."""

from __future__ import annotations

import click
from flask import Flask
from flask.cli import AppGroup, FlaskGroup

from chatbot.commands.setup import setup
from chatbot.errors import SettingsError


def only_setup(refused: SettingsError) -> Flask:
    """For a command of `flask`; raises `refused` for whatever else would start the app."""
    context = click.get_current_context(silent=True)
    if context is None or not isinstance(context.command, FlaskGroup):
        raise refused
    app = Flask("app")
    app.cli = _Commands(refused)
    app.cli.add_command(setup)
    return app


class _Commands(AppGroup):
    def __init__(self, refused: SettingsError) -> None:
        super().__init__()
        self._refused = refused

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command:
        """The command, if it is there; every other is refused for the settings' sake."""
        if command := super().get_command(ctx, cmd_name):
            return command
        raise self._refused
