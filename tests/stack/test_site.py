"""The complete round trip between a Django site with stock Celery and a stack, by pull and by push."""

from __future__ import annotations

import io
import json
import socket
import sys
from pathlib import Path

import pytest
from PIL import Image

from infra.local.stack import LocalStack, local_stack
from tests import documentation, shells
from tests.stack.extra import ROOT
from tests.stack.test_stock_celery import VERSIONS, a_user, run

CLIENT = Path(__file__).with_name("celery_client")


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """The environment of the site's process, without its AWS keys."""
    return {
        "SITE": str(ROOT / "tests/site"),
        "SITE_FOLDER": str(tmp_path),
        "CELERY_SETTINGS": str(tmp_path / "settings.json"),
        "PYTHONPATH": str(ROOT / "layers/makertasks/python"),
    }


@pytest.fixture
def port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        number: int = free.getsockname()[1]
    return number


def makertasks(stack: LocalStack, *arguments: str) -> str:
    """The output of an administrator's command."""
    environment = {**shells.with_package(stack), **shells.of_stack(stack)}
    ran = run([str(ROOT / ".venv/bin/python"), "-m", "makertasks", *arguments], environment, ROOT)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.strip()


def picture(stack: LocalStack, colour: str, kind: str) -> str:
    """A presigned URL of a picture in the local bucket, which the stack allows for downloads."""
    body = io.BytesIO()
    Image.new("RGB", (400, 400), colour).save(body, kind)
    place = {"Bucket": stack.outputs["MediaBucketName"], "Key": f"CACHE/source.{kind.lower()}"}
    stack.client("s3").put_object(**place, Body=body.getvalue())
    link: str = stack.client("s3").generate_presigned_url("get_object", Params=place)
    return link


def go_round(stack: LocalStack, environment: dict[str, str], version: str) -> None:
    """Run the site, on the oldest or newest Celery and Django, with exactly the printed policy."""
    Path(environment["CELERY_SETTINGS"]).write_text(makertasks(stack, "celery-settings", "--json"))
    policy = json.loads(makertasks(stack, "celery-settings", "--policy", "--inventory"))
    pictures = {"RED": picture(stack, "red", "JPEG"), "BLUE": picture(stack, "blue", "PNG")}
    given = {
        **shells.shell(stack.endpoint),
        **shells.of_stack(stack),
        **environment,
        **a_user(stack, policy),
        **pictures,
    }
    python = str(ROOT / f".local/celery-{version}/bin/python")
    options = ("-q", "-x", "-p", "no:cacheprovider", "-c", "/dev/null", f"--confcutdir={CLIENT}")
    ran = run([python, "-m", "pytest", *options, "checks_site.py"], given, CLIENT)
    sys.stdout.write(ran.stdout)
    assert ran.returncode == 0, ran.stdout + ran.stderr


@pytest.mark.parametrize("version", VERSIONS)
def test_a_site_stays_in_sync_by_pull(tmp_path: Path, environment: dict[str, str], version: str):
    with local_stack(tmp_path / "aws") as stack:
        go_round(stack, environment, version)


@pytest.mark.parametrize("version", VERSIONS)
def test_a_site_stays_in_sync_by_push(tmp_path: Path, environment: dict[str, str], port: int, version: str):
    with local_stack(tmp_path / "aws", SiteUrl=f"http://127.0.0.1:{port}/makertasks/changes/") as stack:
        secret = makertasks(stack, "site-secret")
        go_round(stack, {**environment, "SITE_PORT": str(port), "MAKERTASKS_WEBHOOK_SECRET": secret}, version)


def test_migrating_to_the_stack_and_back(tmp_path: Path, environment: dict[str, str]):
    """The commands of docs/openmakersuite.md, in order."""
    (tmp_path / "config").mkdir()
    lines = documentation.run_by("tests/stack/test_site.py", "docs/openmakersuite.md")
    assert "python manage.py makertasks_sync --all" in lines
    with local_stack(tmp_path / "aws") as stack:
        site = f"{ROOT / '.local/celery-newest/bin/python'} {ROOT / 'tests/site/manage.py'}"
        admin = {**shells.with_package(stack), **environment, "PYTHONPATH": shells.with_package(stack)["PYTHONPATH"]}
        given = {**admin, "MAKERTASKS_CONFIG": str(tmp_path / "config.toml"), "CELERY_SETTINGS": ""}
        commands = {"python manage.py": site, "makertasks": f"{ROOT / '.venv/bin/python'} -m makertasks"}
        run([*site.split(), "migrate", "--run-syncdb"], given | shells.of_stack(stack), tmp_path)
        said = {}
        for line in lines:
            name = next(each for each in commands if line.startswith(each))
            ran = run(["bash", "-c", line.replace(name, commands[name], 1)], given, tmp_path)
            assert ran.returncode == 0, f"{line}: {ran.stdout}{ran.stderr}"
            said[line] = ran.stdout
    assert "site: nothing missing" in said["python manage.py makertasks_sync --all"]
    assert said["python manage.py makertasks_sync"].strip() == "nothing new"


def test_the_test_sites_settings_match_the_documentation():
    project = ROOT / "tests/site/makerspace"
    app = documentation.example("docs/openmakersuite.md", "INSTALLED_APPS").split('"')[1]
    assert f'"{app}"' in (project / "settings.py").read_text()
    view = documentation.example("docs/openmakersuite.md", "urlpatterns").partition("[")[2].strip().removesuffix("]")
    assert view in (project / "urls.py").read_text()
