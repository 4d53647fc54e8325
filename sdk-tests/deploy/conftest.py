"""The ways to deploy, tested without Docker, Kubernetes and AWS. ../run sets the environment."""

import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path
from types import SimpleNamespace

import pytest

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 90
STOP_SECONDS = 60
USER = 10001


def setting(name):
    if not os.environ.get(name):
        pytest.exit(f"{name} is not set: start the tests with sdk-tests/run", returncode=2)
    return os.environ[name]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="session")
def folder():
    """A folder that other users can reach."""
    with tempfile.TemporaryDirectory(prefix="llmproxy-deploy-") as name:
        os.chmod(name, 0o755)
        yield Path(name)


@pytest.fixture(scope="session")
def tarball(folder):
    subprocess.run([ROOT / "scripts/dist", "--built", "--output", folder / "dist"], check=True, timeout=300)
    return next((folder / "dist").glob("*.tar.gz"))


@pytest.fixture(scope="session")
def image(folder, tarball):
    """The parts of the container image, made by the script that the Dockerfile runs."""
    # A short recording. The release's one is longer and has more profiles.
    environment = {**os.environ, "WARM_UP_ROUNDS": "20"}
    made = subprocess.run(
        [ROOT / "deploy/docker/assemble", folder / "image", tarball], env=environment, capture_output=True, text=True, timeout=600
    )
    assert made.returncode == 0, made.stdout + made.stderr
    return folder / "image"


def as_container(image, command, data, **environment):
    """
    The command as a container would run it: another user without capabilities, the whole file system read-only except the data
    folder and an empty /tmp, and no environment but the given one.
    """
    # /tmp is covered, so the folders in it are first bound to other places.
    script = """
      set -e
      mount -t tmpfs -o mode=755 tmpfs /run
      mkdir /run/llmproxy-image /run/llmproxy-data
      mount --bind "$1" /run/llmproxy-image
      mount --bind "$2" /run/llmproxy-data
      shift 2
      mount -t tmpfs -o mode=1777 tmpfs /tmp
      for place in / /run /run/llmproxy-image /dev/shm /var/tmp; do
        if mountpoint -q "$place"; then mount -o remount,bind,ro "$place"; fi
      done
      exec setpriv --reuid=%d --regid=%d --clear-groups --bounding-set=-all --inh-caps=-all --no-new-privs env -i "$@"
    """ % (USER, USER)
    settings = {
        "PATH": "/usr/bin:/bin",
        "JAVA_HOME": "/run/llmproxy-image/java",
        "LLMPROXY_DATA": "/run/llmproxy-data",
        "HOME": "/run/llmproxy-data",
        "LC_ALL": "C.UTF-8",
        **environment,
    }
    return ["unshare", "--mount", "--propagation=private", "sh", "-c", script, "sh", str(image), str(data)] + [
        *(f"{name}={value}" for name, value in settings.items()),
        *command,
    ]


@contextlib.contextmanager
def started(command, log):
    with log.open("w") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, cwd="/")
        try:
            yield process
        finally:
            if process.poll() is None:
                process.terminate()
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(STOP_SECONDS)
            if process.poll() is None:
                process.kill()
                process.wait()


def wait_until(condition, seconds, process, log):
    deadline = time.monotonic() + seconds
    while not condition():
        assert process.poll() is None, log.read_text()[-4000:]
        assert time.monotonic() < deadline, f"not so within {seconds} s: {log.read_text()[-4000:]}"
        time.sleep(0.1)


@pytest.fixture(scope="session")
def server(image, folder):
    """A server of the image with a first key. It runs as the container's entry point would run it."""
    if os.geteuid() != 0 or not shutil.which("unshare") or not shutil.which("setpriv"):
        pytest.skip("only root can start it as another user with a read-only file system (unshare, setpriv)")
    data = folder / "data"
    data.mkdir(mode=0o700)
    os.chown(data, USER, USER)
    port = free_port()
    log = folder / "server.log"
    environment = {
        "PORT": str(port),
        "HOST": "127.0.0.1",
        "OPENAI_BASE_URL": setting("LLMPROXY_SCRIPTED_STATS").removesuffix("/stats") + "/v1",
        "OPENAI_API_KEY": "x",
        "LIVE_MODELS": "off",
        "FIND_LOCAL_PROVIDERS": "off",
        "KEYS_REFRESH_SECONDS": "1",
    }
    command = ["/run/llmproxy-image/llmproxy/llmproxy", "start", "--first-key"]
    with started(as_container(image, command, data, **environment), log) as process:
        wait_until(lambda: "sk-" in log.read_text(), START_SECONDS, process, log)
        key = next(line.strip() for line in log.read_text().splitlines() if line.strip().startswith("sk-"))
        yield SimpleNamespace(process=process, port=port, key=key, log=log, data=data, environment=environment)


def status_of(address):
    """The status of a GET, or None without an answer."""
    try:
        with urllib.request.urlopen(address, timeout=10) as reply:
            return reply.status
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return None
