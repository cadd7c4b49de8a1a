"""The command line: `volano`, a command each for what one does with the wheel."""

from __future__ import annotations

import sys

import typer

from volano.errors import VolanoError

app = typer.Typer(
    name="volano",
    help="A wheel: find where customers are lost, try the best idea, read an honest verdict.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def main() -> None:
    """Run the command line: exit 0, or 2 with one sentence."""
    from volano.cli import commands

    commands.register(app)
    try:
        app()
    except VolanoError as error:
        _stop(error.message)
    except (KeyboardInterrupt, BrokenPipeError):
        sys.exit(130)
    except OSError as error:
        _stop(f"{error.filename or 'the system'}: {error.strerror or error}")


def _stop(sentence: str) -> None:
    print(f"volano: {sentence}", file=sys.stderr)  # noqa: T201  the one sentence
    sys.exit(2)
