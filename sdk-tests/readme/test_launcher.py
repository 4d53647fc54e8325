"""The launcher where people have it: behind a link, in a folder with spaces, without a locale, called from elsewhere."""

import json
import os
import shutil
import socket
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PARTS = ["llmproxy", "scripts", "application.properties", "routes", "providers", "target/llmproxy.jar", "target/lib"]


@pytest.fixture(scope="module")
def product(tmp_path_factory):
    """A copy of the built product in a folder with spaces."""
    home = tmp_path_factory.mktemp("launcher") / "path with spaces"
    (home / "target").mkdir(parents=True)
    for part in PARTS:
        source = ROOT / part
        if source.is_dir():
            shutil.copytree(source, home / part)
        else:
            shutil.copy2(source, home / part)
    return home


def called(command, *arguments, folder, **environment):
    bare = {name: os.environ[name] for name in ("PATH", "HOME", "JAVA_HOME") if name in os.environ}
    return subprocess.run(
        [command, *arguments], cwd=folder, env={**bare, "LC_ALL": "C.UTF-8", **environment}, capture_output=True, timeout=120
    )


def names(product, folder=None):
    listed = called(product / "llmproxy", "list-keys", "--json", folder=folder or product)
    assert listed.returncode == 0, listed.stderr
    return json.dumps(json.loads(listed.stdout), ensure_ascii=False)


def test_a_link_starts_what_it_leads_to(product, tmp_path):
    (tmp_path / "one").symlink_to(product / "llmproxy")
    (tmp_path / "two").symlink_to("one")

    shown = called(tmp_path / "two", "--help", folder=tmp_path)

    assert shown.returncode == 0, shown.stderr
    assert b"create-api-key" in shown.stdout


@pytest.mark.parametrize("locale", [{"LC_ALL": "C"}, {"LC_ALL": "POSIX"}, {"LC_ALL": "", "LANG": "xx_XX.UTF-8"}])
def test_arguments_keep_their_letters_without_a_locale(product, locale):
    name = "Löwe 猫 " + json.dumps(locale).encode().hex()

    made = called(product / "llmproxy", "create-api-key", "müller@example.com", name, "--json", folder=product, **locale)

    assert made.returncode == 0, made.stderr
    assert name in names(product)
    assert "müller@example.com" in names(product)


def test_an_argument_that_is_no_text_is_refused(product):
    made = called(product / "llmproxy", "create-api-key", b"m\xfcller@example.com", "Latin 1", folder=product)

    assert made.returncode == 2
    assert b"LC_ALL=C.UTF-8" in made.stderr
    assert "Latin 1" not in names(product)


def test_commands_from_elsewhere_mean_the_same_data(product, tmp_path):
    made = called(product / "llmproxy", "create-api-key", "ann@example.com", "From elsewhere", folder=tmp_path)

    assert made.returncode == 0, made.stderr
    assert not (tmp_path / "data").exists()
    assert "From elsewhere" in names(product)


def test_data_may_have_letters_of_any_language(product, tmp_path):
    data = tmp_path / "Büro 猫"

    made = called(product / "llmproxy", "create-api-key", "ann@example.com", "x", folder=tmp_path, LC_ALL="C", LLMPROXY_DATA=str(data))

    assert made.returncode == 0, made.stderr
    assert (data / "workbook.db").exists()


def test_the_server_starts_in_a_folder_with_spaces(product, tmp_path):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = subprocess.Popen(
        [product / "llmproxy", "start", "--port", str(port)],
        cwd=tmp_path,
        env={**os.environ, "HOST": "127.0.0.1", "LOCAL_MODEL": "off"},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        said = ""
        for line in server.stdout:
            said += line
            if "reached" in line:
                break
        assert f"http://localhost:{port}/v1" in said
        assert "from this machine alone (HOST = 127.0.0.1)" in said
    finally:
        server.terminate()
        server.communicate(timeout=90)
    assert server.returncode in (0, 143)
