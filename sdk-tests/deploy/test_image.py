"""The file system of the container image, started as a plain process."""

import json
import os
import subprocess
import urllib.request
from pathlib import Path

from conftest import ROOT, USER, as_container, status_of


def asked(server, path, body, key=None):
    request = urllib.request.Request(
        f"http://127.0.0.1:{server.port}/v1{path}",
        data=json.dumps(body).encode(),
        headers={"Authorization": f"Bearer {key or server.key}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=60) as reply:
        return reply.read().decode()


def health(port, **environment):
    # The check uses shell commands only: there is nothing else on its path.
    return subprocess.run([ROOT / "deploy/docker/health"], env={"PATH": "/nonexistent", "PORT": str(port), **environment}, timeout=30).returncode


def test_server_runs_as_another_user_on_a_read_only_file_system(server):
    process = Path(f"/proc/{server.process.pid}")
    status = dict(line.split(":", 1) for line in (process / "status").read_text().splitlines() if ":" in line)

    assert status["Uid"].split() == [str(USER)] * 4
    assert status["CapEff"].strip().strip("0") == ""
    assert status["NoNewPrivs"].strip() == "1"
    mounts = [line.split() for line in (process / "mounts").read_text().splitlines()]
    options = {mount[1]: mount[3].split(",") for mount in mounts}
    assert "ro" in options["/"]
    assert "ro" in options["/run/llmproxy-image"]


def test_launcher_replaces_itself_so_that_java_gets_the_signal(server):
    assert os.readlink(f"/proc/{server.process.pid}/exe").endswith("/java/bin/java")


def test_chat_and_embedding_are_answered(server):
    chat = {"model": "openai/scripted", "messages": [{"role": "user", "content": "Hello"}]}

    whole = json.loads(asked(server, "/chat/completions", chat))
    stream = asked(server, "/chat/completions", {**chat, "stream": True})
    # Native libraries are unpacked for it.
    embedding = json.loads(asked(server, "/embeddings", {"model": "local/all-minilm-l6-v2", "input": "Hello"}))

    assert whole["choices"][0]["message"]["content"]
    assert stream.rstrip().endswith("data: [DONE]")
    assert len(embedding["data"][0]["embedding"]) == 384


def test_server_uses_the_archive_of_its_classes(image, server, folder):
    # Java refuses to start when it must use an archive and cannot.
    archive = next(path.name for path in (image / "llmproxy").iterdir() if path.name in ("server.aot", "server.jsa"))
    use = {"server.aot": "-XX:AOTMode=on -XX:AOTCache=", "server.jsa": "-Xshare:on -XX:SharedArchiveFile="}[archive]
    options = f"-XX:+UseSerialGC {use}/run/llmproxy-image/llmproxy/{archive}"
    environment = {**server.environment, "PORT": "none", "JAVA_OPTS": options}
    command = as_container(image, ["/run/llmproxy-image/llmproxy/llmproxy", "start"], server.data, **environment)

    said = subprocess.run(command, capture_output=True, text=True, timeout=120)

    assert "PORT" in said.stderr, said.stderr + said.stdout


def test_commands_of_a_container_use_the_same_data(image, server):
    entry = "/run/llmproxy-image/llmproxy/llmproxy"
    command = as_container(image, [entry, "list-keys", "--json"], server.data, **server.environment)

    said = subprocess.run(command, capture_output=True, text=True, timeout=120)

    assert said.returncode == 0, said.stderr
    assert len(json.loads(said.stdout)) == 1


def test_health_check_succeeds_while_the_server_answers(server):
    assert status_of(f"http://127.0.0.1:{server.port}/health/live") == 200
    assert health(server.port) == 0
    assert health(1, MANAGEMENT_PORT=str(server.port)) == 0


def test_health_check_fails_without_a_server():
    assert health(1) == 1
