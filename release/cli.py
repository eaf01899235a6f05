"""The ``release`` command: its group of verbs, and how a call ends. Options, runbook and text of a verb are its own."""

import signal
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from release.process.errors import Interrupted, StagelineError, WrongUsage
from release.process.text import bounded
from release.verbs import VERBS

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

LINES = {name: line for verbs in VERBS.values() for name, line in verbs.items()}


class Verbs(click.Group):
    """The verbs, shown by what they are for; each one is imported when it is called."""

    def list_commands(self, context: click.Context) -> list[str]:
        """The names of all verbs, in groups."""
        return list(LINES)

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        """The verb of that name, imported now."""
        if name not in LINES:
            return None
        command: click.Command = import_module(f"release.verbs.{name.replace('-', '_')}").command
        return command

    def resolve_command(
        self, context: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The verb that was typed; where there is none of that name, those that may have been meant are told."""
        try:
            return super().resolve_command(context, args)
        except click.NoSuchCommand as error:
            raise click.NoSuchCommand(error.command_name, possibilities=LINES, ctx=context) from None

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        """A section for each group, as wide as the longest verb of all."""
        width = max(map(len, LINES))
        for group, verbs in VERBS.items():
            with formatter.section(group):
                formatter.write_dl([(name.ljust(width), line) for name, line in verbs.items()])

    def shell_complete(self, context: click.Context, incomplete: str) -> "list[CompletionItem]":
        """The verbs that begin so, with their lines, and the group's options; no verb is imported for that."""
        from click.shell_completion import CompletionItem

        verbs = [CompletionItem(name, help=line) for name, line in LINES.items() if name.startswith(incomplete)]
        return verbs + click.Command.shell_complete(self, context, incomplete)


@click.group(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option(
    "--project",
    type=click.Path(file_okay=False, path_type=Path),
    envvar="STAGELINE_PROJECT",
    default=".",
    help="The folder with Pulumi.yaml and the stack files.  [env: STAGELINE_PROJECT; default: .]",
)
@click.option("--verbose", is_flag=True, help="Show a traceback when something fails.")
@click.pass_context
def release(context: click.Context, project: Path, verbose: bool) -> None:
    """Carry one tested artifact from environment to environment, and back.

    \b
    Exit codes: 0 done, 1 broken, 2 usage, 3 refused, 4 inconclusive,
    5 someone else holds the lease, 130/143 interrupted.
    """
    context.obj = project


def main() -> NoReturn:
    """Run the command and end by the exit codes of the reference; one line on stderr where it did not end well."""
    sys.exit(exit_code(lambda: release.main(standalone_mode=False)))


def exit_code(run: Callable[[], Any]) -> int:
    """How a call ended, as the process tells it; what failed is told in a line."""
    try:
        result = run()
    except (KeyboardInterrupt, click.Abort):
        return _failed(KeyboardInterrupt(), "interrupted", 128 + signal.SIGINT)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except Interrupted as error:
        return _failed(error, str(error), 128 + error.signal_number)
    except StagelineError as error:
        return _failed(error, str(error), error.exit_code)
    except Exception as error:
        return _unexpected(error)
    return result if isinstance(result, int) else 0


def _unexpected(error: Exception) -> int:
    from settings.errors import InvalidSettings

    if isinstance(error, InvalidSettings):
        return _failed(error, str(error), WrongUsage.exit_code)
    return _failed(error, f"unexpected {type(error).__name__}: {bounded(str(error))}; run it again with --verbose", 1)


def _failed(error: BaseException, line: str, code: int) -> int:
    if "--verbose" in sys.argv:
        from traceback import print_exception

        print_exception(error)
    sys.stderr.write("".join(f"release: {part}\n" for part in line.splitlines()))
    return code


if __name__ == "__main__":
    main()
