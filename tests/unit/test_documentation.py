"""The documentation's commands: each is run by a test, or listed with the reason why not."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

import api.handler  # noqa: F401 - declares the routes
import makertasks
from api import routing
from makertasks import tasks
from makertasks.aws import bucket
from makertasks.inventory import table as inventory
from tests import documentation
from tests.template import ROOT, read, resources, template

STACK_TESTS = ROOT / "tests/stack"

LANGUAGES = {"sh", "python", "json", "yaml", "text"}


@pytest.mark.parametrize("command", documentation.commands(), ids=lambda each: f"{each.page}: {each.line}")
def test_every_documented_command_is_run_by_a_test_or_has_a_reason_why_not(command):
    assert (command.runner is None) != (command.why_not is None), "tests/documentation.py: name its test, or the reason"


def test_every_named_test_runs_its_commands():
    for _, _, test in documentation.RUNNERS:
        assert documentation.run_by(test), f"{test} is given nothing"
        assert "documentation.run_by(" in (ROOT / test).read_text()


def test_every_command_excluded_from_the_tests_still_exists():
    for begins, _ in documentation.NOT_RUN:
        assert [command for command in documentation.commands() if re.match(begins, command.line)], begins


@pytest.mark.parametrize("page", [path.relative_to(ROOT).as_posix() for path in documentation.PAGES])
def test_no_code_block_escapes_the_tests(page):
    # No test reads blocks without a language or indented blocks.
    assert {block.language for block in documentation.blocks(page=page)} <= LANGUAGES
    rest = documentation.outside_blocks(page)
    assert "```" not in rest
    assert not re.search(r"\n\n {4,}(?![-*] |\d)\S", rest)


@pytest.mark.parametrize("block", documentation.blocks("python"), ids=lambda block: block.page)
def test_every_example_is_run_by_a_test(block):
    tests = [test for page, words, test in documentation.EXAMPLES if page == block.page and words in block.text]
    assert len(tests) == 1, "tests/documentation.py: name its test"


def test_every_test_named_for_an_example_contains_it():
    for page, words, test in documentation.EXAMPLES:
        assert f'example("{page}", "{words}")' in (ROOT / test).read_text()


def test_the_example_task_in_contributing_works(monkeypatch, inventory_table, media_bucket):
    # given the handler as CONTRIBUTING.md has it, and an item
    monkeypatch.setattr(tasks, "_registry", {})  # the page's example must not be registered among the project's tasks
    names: dict[str, Any] = {"__name__": "print_label.handler"}
    exec(documentation.example("CONTRIBUTING.md", "def print_label("), names)  # noqa: S102 - our own page
    item_id = "94cb6421-7fa1-4dab-802f-ec76eba2bfe7"
    inventory.write([inventory.Item(inventory.owner_of(item_id), "item", name="Bench vice")])

    # when it is called
    result = names["print_label"].call({"item_id": item_id, "copies": 2})

    # then the label is in the bucket
    assert bucket.get(result["label"]).body == b"Bench vice\nBench vice\n"


def test_the_examples_for_celery_are_what_the_stack_tests_run():
    app = documentation.example("docs/celery.md", "makertasks.contrib.django").split('"')[1]
    assert f'"{app}"' in (STACK_TESTS / "celery_client/checks_django.py").read_text()
    backend = documentation.example("docs/celery.md", "reader:Reader").split('"')[1].partition("+")[0]
    assert f'"{backend}+' in (ROOT / "tests/celery/test_reader.py").read_text()
    served = documentation.example("docs/celery.md", "handler = lambda_handler(app")
    assert (STACK_TESTS / "functions/shop/handler.py").read_text().endswith(served)


def test_the_session_in_the_readme_is_the_one_that_the_stack_tests_run():
    _import, *session = documentation.example("README.md", "result.get(timeout=30)").strip().splitlines()
    run = documentation.example("docs/client.md", "result.get(timeout=30)").splitlines()
    assert session == run[1 : 1 + len(session)]


@pytest.mark.parametrize("block", documentation.blocks("json"), ids=lambda block: block.page)
def test_json_blocks_are_valid_json(block):
    assert json.loads(block.text)


@pytest.mark.parametrize("target", ["run", "test", "setup", "check", "unit", "stack", "pythons"])
def test_every_target_that_is_named_exists(target):
    named = {match for command in documentation.commands() for match in re.findall(r"\bmake ([a-z]+)", command.line)}
    assert target in named
    makefile = (ROOT / "Makefile").read_text()
    assert re.search(rf"(?m)^{target}:", makefile)


@pytest.mark.parametrize("block", documentation.blocks("yaml"), ids=lambda block: block.page)
def test_template_examples_use_only_resource_types_and_properties_of_the_template(block):
    # Resources use only properties that template.yaml uses for the type, and refer only to what exists.
    for name, body in read(block.text).items():
        kind = body.get("Type", "AWS::Serverless::Function" if name.endswith("Function") else None)
        alike = [each["Properties"] for each in resources().values() if each["Type"] == kind]
        assert alike, f"{name} has a type that no resource of the template has"
        assert body["Properties"].keys() <= {key for properties in alike for key in properties}, name
    known = {*resources(), *template()["Parameters"], *read(block.text)}
    referred = re.findall(r"!(?:Ref|GetAtt) (\w+)", block.text)
    assert set(referred) <= known


def test_the_permission_tables_list_api_routes_and_pages_separately_in_order():
    api, pages = (ROOT / "docs/api.md").read_text().partition("### The API\n")[2].split("### The pages\n")
    is_page = {route.path: route.is_page for route in routing.all_routes()}
    for table, of_pages in ((api, False), (pages, True)):
        paths = re.findall(r"^\| `[A-Z]+ (/\S*)`", table, re.MULTILINE)
        assert paths == sorted(paths)
        assert {is_page[path] for path in paths} == {of_pages}


def test_the_threat_model_names_existing_tests():
    text = (ROOT / "docs/security/threat-model.md").read_text()
    files = re.findall(r"`(tests/[a-z_/]+\.py)`(?:, `(test_[a-z_]+)`)?", text)
    assert len(files) > 15
    for file, name in files:
        assert (ROOT / file).is_file(), file
        assert not name or f"def {name}(" in (ROOT / file).read_text(), name


def named_in_code(pattern: str) -> list[tuple[str, str]]:
    """Texts in backticks in the pages' prose and tables that match a pattern, with their page."""
    return sorted(
        {
            (page, text)
            for path in documentation.PAGES
            for page in [path.relative_to(ROOT).as_posix()]
            for text in re.findall(r"`([^`\n]+)`", documentation.outside_blocks(page))
            if re.fullmatch(pattern, text)
        }
    )


