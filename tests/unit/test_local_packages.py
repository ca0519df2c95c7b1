"""Layers and code packed for Lambda: same content, same bytes; and wheels of the target, not of this machine."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from datetime import UTC, date, datetime
from importlib import metadata
from pathlib import Path

import pytest

from infra.local import archives, packages, template
from infra.local.errors import BuildFailed, DeployFailed
from infra.local.packages import Target
from infra.local.sample import load

ROOT = Path(__file__).resolve().parents[2]


def write(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def test_equal_content_gives_equal_bytes(tmp_path):
    # given the same files written at different times in a different order
    content = {"python/a.py": "A = 1\n", "python/b/c.py": "C = 2\n"}
    first = write(tmp_path / "first", content)
    second = write(tmp_path / "second", dict(reversed(content.items())))
    for path in archives.files(second):
        os.utime(path, (0, 1_000_000_000))

    # when each is zipped
    for folder in (first, second):
        archives.write_zip(tmp_path / f"{folder.name}.zip", folder, archives.files(folder))

    # then not a byte differs
    assert (tmp_path / "first.zip").read_bytes() == (tmp_path / "second.zip").read_bytes()
    assert zipfile.ZipFile(tmp_path / "first.zip").namelist() == ["python/a.py", "python/b/c.py"]


def test_a_digest_changes_with_names_bytes_and_target_but_not_with_leftovers(tmp_path):
    folder = write(tmp_path / "layer", {"python/a.py": "A = 1\n"})
    before = archives.digest(folder, "arm64")

    assert archives.digest(folder, "x86_64") != before
    write(folder, {"python/__pycache__/a.cpython-311.pyc": "x"})
    assert archives.digest(folder, "arm64") == before
    write(folder, {"python/a.py": "A = 2\n"})
    assert archives.digest(folder, "arm64") != before
    write(folder, {"python/a.py": "A = 1\n"})
    assert archives.digest(folder, "arm64") == before
    (folder / "python/a.py").rename(folder / "python/b.py")
    assert archives.digest(folder, "arm64") != before


def test_local_bytecode_is_valid_in_any_folder_and_at_any_time(tmp_path):
    # given a code root, packed for the interpreter that runs the tests
    code = write(tmp_path / "functions", {"hello/handler.py": "def handler(event, context):\n    return 'hello'\n"})
    path = packages.code_zip(code, Target.local(Path(sys.executable)), tmp_path / "cache")

    # when it is unpacked, and its source is overwritten
    zipfile.ZipFile(path).extractall(tmp_path / "unpacked")
    source = tmp_path / "unpacked/hello/handler.py"
    source.write_text("raise SystemExit('compiled again')")

    # then the bytecode runs
    command = "from hello.handler import handler; print(handler({}, None))"
    done = subprocess.run(  # noqa: S603  # this interpreter
        [sys.executable, "-c", command], cwd=source.parents[1], capture_output=True, text=True, check=True
    )
    assert done.stdout == "hello\n"


def test_bytecode_depends_only_on_the_sources(tmp_path):
    # given equal sources in two folders, with a set of constants, whose order depends on the interpreter's hash seed
    text = "def known(x):\n    return x in {'a', 'b', 'c', 'd', 'e', 'f', 'g'}\n"
    sources = {"hello/handler.py": text, "hello/other.py": "from hello.handler import known\n"}
    target, made = Target("lambda", compiler=Path(sys.executable)), []
    for name in ("first", "second"):
        folder = write(tmp_path / name, sources)
        packages.compile_folder(folder, target)
        made.append({path.name: path.read_bytes() for path in folder.rglob("*.pyc")})
        os.utime(folder / "hello/handler.py", (0, 0))

    # then the bytecode is equal, and its flags (PEP 552) say that it is not checked against the source
    assert made[0] == made[1]
    assert len(made[0]) == len(sources)
    assert {content[4:8] for content in made[0].values()} == {b"\x01\0\0\0"}


@pytest.fixture(scope="module")
def code(tmp_path_factory):
    """Evaluate an expression on the project's functions as deployed, and return its output."""
    folder = tmp_path_factory.mktemp("code") / "functions"
    shutil.copytree(ROOT / "functions", folder)
    packages.compile_code(folder, Target("here", compiler=Path(sys.executable)))
    return folder


