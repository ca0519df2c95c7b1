"""The `makertasks` command line, with Celery's command names where Celery has them.

application   the command itself, exit codes
output        tables, JSON, progress
completion    shell completion
spelling      other spellings of commands
shells        how bash and zsh take what it offers
setup         configure, policy, celery-settings, site-secret
sending       call, result, retry
viewing       list, show, logs
events        events; its full screen is in `screen`
inspection    status, inspect …
control       purge, control …
upkeep        import, cleanup, recount, qr-code, schedules
alerts        alerts …
new           new celery-app
"""

import sys


def main() -> None:
    """Run the command line, which needs the extra `makertasks[cli]`."""
    try:
        from makertasks.cli.application import run  # noqa: PLC0415 - Typer and rich may be missing
    except ModuleNotFoundError as error:
        if error.name not in {"typer", "rich"}:
            raise
        sys.exit(f"error: the command line needs {error.name}: pip install 'makertasks[cli]'")
    run()
