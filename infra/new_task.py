"""Add a task: its folder, its test, its test event and its block in template.yaml, with all names filled in.

make task NAME=print_label                    writes to print_label/ in the media bucket
make task NAME=print_label WRITES=labels/     writes to labels/

The new task already works: it writes a text file with an item's name. Replace its body with your own.
"""

from __future__ import annotations

import argparse
import importlib.util
import keyword
import os
import re
import subprocess
import sys
from pathlib import Path

import makertasks
from makertasks.tasks import InvalidDefinition, Task

ROOT = Path(__file__).resolve().parents[1]
MODEL = "generate_qr_code"  # the task whose block in template.yaml is copied
LONGEST = 40  # characters; Lambda accepts 64 for a function's name, which begins with the stack's
EXAMPLE = "b3515d30-e44f-455a-a04a-d4199241840e"

PACKAGE = '''"""`inventory.tasks.{name}`: writes a file for an item."""
'''
HANDLER = '''"""Lambda function of `inventory.tasks.{name}`."""

from __future__ import annotations

from typing import Any

from makertasks.aws import bucket
from makertasks.inventory import table as inventory
from makertasks.tasks import ItemId, task
from makertasks.worker.handler import lambda_handler

FOLDER = "{folder}"


@task("inventory.tasks.{name}", writes=(FOLDER,), example={{"item_id": "{example}"}})
def {name}(item_id: ItemId) -> dict[str, Any]:
    """Write a file for an item.

    Reads the item; writes `{folder}{{id}}.txt`. Raises UnknownItem, or TemporaryError if a service fails.
    """
    item = inventory.get_item(item_id)
    key = f"{{FOLDER}}{{item_id}}.txt"
    bucket.put(key, f"{{item.name}}\\n".encode(), "text/plain; charset=utf-8")
    return {{"file": key}}


handler = lambda_handler({name})
'''
TEST = '''"""Tests of `inventory.tasks.{name}`: it writes a file for an item."""

from __future__ import annotations

from uuid import UUID

import pytest

from makertasks.aws import bucket
from makertasks.errors import UnknownItem
from makertasks.inventory import table as inventory
from {name}.handler import FOLDER, {name}

ITEM = UUID(int=1)


def test_it_writes_a_file_for_the_item(inventory_table, media_bucket):
    # given an item
    inventory.write([inventory.Item(inventory.owner_of(ITEM), "item", name="Bench vice")])

    # when the task runs
    result = {name}.call({{"item_id": str(ITEM)}})

    # then the file that its result names is in the bucket, in the folder that it declares
    assert result == {{"file": f"{{FOLDER}}{{ITEM}}.txt"}}
    assert bucket.get(result["file"]).body == b"Bench vice\\n"


def test_an_unknown_item_fails_the_task_permanently(inventory_table, media_bucket):
    with pytest.raises(UnknownItem, match=str(ITEM)):
        {name}.call({{"item_id": str(ITEM)}})
'''
# The new role's permissions in addition to every task's.
RIGHTS = """\
        {{Sid: Item, Effect: Allow, Action: [dynamodb:GetItem], Resource: !GetAtt InventoryTable.Arn}},
        {{Sid: File, Effect: Allow, Action: [s3:PutObject], Resource: !Sub "${{MediaBucket.Arn}}/{folder}*"}}]}}}}]"""


class InvalidTask(Exception):
    """No task was added; the message names the invalid value and the remedy."""


def check_name(name: str) -> None:
    """Raise InvalidTask for an invalid name."""
    if not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", name) or keyword.iskeyword(name):
        raise InvalidTask(f"NAME={name}: use lower-case letters, digits and single underscores, such as print_label")
    if len(name) > LONGEST:
        raise InvalidTask(f"NAME={name}: has {len(name)} characters; use at most {LONGEST}")
    if makertasks.is_reserved(name):
        raise InvalidTask(
            f"NAME={name}: is reserved, because makertasks.{name} is part of the package; choose another name"
        )
    if (ROOT / "functions" / name).exists():
        raise InvalidTask(f"NAME={name}: functions/{name} already exists; choose another name")
    if name in sys.stdlib_module_names or importlib.util.find_spec(name):
        raise InvalidTask(
            f"NAME={name}: this name belongs to a Python module, which the folder would hide; choose another name"
        )


def check_folder(name: str, folder: str) -> None:
    """Raise InvalidTask for a folder of the media bucket that no task may write to."""
    if not re.fullmatch(r"([A-Za-z0-9_-]+/)+", folder):
        raise InvalidTask(f"WRITES={folder}: use letters, digits, - and _ and a slash at the end, such as labels/")
    try:
        Task(f"inventory.tasks.{name}", check_folder, writes=(folder,))
    except InvalidDefinition as error:
        raise InvalidTask(f"WRITES={folder}: {error}") from error


def with_task(template: str, name: str, folder: str) -> str:
    """Return template.yaml with the task's block, its queue in the queue policy, and its folder in two roles."""
    text = block(template, name, RIGHTS.format(folder=folder), "Writes a file for an item")
    template = with_block(template, name, text)
    for role, sid in (("ApiRole", "Link"), ("CleanMediaRole", "Remove")):
        template = _with_folder(template, role, sid, folder)
    return template


