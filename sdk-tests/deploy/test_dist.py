"""The tarball of make dist."""

import json
import os
import re
import subprocess
import tarfile
import zipfile

import pytest
from conftest import ROOT

NAME = "llmproxy-" + re.search(r"<version>(.*?)</version>", (ROOT / "pom.xml").read_text())[1]


@pytest.fixture(scope="module")
def entries(tarball):
    with tarfile.open(tarball) as archive:
        return {entry.name: entry for entry in archive}


@pytest.fixture(scope="module")
def unpacked(tarball, folder):
    subprocess.run(["tar", "-xzf", tarball, "-C", folder], check=True)
    return folder / NAME


def test_the_same_build_gives_the_same_bytes(tarball, folder):
    environment = {**os.environ, "TZ": "Pacific/Auckland", "LC_ALL": "C"}
    again = ["sh", "-c", 'umask 077; exec "$@"', "sh", ROOT / "scripts/dist", "--built", "--output", folder / "again"]

    subprocess.run(again, env=environment, check=True, timeout=300)

    assert (folder / "again" / tarball.name).read_bytes() == tarball.read_bytes()


def test_entries_have_one_time_no_owner_and_sorted_names(entries):
    assert {entry.mtime for entry in entries.values()} == {next(iter(entries.values())).mtime}
    assert {(entry.uid, entry.gid, entry.uname, entry.gname) for entry in entries.values()} == {(0, 0, "", "")}
    assert {entry.mode for entry in entries.values()} == {0o755, 0o644}
    folders = {name.rsplit("/", 1)[0] for name in entries}
    for folder in folders:
        inside = [name for name in entries if name.rpartition("/")[0] == folder]
        assert inside == sorted(inside)


def test_entries_of_the_jar_have_one_time(unpacked):
    assert len({entry.date_time for entry in zipfile.ZipFile(unpacked / "llmproxy.jar").infolist()}) == 1


def test_it_has_what_a_server_needs_and_no_tools_of_the_build(entries):
    names = {name.removeprefix(NAME + "/") for name in entries}

    assert {"llmproxy", "llmproxy.jar", "application.properties", "LICENSE", "CHANGELOG.md", "THIRD-PARTY.md", "llmproxy.cdx.json"} <= names
    assert {"docs/operation.md", "ui/index.html", "providers/openai.yaml", "routes/chat-turns.camel.yaml"} <= names
    assert {"deploy/systemd/llmproxy.service", "deploy/kubernetes/llmproxy/Chart.yaml"} <= names
    assert not [name for name in names if name.startswith(("src", "target", "sdk-tests")) or name in ("pom.xml", "scripts/build")]
    # Tests and their libraries stay out.
    assert not [name for name in names if "junit" in name or "embedded-postgres" in name]


def test_texts_name_no_folder_of_the_machine_that_built_it(unpacked):
    for path in unpacked.rglob("*"):
        if path.is_file() and path.suffix not in (".jar", ".class"):
            assert str(ROOT).encode() not in path.read_bytes(), path


def test_bill_of_materials_lists_the_libraries_with_licences(unpacked):
    bom = json.loads((unpacked / "llmproxy.cdx.json").read_text())
    listed = {(part["name"], part["version"]) for part in bom["components"]}
    notice = (unpacked / "THIRD-PARTY.md").read_text()

    assert (bom["bomFormat"], bom["metadata"]["component"]["version"]) == ("CycloneDX", NAME.removeprefix("llmproxy-"))
    assert "serialNumber" not in bom and "timestamp" not in bom["metadata"]
    jars = {path.name for path in (unpacked / "lib").glob("*.jar")}
    without = {jar for jar in jars if not any(jar.startswith(f"{name}-{version}") for name, version in listed)}
    assert not without
    assert all(part["licenses"] for part in bom["components"])
    assert all(f":{name} | {version} |" in notice for name, version in listed)


def test_launcher_needs_a_runtime_only(unpacked, image):
    # This runtime has no compiler and no jar tool. The shell finds neither Maven, Python nor another Java.
    assert not [name for name in ("javac", "jar") if (image / "java/bin" / name).exists()]
    tools = unpacked.parent / "tools"
    tools.mkdir()
    for name in ("sh", "dirname", "readlink", "sed", "locale", "awk", "getconf"):
        os.symlink(subprocess.run(["which", name], capture_output=True, text=True, check=True).stdout.strip(), tools / name)
    environment = {"PATH": str(tools), "JAVA_HOME": str(image / "java")}

    shown = subprocess.run([unpacked / "llmproxy", "--version"], env=environment, capture_output=True, text=True)

    assert (shown.returncode, shown.stdout.strip()) == (0, NAME.replace("-", " ", 1)), shown.stderr


def test_versions_of_chart_and_product_are_the_same():
    chart = (ROOT / "deploy/kubernetes/llmproxy/Chart.yaml").read_text()

    assert f"\nappVersion: {NAME.removeprefix('llmproxy-')}\n" in chart
