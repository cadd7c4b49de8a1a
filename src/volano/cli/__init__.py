"""The command line: `volano`, a command each for what one does with the wheel."""

from __future__ import annotations

import os
import sys

import typer
from typer.exceptions import TyperException

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
        code = app(sys.argv[1:] or ["--help"], standalone_mode=False)
        sys.exit(code if isinstance(code, int) else 0)
    except VolanoError as error:
        _stop(error.message)
    except TyperException as error:
        words = error.format_message() if hasattr(error, "format_message") else str(error)
        _stop(f"{words.rstrip('.')}; `{_asked()} --help` shows what there is")
    except (KeyboardInterrupt, BrokenPipeError, typer.Abort):
        sys.exit(130)
    except OSError as error:
        _stop(f"{error.filename or 'the system'}: {error.strerror or error}")
    except Exception as error:  # whatever it is, a person gets a sentence and a way to tell us
        if os.environ.get("VOLANO_TRACEBACK"):
            raise
        _stop(
            f"something broke on our side ({type(error).__name__}: {error}); VOLANO_TRACEBACK=1 shows where"
        )


def _asked() -> str:
    """The command that was meant, as far as it is one."""
    word = sys.argv[1] if len(sys.argv) > 1 else ""
    known = word in {command.name for command in app.registered_commands}
    return f"volano {word}" if known else "volano"


def _stop(sentence: str) -> None:
    print(f"volano: {' '.join(sentence.split())}", file=sys.stderr)  # noqa: T201  the one sentence
    sys.exit(2)
