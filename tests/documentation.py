"""The pages of the documentation as data: their blocks, and which test runs which of their commands.

Every command is in a block marked `sh`. `run_by` returns the commands that a test has to run, `NOT_RUN` names those
that no test can run, with the reason; tests/unit/test_documentation.py fails for a command that is in neither.
"""

from __future__ import annotations

import re
import textwrap
from dataclasses import dataclass

from tests.template import ROOT

PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])

# Pages (a pattern of their paths), commands (a pattern of their beginning), and the test that runs them.
RUNNERS = (
    (r"docs/(migrating|celery|client)\.md", r"makertasks ", "tests/stack/test_migrating.py"),
    (r"docs/openmakersuite\.md", r"makertasks |python manage\.py ", "tests/stack/test_site.py"),
    (r"docs/execution\.md", r"makertasks ", "tests/stack/test_execution.py"),
    (r"README\.md", r"API=|TOKEN=|curl ", "tests/stack/test_local_run.py"),
    (r"docs/api\.md", r"API=|TOKEN=|CURSOR=|curl -s (-H|\"\$API)", "tests/stack/test_route_rights.py"),
    (r".*", r"aws |sam remote |curl -s -u ", "tests/stack/test_documented_commands.py"),
    (r"CONTRIBUTING\.md", r"make task ", "tests/stack/test_new_task.py"),
    (r"docs/deploying\.md", r"(AWS_REGION=\S+ )?make (deploy|destroy|restore) ", "tests/stack/test_deploy.py"),
)  # fmt: skip

# Commands that are not run unchanged, and the reason. The first match counts.
NOT_RUN = (
    (r"make deploy STAGE=prod KeyShards", "a parameter like any other; tests/engine/test_key_shards.py tests it"),
    (r"make rollback ", "the local AWS has no aliases; tests/unit/test_rolling_back.py tests it"),
    (r"git (clone|checkout) ", "no published repository and no earlier version yet; the other commands are run"),
    (r"make (setup|check|unit|engine|dates|pythons|stack|test)\b", "these run the tests; a test finds the targets"),
    (r"make run\b", "tests/stack/test_local_run.py runs what the target runs"),
    (r"pip install ", "the package is not published yet; tests/stack/test_package.py installs the checkout"),
    (r"python manage\.py ", "OpenMakerSuite's own command; tests import a file that it wrote"),
    (r"celery -A config worker ", "tests/stack/test_stock_celery.py starts a stock worker this way"),
    (r"python -m makertasks\.contrib\.celery\.describing ", "tests/celery/test_describing.py calls the same function"),
    (r"docker compose |sam local ", "needs Docker; tests/unit/test_compose.py checks what can be checked without it"),
    (r"set -a; |\.venv/bin/python -m infra\.deploy ", "uses a container; tests/stack/test_deploy.py runs infra.deploy"),
)  # fmt: skip

# Page, words of a Python example in it, and the test that runs it or compares it with code that runs.
EXAMPLES = (
    ("README.md", "result.get(timeout=30)", "tests/unit/test_documentation.py"),
    ("docs/client.md", "result.get(timeout=30)", "tests/stack/test_documented_commands.py"),
    ("docs/client.md", "chain(generate_qr_code.s(item_id)", "tests/stack/test_documented_commands.py"),
    ("docs/client.md", "transaction.on_commit(", "tests/stack/test_documented_commands.py"),
    ("docs/client.md", "generate_qr_code.submit_many(", "tests/stack/test_documented_commands.py"),
    ("docs/celery.md", "MakertasksControl", "tests/stack/test_documented_commands.py"),
    ("docs/celery.md", "makertasks.contrib.django", "tests/unit/test_documentation.py"),
    ("docs/celery.md", "reader:Reader", "tests/unit/test_documentation.py"),
    ("docs/celery.md", "handler = lambda_handler(app", "tests/unit/test_documentation.py"),
    ("docs/openmakersuite.md", "INSTALLED_APPS", "tests/stack/test_site.py"),
    ("docs/openmakersuite.md", "urlpatterns", "tests/stack/test_site.py"),
    ("docs/openmakersuite.md", "STORAGES", "tests/stack/test_site_rights.py"),
    ("CONTRIBUTING.md", "def print_label(", "tests/unit/test_documentation.py"),
)  # fmt: skip

_FENCED = re.compile(r"^(?P<indent> *)```(?P<language>\w*)\n(?P<text>.*?)^(?P=indent)```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """A block of code: the page's path, its language as marked, its text without the indentation of a list."""

    page: str
    language: str
    text: str


@dataclass(frozen=True)
class Command:
    """One command of a page, without its comment; continued lines are one command."""

    page: str
    line: str

    @property
    def runner(self) -> str | None:
        """The test that runs the command."""
        found = (
            test for pages, begins, test in RUNNERS if re.fullmatch(pages, self.page) and re.match(begins, self.line)
        )
        return next(found, None)

    @property
    def why_not(self) -> str | None:
        """The reason why no test runs the command unchanged, if none does."""
        return (
            None if self.runner else next((reason for begins, reason in NOT_RUN if re.match(begins, self.line)), None)
        )


def blocks(language: str | None = None, page: str | None = None) -> list[Block]:
    """The blocks of all pages or of one, in order; of one language or of all."""
    found = [
        Block(name, match["language"], textwrap.dedent(match["text"]))
        for path in PAGES
        if page in {None, name := path.relative_to(ROOT).as_posix()}
        for match in _FENCED.finditer(path.read_text())
    ]
    return [block for block in found if language in {None, block.language}]


def outside_blocks(page: str) -> str:
    """A page's text without its blocks."""
    return _FENCED.sub("", (ROOT / page).read_text())


def commands(page: str | None = None) -> list[Command]:
    """The commands of all pages or of one, in order."""
    lines = [
        (block.page, line) for block in blocks("sh", page) for line in block.text.replace("\\\n", " ").splitlines()
    ]
    return [Command(name, re.sub(r"\s{2,}#.*", "", line).strip()) for name, line in lines if line.strip()]


def run_by(test: str, page: str | None = None) -> list[str]:
    """The commands that a test has to run, in order; of all pages or of one."""
    return [command.line for command in commands(page) if command.runner == test]


def example(page: str, words: str) -> str:
    """The only Python example of a page that contains these words."""
    [found] = [block.text for block in blocks("python", page) if words in block.text]
    return found
