"""Declarations of tasks (folders, examples, names), and that template.yaml agrees with them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import makertasks
from makertasks import tasks
from makertasks.aws import bucket
from makertasks.monitoring import views
from tests.template import ROOT, resources


def folders_of(role, sid):
    """Folders of the media bucket in one statement of a role."""
    policies = resources()[role]["Properties"]["Policies"]
    statements = {each["Sid"]: each for policy in policies for each in policy["PolicyDocument"]["Statement"]}
    return set(re.findall(r"MediaBucket\.Arn\}/([^*]*)\*", str(statements[sid]["Resource"])))


def test_every_task_has_an_example_that_fits_its_arguments():
    for task in tasks.discover().values():
        assert task.bind((), task.example) == task.example, task.name


def test_the_api_may_link_and_clean_media_may_remove_what_tasks_write():
    written = tasks.written_folders()
    assert {"CACHE/", "index_cards/", "inventory/images/", "inventory/qrcodes/"} <= set(written)
    linked, removed = folders_of("ApiRole", "Link"), folders_of("CleanMediaRole", "Remove")
    assert all(folder.startswith(tuple(linked)) for folder in written), "template.yaml: ApiRole, Link"
    assert set(written) == removed, "template.yaml: CleanMediaRole, Remove"


def test_files_that_a_task_writes_are_linked(media_bucket, monkeypatch):
    views._folders.cache_clear()
    monkeypatch.setattr(tasks, "written_folders", lambda: ("labels/",))
    assert views.is_made("labels/a.txt")
    assert not views.is_made("payloads/a.json")
    views._folders.cache_clear()
    assert bucket.link("labels/a.txt")


@pytest.mark.parametrize("folder", ["labels", "/", "payloads/", "uploads/labels/", "imports/", "jobs/", "rejected/x/"])
def test_a_folder_that_no_task_may_write_to_is_refused(folder):
    with pytest.raises(tasks.InvalidDefinition, match=f"tests.print_label: writes: '{folder}' is not a valid folder"):
        tasks.Task("tests.print_label", lambda: None, writes=(folder,))


@pytest.mark.parametrize("name", ["records", "client", "AsyncResult", "chain", "cli"])
def test_a_task_folder_with_a_reserved_name_is_refused(name, tmp_path, monkeypatch):
    # given a task in a folder with a name that makertasks already uses
    (tmp_path / name).mkdir()
    (tmp_path / name / "handler.py").write_text(f'@task("tests.{name}")\ndef {name}(): ...\n')
    monkeypatch.setenv("LAMBDA_TASK_ROOT", str(tmp_path))

    # then loading the tasks reports it
    with pytest.raises(tasks.InvalidDefinition, match=f"functions/{name}: no task can have this name"):
        tasks.discover()


def test_the_contributing_page_lists_every_reserved_module_name():
    modules = {path.stem for path in Path(makertasks.__file__).parent.iterdir() if not path.name.startswith("_")}
    page = (ROOT / "CONTRIBUTING.md").read_text().partition("in `makertasks` itself are reserved")[2]
    listed = set(re.findall(r"`(\w+)`", page.partition("(")[2].partition(")")[0]))
    assert listed == {name for name in modules if makertasks.is_reserved(name)}