def in_code(code: Path, command: str) -> str:
    path = os.pathsep.join(map(str, (code, ROOT / "layers/makertasks/python")))
    done = subprocess.run(  # noqa: S603  # this interpreter
        [sys.executable, "-c", command], capture_output=True, text=True, check=True, env={"PYTHONPATH": path}
    )
    return done.stdout.strip()


def test_deployed_templates_need_no_compilation(code):
    # given the functions as deployed, without any template's source
    for source in (code / "api/pages/templates").iterdir():
        source.write_text("{% this would not compile %}")

    # then every template loads, and each has bytecode
    loaded = "from api.pages.rendering import environment; print(len([environment().get_template(n) for n in {}]))"
    names = sorted(path.name for path in (ROOT / "functions/api/pages/templates").iterdir())
    assert in_code(code, loaded.format(names)) == str(len(names))
    assert len(list((code / "api/pages/compiled_templates/__pycache__").glob("*.pyc"))) == len(names)


def test_templates_are_compiled_by_the_version_that_renders_them():
    [locked] = re.findall(r"^jinja2==(\S+)", (ROOT / "layers/pages/requirements.txt").read_text(), re.MULTILINE)
    assert locked == metadata.version("jinja2")


def test_a_template_that_does_not_compile_stops_the_build(tmp_path):
    folder = tmp_path / "functions"
    shutil.copytree(ROOT / "functions", folder)
    (folder / "api/pages/templates/task.html").write_text("{% if %}")
    with pytest.raises(BuildFailed, match="templates could not be compiled"):
        packages.compile_code(folder, Target("lambda"))


def test_bytecode_for_lambda_is_made_by_the_runtimes_own_version():
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    found = packages.interpreter(Target.on_lambda(f"python{version}", "arm64").version)
    asked = [found, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]
    done = subprocess.run(asked, capture_output=True, text=True, check=True)  # noqa: S603 - what was found
    assert done.stdout.strip() == version


def test_every_layer_with_code_is_built_with_bytecode_by_sam():
    for _, properties in template.resources(template.load(), "AWS::Serverless::LayerVersion"):
        folder = ROOT / properties["ContentUri"]
        if (folder / "requirements.txt").exists() or folder.name == "makertasks":
            assert "build.mk" in (folder / "Makefile").read_text(), folder.name


def test_unchanged_code_is_packed_once(tmp_path):
    cache = tmp_path / "cache"
    code = write(tmp_path / "functions", {"hello/handler.py": "handler = None\n"})
    target = Target("lambda")
    path = packages.code_zip(code, target, cache)
    packed = path.stat().st_ino

    assert packages.code_zip(code, target, cache) == path
    assert path.stat().st_ino == packed
    write(code, {"hello/handler.py": "handler = 1\n"})
    assert packages.code_zip(code, target, cache) != path


def test_a_local_layer_is_built_once_and_then_referenced(tmp_path):
    # given a layer, packed for the interpreter that runs the tests
    cache, target = tmp_path / "cache", Target.local(Path(sys.executable))
    layer = write(tmp_path / "fonts", {"python/fonts/__init__.py": "NAME = 'a'\n"})
    path = packages.layer_zip(layer, target, cache)

    # when its path file is followed, as the local AWS does
    zipfile.ZipFile(path).extractall(tmp_path / "unpacked")
    [pointer] = (tmp_path / "unpacked").rglob("*.pth")
    content = Path(re.search(r"'([^']+)'\)$", pointer.read_text())[1])

    # then the content exists, with bytecode, and is rebuilt only if it is missing
    assert (content / "fonts/__init__.py").read_text() == "NAME = 'a'\n"
    assert list(content.rglob("*.pyc"))
    built = content.stat().st_ino
    assert packages.layer_zip(layer, target, cache) == path
    assert content.stat().st_ino == built
    shutil.rmtree(content.parent)
    assert packages.layer_zip(layer, target, cache) == path
    assert content.is_dir()


def test_a_layer_does_not_contain_its_build_files(tmp_path):
    layer = write(tmp_path / "fonts", {"python/fonts/a.ttf": "a", "Makefile": "build:", "requirements.in": "x"})
    packages.build_layer(layer, Target("lambda"), tmp_path / "built")
    built = [path.relative_to(tmp_path / "built").as_posix() for path in archives.files(tmp_path / "built")]
    assert built == ["python/fonts/a.ttf"]