def with_block(template: str, name: str, text: str) -> str:
    """Return template.yaml with a task's block, and its queue in the queue policy."""
    template = _replace(r"(?=  # ── System function )", text, template)
    queue = f",\n        !Ref {camel(name)}Queue"
    return _replace(r"(?=\]\n      PolicyDocument:)", queue, template, after="\n  QueuesPolicy:")


def block(template: str, name: str, rights: str, description: str) -> str:
    """Return a task's block: the model's, with the task's names, permissions and description."""
    found = re.search(rf"  # ── Task {MODEL} .*?(?=  # ── )", template, re.DOTALL)
    if not found:
        raise InvalidTask(
            f"template.yaml: has no block that begins with # ── Task {MODEL}, from which new blocks are copied"
        )
    text = found[0].replace(MODEL, name).replace(camel(MODEL), camel(name))
    text = _replace(r"  # ── .*", f"  # ── Task {name} ".ljust(120, "─"), text)
    text = _replace(rf"(?s) +\{{Sid: Item,.*?(?=\n  {camel(name)}Function:)", rights, text)
    text = _replace(r"Description: \".*\"", f"Description: {description}", text)
    text = _replace(r"(\n +Timeout: \d+).*", r"\1 # at most the queue's VisibilityTimeout", text)
    text = _replace(r"(MemorySize: \d+).*", r"\1 # memory buys processor time on Lambda", text)
    return _replace(r", !Ref QrcodeLayer", "", text)


def add(name: str, folder: str) -> list[Path]:
    """Write all files of a task and return their paths; raises InvalidTask before anything is written."""
    check_name(name)
    check_folder(name, folder)
    template = ROOT / "template.yaml"
    names = {"name": name, "folder": folder, "example": EXAMPLE}
    texts = {
        ROOT / f"functions/{name}/__init__.py": PACKAGE.format(**names),
        ROOT / f"functions/{name}/handler.py": HANDLER.format(**names),
        ROOT / f"tests/unit/test_{name}.py": TEST.format(**names),
        template: with_task(template.read_text(), name, folder),
    }
    for path, text in texts.items():
        if path != template and path.exists():
            raise InvalidTask(f"NAME={name}: {path.relative_to(ROOT)} already exists; choose another name")
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    python = [path for path in texts if path.suffix == ".py"]
    _run("ruff", "format", "--quiet", *map(str, python))  # a long name changes the line breaks
    _run("infra.examples")
    _run("infra.costs")
    return [*texts, ROOT / f"infra/events/{name}.json", ROOT / "docs/costs.md"]


def _with_folder(template: str, role: str, sid: str, folder: str) -> str:
    """Return the template with a folder added to a role's statement, unless the statement already covers it."""
    found = re.search(rf"\n  {role}:\n.*?(\{{Sid: {sid}, .*?\])(?=\}}[,\]])", template, re.DOTALL)
    if not found:
        raise InvalidTask(f"template.yaml: {role} has no statement {sid} to which the folder could be added")
    if folder.startswith(tuple(re.findall(r"MediaBucket\.Arn\}/([^*]*)\*", found[1]))):
        return template
    end = found.end() - 1
    return f'{template[:end]},\n{" " * 11}!Sub "${{MediaBucket.Arn}}/{folder}*"{template[end:]}'


def _replace(pattern: str, by: str, text: str, after: str = "") -> str:
    """Return the text with the first match after `after` replaced; raises InvalidTask if there is none."""
    start = text.find(after)
    changed, number = re.subn(pattern, by, text[start:], count=1)
    if start < 0 or not number:
        raise InvalidTask(f"template.yaml: does not have the form that this command expects ({pattern!r} not found)")
    return text[:start] + changed


def _run(module: str, *arguments: str) -> None:
    """Run a module with the Makefile's PYTHONPATH."""
    search = os.pathsep.join(("functions", "layers/makertasks/python"))
    command = [sys.executable, "-m", module, *arguments]
    subprocess.run(command, cwd=ROOT, env=os.environ | {"PYTHONPATH": search}, stdout=subprocess.DEVNULL, check=True)


def camel(name: str) -> str:
    """Return a name in camel case, for resources."""
    return "".join(part.capitalize() for part in name.split("_"))


def main() -> int:
    """Add a task and print the next steps."""
    parser = argparse.ArgumentParser(prog="make task", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("name", help="name of the task, its folder, queue and function, such as print_label")
    parser.add_argument(
        "writes", nargs="?", help="folder in the media bucket that it writes to, such as labels/; by default NAME/"
    )
    arguments = parser.parse_args()
    try:
        written = add(arguments.name, arguments.writes or f"{arguments.name}/")
    except InvalidTask as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    for path in written:
        print(f"  {path.relative_to(ROOT)}")
    print(
        f"Next, write the task in functions/{arguments.name}/handler.py, and add the permissions that it needs "
        "to its role in template.yaml."
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