# Names from examples, other projects or a reader's own checkout.
EXAMPLE_NAMES = re.compile(r"print_label|\bshop\b|\.local/|\.venv/|settings\.py$")


def test_every_file_and_folder_that_a_page_names_exists():
    # given every text that looks like a path: a known file extension, or a name in a top-level folder
    path = r"[\w.*/-]+\.(?:py|toml|yaml|md|sh|in|json|env)|(?:docs|functions|infra|layers|tests)/[\w./-]*"
    named = [(page, text) for page, text in named_in_code(path) if not EXAMPLE_NAMES.search(text)]
    assert len(named) > 50

    # then each is the whole path of a file or folder, or the end of one: `cards/stock.py`
    folders = ("docs", "functions", "infra", "layers", "tests")
    files = [each for folder in folders for each in (ROOT / folder).rglob("*") if each.is_file()]
    ends = [f"/{each.relative_to(ROOT).as_posix()}" for each in (*files, *ROOT.iterdir())]
    missing = [
        (page, text)
        for page, text in named
        if not (ROOT / text).exists() and not any(end.endswith(f"/{text}") for end in ends)
    ]
    assert missing == []


def test_every_module_class_and_function_that_a_page_names_exists():
    # given dotted names that begin with the package or one of its rooms or modules
    package = Path(makertasks.__file__).parent
    rooms = {path.stem for path in package.iterdir()}
    named = [
        (page, text.removesuffix("()"))
        for page, text in named_in_code(r"(?:[a-z_]+\.)+\w+(?:\(\))?")
        if text.partition(".")[0] in {"makertasks", *rooms}
        and text not in tasks.discover()
        and not text.endswith(".py")
        and text != "makertasks.functions"  # only in an installed package
    ]
    assert len(named) > 5

    # then each is a module, or defined in one (read, not imported: Celery and Django are not installed here)
    missing = []
    for page, text in named:
        place, parts = package, text.removeprefix("makertasks.").split(".")
        while parts and (place / parts[0]).is_dir():
            place /= parts.pop(0)
        if parts and (place / f"{parts[0]}.py").is_file():
            place /= f"{parts.pop(0)}.py"
        sources = "\n".join(path.read_text() for path in ([place] if place.is_file() else place.glob("*.py")))
        if parts and not re.search(rf"(?m)^(?:async )?(?:def|class) {parts[0]}\b|^{parts[0]}\b.*=", sources):
            missing.append((page, text))
    assert missing == []