@pytest.mark.parametrize(
    ("runtime", "architecture", "platform"),
    [
        ("python3.13", "arm64", "aarch64-manylinux_2_34"),
        ("python3.12", "x86_64", "x86_64-manylinux_2_34"),
        ("python3.11", "x86_64", "x86_64-manylinux2014"),
    ],
)
def test_wheels_fit_the_c_library_and_the_processor_of_the_runtime(runtime, architecture, platform):
    assert platform in Target.on_lambda(runtime, architecture).options


@pytest.mark.parametrize(
    ("runtime", "architecture"), [("nodejs22.x", "arm64"), ("python3.x", "arm64"), ("python3.13", "mips")]
)
def test_an_unknown_runtime_or_architecture_is_named(runtime, architecture):
    with pytest.raises(BuildFailed, match=re.escape("mips" if architecture == "mips" else runtime)):
        Target.on_lambda(runtime, architecture)


def test_a_library_that_cannot_be_downloaded_is_reported_in_one_line(tmp_path, monkeypatch):
    # given a layer with a library, and no network access
    layer = write(tmp_path / "qr", {"requirements.txt": f"qrcode==8.2 --hash=sha256:{'0' * 64}\n"})
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    monkeypatch.setenv("UV_FIND_LINKS", "")

    # when it is built
    with pytest.raises(BuildFailed) as failure:
        packages.build_layer(layer, Target.on_lambda("python3.13", "arm64"), tmp_path / "built")

    # then the error says what is missing, in one line
    assert "needs the network" in str(failure.value)
    assert "\n" not in str(failure.value)


def test_a_template_is_read_with_its_functions_in_long_form(tmp_path):
    path = tmp_path / "template.yaml"
    path.write_text(
        "Version: 2012-10-17\nName: !Sub '${A}-b'\nArn: !GetAtt A.Arn\nOne: !Ref A\nTwo: !If [X, !Ref A, {B: !Ref C}]\n"
    )
    assert template.load(path) == {
        "Version": "2012-10-17",
        "Name": {"Fn::Sub": "${A}-b"},
        "Arn": {"Fn::GetAtt": ["A", "Arn"]},
        "One": {"Ref": "A"},
        "Two": {"Fn::If": ["X", {"Ref": "A"}, {"B": {"Ref": "C"}}]},
    }


def test_a_template_that_is_not_yaml_is_reported_with_the_position(tmp_path):
    path = tmp_path / "template.yaml"
    path.write_text("Resources:\n  A: [\n")
    with pytest.raises(DeployFailed, match=r"line 3, column 1"):
        template.load(path)


def test_every_layer_with_libraries_can_be_built_by_sam():
    for requirements in ROOT.glob("layers/*/requirements.txt"):
        assert "build.mk" in (requirements.parent / "Makefile").read_text()


def test_layers_are_built_for_what_the_template_deploys_by_default():
    runtime, architecture = template.parameter_default("Runtime"), template.parameter_default("Architecture")
    assert Target.on_lambda(runtime, architecture).name == f"{runtime}-{architecture}"


def test_the_sample_dump_is_moved_to_the_present_and_has_real_links():
    # given links to the images
    links = {
        name: f"http://127.0.0.1/{name}?signed"
        for name in {r["fields"].get("image_url") for r in load.records()}
        if name
    }

    # when the dump is made on some day
    dump = json.loads(load.dump(links, datetime(2030, 3, 1, 12, tzinfo=UTC)))

    # then the newest delivery was the day before, lead times are unchanged, and each image has its link
    def lead_days(records: list[load.Record]) -> list[int]:
        return [
            (
                date.fromisoformat(r["fields"]["actual_delivery"]) - date.fromisoformat(r["fields"]["ordered_at"][:10])
            ).days
            for r in records
            if r["fields"].get("actual_delivery")
        ]

    assert max(r["fields"].get("actual_delivery") or "" for r in dump) == "2030-02-28"
    assert {r["fields"].get("updated_at") for r in dump} <= {"2030-03-01T12:00:00Z", None}
    assert lead_days(dump) == lead_days(load.records())
    assert {r["fields"].get("image_url") for r in dump} - {None, ""} == set(links.values())
    for name in links:
        assert (load.FOLDER / name).stat().st_size < 60_000
