"""docs/migrating.md covers every section of OpenMakerSuite's guide, and all of its commands run."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.local.stack import LocalStack, local_stack
from tests import documentation
from tests.stack.extra import ROOT
from tests.stack.pages import run

GUIDE = ROOT / "docs/migrating.md"
# Pages whose commands run, in this order.
PAGES = ("docs/migrating.md", "docs/celery.md", "docs/client.md")
DUMP = ROOT / "tests/data/openmakersuite-dump.json"

# The headings of OpenMakerSuite's guide, and the heading of docs/migrating.md that covers each.
SECTIONS = {
    "Django Admin Interface": "Django admin interface",
    "Flower - Real-time Monitoring Dashboard": "Flower",
    "Available Tasks": "Available tasks",
    "Task Status Meanings": "Task status meanings",
    "Monitoring Best Practices": "Monitoring best practices",
    "Configuration": "Configuration",
    "Common Commands": "Common commands",
    "Troubleshooting": "Troubleshooting",
    "Production Deployment": "Production deployment",
    "Security Considerations": "Security considerations",
}
# The commands of OpenMakerSuite's guide; docs/migrating.md names each with its replacement.
COMMANDS = (
    "celery -A config flower --port=5555",
    "celery -A config worker",
    "celery -A config inspect active",
    "celery -A config inspect registered",
    "celery -A config purge",
    "celery -A config control shutdown",
    "redis-cli ping",
    "tail -f /tmp/celery.log",
    "ps aux",
    "--basic_auth",
    "TaskResult",
    "CELERY_TASK_TIME_LIMIT",
    "CELERY_TASK_TRACK_STARTED",
    "CELERY_RESULT_EXTENDED",
    "CELERY_BROKER_URL",
    "CELERY_RESULT_BACKEND",
)


def commands() -> list[str]:
    """The commands of the pages, in order and each once, without redirections and pipes."""
    lines = [line for page in PAGES for line in documentation.run_by("tests/stack/test_migrating.py", page)]
    return list(dict.fromkeys(re.split(r"\s+>", line)[0] for line in lines))


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    with local_stack(tmp_path_factory.mktemp("migrating")) as deployed:
        yield deployed


def test_every_section_of_openmakersuites_guide_is_covered():
    headings = re.findall(r"^## (.*)$", GUIDE.read_text(), re.MULTILINE)
    missing = [title for title, ours in SECTIONS.items() if not any(found.startswith(ours) for found in headings)]
    assert not missing


def test_every_command_of_openmakersuites_guide_has_a_replacement():
    page = GUIDE.read_text()
    assert [command for command in COMMANDS if command not in page] == []


def test_every_command_in_migrating_md_runs(stack: LocalStack, tmp_path: Path):
    # given the sample inventory, and a task that has run
    shutil.copy(DUMP, tmp_path / "dump.json")
    item_id = next(entry["pk"] for entry in json.loads(DUMP.read_text()) if entry["model"].endswith("inventoryitem"))
    call = f"""makertasks call generate_qr_code -k '{{"item_id": "{item_id}"}}' --wait --timeout 60 --json"""
    first = run(stack, tmp_path, ["makertasks configure --stack makertasks", "makertasks import dump.json", call])
    assert [code for _, code, _ in first] == [0, 0, 0], first
    task_id = json.loads(first[2][2])["id"]

    # when every command of the page is run
    lines = [line.replace("TASK_ID", task_id).replace("ITEM_ID", item_id) for line in commands()]
    ran = run(stack, tmp_path, lines)

    # then all of them succeed and print what they should
    assert len(ran) == len(lines)
    assert [(line, code, said) for line, code, said in ran if code] == []
    said = {line: text for line, _, text in ran}
    assert task_id in said["makertasks list"]
    assert "SUCCESS" in said[f"makertasks show {task_id}"]
    assert "task started" in said[f"makertasks logs {task_id}"]
    assert "workers online" in said["makertasks status"]
    assert f"qr_{item_id}.png" in said[f"makertasks result {task_id}"]
    assert re.search(r"Purged \d+ messages", said["makertasks purge --force"])
    assert 'CELERY_BROKER_URL = "sqs://"' in said["makertasks celery-settings"]


def test_every_command_named_in_the_text_exists(stack: LocalStack, tmp_path: Path):
    named = set(re.findall(r"`makertasks ((?:inspect |control |schedules )?[a-z_-]+)", GUIDE.read_text()))
    ran = run(stack, tmp_path, [f"makertasks {each} --help" for each in sorted(named - {"--install-completion"})])
    assert [(line, said) for line, code, said in ran if code] == []
