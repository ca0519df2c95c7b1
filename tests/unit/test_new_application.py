"""What `make celery-app` reads from a project before it writes anything."""

from __future__ import annotations

import pytest

from infra import new_application
from infra.new_application import Application, InvalidTask


def test_requirements_are_read_with_the_files_that_they_include(tmp_path):
    (tmp_path / "requirements.txt").write_text("-r requirements/base.txt\ncelery>=5.4\n")
    (tmp_path / "requirements").mkdir()
    (tmp_path / "requirements/base.txt").write_text("# what everything needs\n--requirement=more.txt\ndjango>=4.2\n")
    (tmp_path / "requirements/more.txt").write_text("requests\n")
    found = new_application.requirements(tmp_path)
    assert found == ["# what everything needs", "requests", "django>=4.2", "celery>=5.4"]


def test_without_a_requirements_file_the_projects_dependencies_are_used(tmp_path):
    assert new_application.requirements(tmp_path) == []
    (tmp_path / "pyproject.toml").write_text('[project]\ndependencies = ["celery>=5.4", "requests"]\n')
    assert new_application.requirements(tmp_path) == ["celery>=5.4", "requests"]


def test_a_named_file_that_is_missing_is_an_error(tmp_path):
    with pytest.raises(InvalidTask, match=r"REQUIREMENTS=.*base\.txt: no such file"):
        new_application.requirements(tmp_path, tmp_path / "base.txt")


def test_an_application_may_be_a_single_module(tmp_path):
    (tmp_path / "billing.py").write_text("app = 5\n")
    Application("billing:app", tmp_path).check()
    new_application.copy(tmp_path / "billing", tmp_path / "functions")
    assert (tmp_path / "functions/__init__.py").read_text() == "app = 5\n"
    with pytest.raises(InvalidTask, match=r"neither a folder other nor other\.py"):
        Application("other:app", tmp_path).check()
