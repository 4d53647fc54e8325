"""The launcher in unusual places: behind a link, in a folder with spaces, without a locale, called from another folder."""

import json
import os
import shutil
import socket
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PARTS = ["llmproxy", "scripts", "application.properties", "routes", "providers", "ui", "target/llmproxy.jar", "target/lib"]


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


@pytest.fixture(scope="module")
def class_archive():
    """The class archive of the commands, made from the present jar."""
    subprocess.run([ROOT / "scripts/archive-classes"], check=True, timeout=120)


def called(command, *arguments, folder, **environment):
    bare = {name: os.environ[name] for name in ("PATH", "HOME", "JAVA_HOME") if name in os.environ}
    return subprocess.run(
        [command, *arguments], cwd=folder, env={**bare, "LC_ALL": "C.UTF-8", **environment}, capture_output=True, timeout=120
    )


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def names(product, folder=None):
    listed = called(product / "llmproxy", "list-keys", "--json", folder=folder or product)
    assert listed.returncode == 0, listed.stderr
    return json.dumps(json.loads(listed.stdout), ensure_ascii=False)


def test_link_starts_its_target(product, tmp_path):
    (tmp_path / "one").symlink_to(product / "llmproxy")
    (tmp_path / "two").symlink_to("one")

    shown = called(tmp_path / "two", "--help", folder=tmp_path)

    assert shown.returncode == 0, shown.stderr
    assert b"create-api-key" in shown.stdout


@pytest.mark.parametrize("locale", [{"LC_ALL": "C"}, {"LC_ALL": "POSIX"}, {"LC_ALL": "", "LANG": "xx_XX.UTF-8"}])
def test_arguments_are_read_as_utf8_without_a_locale(product, locale):
    name = "Löwe 猫 " + json.dumps(locale).encode().hex()

    made = called(product / "llmproxy", "create-api-key", "müller@example.com", name, "--json", folder=product, **locale)

    assert made.returncode == 0, made.stderr
    assert name in names(product)
    assert "müller@example.com" in names(product)


def test_argument_that_is_not_utf8_is_rejected(product):
    made = called(product / "llmproxy", "create-api-key", b"m\xfcller@example.com", "Latin 1", folder=product)

    assert made.returncode == 2
    assert b"LC_ALL=C.UTF-8" in made.stderr
    assert "Latin 1" not in names(product)


def test_commands_from_another_folder_use_the_same_data(product, tmp_path):
    made = called(product / "llmproxy", "create-api-key", "ann@example.com", "From elsewhere", folder=tmp_path)

    assert made.returncode == 0, made.stderr
    assert not (tmp_path / "data").exists()
    assert "From elsewhere" in names(product)


def test_data_folder_may_have_letters_of_any_language(product, tmp_path):
    data = tmp_path / "Büro 猫"

    made = called(product / "llmproxy", "create-api-key", "ann@example.com", "x", folder=tmp_path, LC_ALL="C", LLMPROXY_DATA=str(data))

    assert made.returncode == 0, made.stderr
    assert (data / "workbook.db").exists()


def test_server_starts_in_a_folder_with_spaces(product, tmp_path):
    port = free_port()
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
            if "reachable" in line:
                break
        assert f"http://localhost:{port}/v1" in said
        assert "from this machine only (HOST = 127.0.0.1)" in said
    finally:
        server.terminate()
        server.communicate(timeout=90)
    assert server.returncode in (0, 143)


@pytest.mark.parametrize("command", ["--help", "list-keys", "usage", "doctor"])
def test_commands_use_the_class_archive_and_load_no_camel(command, class_archive, tmp_path):
    seen = tmp_path / "classes"

    # doctor would load an HTTP client to ask another server on the default port.
    settings = {"LLMPROXY_DATA": str(tmp_path / "data"), "PORT": str(free_port())}
    called(ROOT / "llmproxy", command, folder=tmp_path, JAVA_OPTS=f"-Xlog:class+load:file={seen}", **settings)

    loaded = [line for line in seen.read_text().splitlines() if "source:" in line]
    shared = [line for line in loaded if "shared objects file" in line]
    assert len(shared) > 0.75 * len(loaded)
    assert not [line for line in loaded if "org.apache.camel.impl." in line or "io.vertx." in line]


@pytest.mark.parametrize("options", ["-Xmx512m", "-XX:+UseG1GC", "-XX:-TieredCompilation", "-Xshare:off"])
def test_java_options_work_with_the_class_archive(options, class_archive, tmp_path):
    listed = called(
        ROOT / "llmproxy", "list-keys", "--json", folder=tmp_path, LLMPROXY_DATA=str(tmp_path / "data"), JAVA_OPTS=options
    )

    assert (listed.returncode, json.loads(listed.stdout), listed.stderr) == (0, [], b"")


def test_a_class_archive_of_another_build_is_ignored_silently(product, tmp_path):
    (product / "target" / "commands.jsa").write_bytes(b"of another build")
    try:
        shown = called(product / "llmproxy", "--help", folder=tmp_path)
    finally:
        (product / "target" / "commands.jsa").unlink()

    assert (shown.returncode, shown.stderr) == (0, b"")
    assert b"create-api-key" in shown.stdout


def options_of_start(product, folder, **environment):
    """The options with which the launcher starts a server. A stand-in for Java prints them."""
    java = folder / "jdk" / "bin" / "java"
    java.parent.mkdir(parents=True)
    java.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    java.chmod(0o755)
    (folder / "jdk" / "release").write_text('JAVA_VERSION="25.0.1"\n')
    shown = called(product / "llmproxy", "start", folder=folder, **environment, JAVA_HOME=str(folder / "jdk"))
    assert shown.returncode == 0, shown.stderr
    return shown.stdout.decode().splitlines()


def test_server_has_limits_of_memory(product, tmp_path):
    options = options_of_start(product, tmp_path)

    assert len([option for option in options if option.startswith("-Xmx")]) == 1
    assert len([option for option in options if option.endswith("GC")]) == 1


@pytest.mark.parametrize(
    ("given", "absent"),
    [
        ("-XX:+UseParallelGC", "-XX:+UseSerialGC"),
        ("-Xmx777m", "-Xmx512m"),
        ("-XX:MaxRAMPercentage=70", "-Xmx512m"),
        ("-XX:-UseCompactObjectHeaders", "-XX:+UseCompactObjectHeaders"),
    ],
)
def test_java_options_replace_those_of_the_launcher(given, absent, product, tmp_path):
    options = options_of_start(product, tmp_path, JAVA_OPTS=given)

    assert given in options
    assert absent not in options
    assert len([option for option in options if option.endswith("GC")]) == 1
    assert len([option for option in options if option.startswith(("-Xmx", "-XX:MaxRAM"))]) == 1


def test_java_options_with_an_archive_replace_that_of_the_launcher(product, tmp_path):
    archive = product / "target" / "server.aot"
    archive.write_bytes(b"")
    try:
        assert f"-XX:AOTCache={archive}" in options_of_start(product, tmp_path / "without")
        options = options_of_start(product, tmp_path / "with", JAVA_OPTS="-XX:AOTCache=mine")
    finally:
        archive.unlink()

    assert [option for option in options if option.startswith("-XX:AOTCache=")] == ["-XX:AOTCache=mine"]


@pytest.mark.parametrize("archive", ["server.aot", "server.jsa"])
def test_a_server_archive_of_another_build_is_ignored_silently(archive, product, tmp_path):
    (product / "target" / archive).write_bytes(b"of another build")
    try:
        # An invalid setting ends the start after Java has read the archive.
        shown = called(product / "llmproxy", "start", folder=tmp_path, PORT="none")
    finally:
        (product / "target" / archive).unlink()

    lines = shown.stderr.decode().splitlines()
    assert shown.returncode == 1
    assert "PORT" in lines[0]
    assert not [line for line in lines + shown.stdout.decode().splitlines() if line.startswith("[")]
