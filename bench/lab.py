"""Starts the programs of a measurement and reads what the system knows about their processes. Linux only."""

import contextlib
import json
import os
import platform
import re
import resource
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
PROGRAMS = ROOT / "target/bench"
RESULTS = HERE / "results"
PROVIDER_KEY = "sk-provider"
EMAIL = "bench@example.com"
TICKS = os.sysconf("SC_CLK_TCK")
START_SECONDS = 120
STOP_SECONDS = 25
OPEN_FILES = 16000
# Limits stay on. They are as high as they can be, so that the load stays below them.
SETTINGS = {
    "HOST": "127.0.0.1",
    "LOCAL_MODEL": "off",
    "RATE_LIMIT_FREE": "1000000",
    # The provider's calls are compared with the requests, one by one.
    "PROVIDER_RETRIES": "0",
    "LIVE_MODELS": "off",
    "AUTH_FAILURES_PER_MINUTE": "1000000",
    "MAX_CONNECTIONS": "12000",
    "MAX_CONNECTIONS_PER_ADDRESS": "12000",
}


class Failure(Exception):
    """A measurement cannot go on."""


def say(text):
    print(text, file=sys.stderr, flush=True)


# --- requirements


def prepare():
    """Builds the Go programs and checks what a measurement needs."""
    if not Path("/proc/self/stat").exists():
        raise Failure("The measurements need Linux: they read CPU time and memory from /proc.")
    if not (ROOT / "target/llmproxy.jar").exists():
        raise Failure("llmproxy is not built: run make build.")
    go = shutil.which("go") or shutil.which("/usr/local/go/bin/go")
    if not go:
        raise Failure("The load generator needs Go 1.22 or newer (https://go.dev/dl): there is no go on the PATH.")
    PROGRAMS.mkdir(parents=True, exist_ok=True)
    if subprocess.run([go, "build", "-o", f"{PROGRAMS}/", "./..."], cwd=HERE).returncode != 0:
        raise Failure("The load generator does not compile.")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < OPEN_FILES:
        most = OPEN_FILES if hard == resource.RLIM_INFINITY else min(OPEN_FILES, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def open_files():
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def text_of(command, **options):
    """The output of a command, or "unknown"."""
    try:
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, **options).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def java_home():
    return text_of(["sh", "-c", '. scripts/find-java && printf %s "$JAVA_HOME"'])


def circumstances():
    """What a result has to say about the build and the machine."""
    cpus = re.findall(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    memory = int(re.search(r"MemTotal:\s+(\d+)", Path("/proc/meminfo").read_text())[1])
    release = Path(java_home(), "release")
    java = re.search(r'JAVA_RUNTIME_VERSION="(.*)"', release.read_text()) if release.exists() else None
    camel = re.search(r"<camel.version>(.*)</camel.version>", (ROOT / "pom.xml").read_text())
    return {
        "date": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
        "commit": text_of(["git", "rev-parse", "--short=10", "HEAD"]),
        "uncommitted_changes": text_of(["git", "status", "--porcelain", "--untracked-files=no"]) != "",
        "cpu": cpus[0] if cpus else platform.machine(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gb": round(memory / 1e6, 1),
        "kernel": platform.release(),
        "open_files": open_files(),
        "java": java[1] if java else "unknown",
        "java_opts": os.environ.get("JAVA_OPTS", ""),
        "camel": camel[1] if camel else "unknown",
        "go": text_of([shutil.which("go") or "/usr/local/go/bin/go", "env", "GOVERSION"]),
    }


# --- processes: each leads a process group, so that its id also ends its children


@contextlib.contextmanager
def started(command, folder=ROOT, **options):
    process = subprocess.Popen(list(map(str, command)), cwd=folder, start_new_session=True, **options)
    try:
        yield process
    finally:
        end(process)


def end(process):
    for kind, seconds in ((signal.SIGTERM, STOP_SECONDS), (signal.SIGKILL, None)):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, kind)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(seconds)
            return


def tree(pid):
    """The process and its descendants."""
    with contextlib.suppress(OSError):
        yield pid
        for task in os.listdir(f"/proc/{pid}/task"):
            for child in Path(f"/proc/{pid}/task/{task}/children").read_text().split():
                yield from tree(int(child))


def cpu_seconds(pid):
    total = 0
    for one in tree(pid):
        with contextlib.suppress(OSError):
            fields = Path(f"/proc/{one}/stat").read_text().rsplit(")", 1)[1].split()
            # utime, stime, and those of children that have ended
            total += sum(map(int, fields[11:15]))
    return total / TICKS


def status_value(pid, name):
    """A number of /proc/PID/status, summed over the process and its descendants."""
    total = 0
    for one in tree(pid):
        with contextlib.suppress(OSError):
            found = re.search(rf"^{name}:\s+(\d+)", Path(f"/proc/{one}/status").read_text(), re.MULTILINE)
            total += int(found[1]) if found else 0
    return total


def resident_mb(pid):
    return status_value(pid, "VmRSS") / 1024


def handles(pid):
    """Open file handles, and how many of them are sockets."""
    names = []
    for handle in os.listdir(f"/proc/{pid}/fd"):
        with contextlib.suppress(OSError):
            names.append(os.readlink(f"/proc/{pid}/fd/{handle}"))
    return len(names), sum(name.startswith("socket:") for name in names)


def live_heap_mb(pid):
    """The objects that are alive after a full garbage collection."""
    answer = subprocess.run(
        [Path(java_home(), "bin/jcmd"), str(pid), "GC.class_histogram"], capture_output=True, text=True, check=True
    )
    return int(re.search(r"^Total\s+\d+\s+(\d+)", answer.stdout, re.MULTILINE)[1]) / 1e6


# --- servers


@dataclass
class Server:
    """A server that is measured: its process and how to call it."""

    name: str
    url: str
    key: str
    model: str
    pid: int


@dataclass
class Provider:
    url: str
    pid: int

    def counts(self):
        """How the requests of each model ended."""
        with urllib.request.urlopen(f"{self.url}/stats", timeout=10) as reply:
            return json.load(reply)

    def count(self, model):
        none = dict.fromkeys(("requests", "complete", "left", "scripted", "open", "streaming"), 0)
        return self.counts().get(model, none)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def program(name, *arguments):
    """Starts a Go program that prints its address."""
    with started([PROGRAMS / name, *arguments], stdout=subprocess.PIPE, text=True) as process:
        yield process, "http://" + process.stdout.readline().strip()


@contextlib.contextmanager
def provider(address="127.0.0.1:0"):
    with program("provider", "-key", PROVIDER_KEY, "-address", address) as (process, url):
        yield Provider(url, process.pid)


@contextlib.contextmanager
def proxy(upstream, cores=None):
    with program("proxy", "-provider", upstream.url, "-key", "sk-proxy", "-provider-key", PROVIDER_KEY) as (process, url):
        pin(process.pid, cores)
        yield Server("proxy", url + "/v1", "sk-proxy", "mock", process.pid)


def direct(upstream):
    return Server("direct", upstream.url + "/v1", PROVIDER_KEY, "mock", upstream.pid)


def pin(pid, cores):
    """Restricts all threads of a process to some cores. None changes nothing."""
    if cores:
        for task in os.listdir(f"/proc/{pid}/task"):
            os.sched_setaffinity(int(task), cores)


class Gateway:
    """llmproxy with a data folder of its own. It may be started several times."""

    def __init__(self, upstream, folder, home=ROOT, **settings):
        self.home, self.data = Path(home), Path(folder)
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}/v1"
        self.env = {
            **os.environ,
            **SETTINGS,
            "PORT": str(self.port),
            "LLMPROXY_DATA": str(folder),
            "OPENAI_BASE_URL": upstream.url + "/v1",
            "OPENAI_API_KEY": PROVIDER_KEY,
            **settings,
        }
        self.log = self.data.parent / f"{self.data.name}.log"
        # The command works without a running server, so that a start can be measured to the first answer.
        self.key = self.create_key()

    def command(self, *arguments):
        answer = subprocess.run(
            ["./llmproxy", *arguments], cwd=self.home, env=self.env, stdout=subprocess.PIPE, text=True
        )
        if answer.returncode != 0:
            raise Failure(f"./llmproxy {arguments[0]} ended with status {answer.returncode}")
        return answer.stdout

    def create_key(self):
        return json.loads(self.command("create-api-key", EMAIL, "bench", "--json"))["key"]

    @contextlib.contextmanager
    def running(self, cores=None):
        """Starts the server and waits for its first answer. Yields it, with the seconds that this took."""
        begin = time.monotonic()
        # The affinity is inherited, so that the JVM sees the cores that it may use.
        command = ["taskset", "-c", ",".join(map(str, sorted(cores))), "./llmproxy"] if cores else ["./llmproxy"]
        with self.log.open("a") as log:
            with started([*command, "start"], folder=self.home, env=self.env, stdout=log, stderr=log) as process:
                while not answers(self.url, self.key):
                    if process.poll() is not None or time.monotonic() > begin + START_SECONDS:
                        say(self.log.read_text()[-4000:])
                        raise Failure("llmproxy did not start")
                    time.sleep(0.004)
                seconds = time.monotonic() - begin
                yield Server("llmproxy", self.url, self.key, "openai/mock", process.pid), seconds

    def rows(self, sql):
        """Rows of the ledger."""
        with contextlib.closing(sqlite3.connect(f"file:{self.data}/ledger.db?mode=ro", uri=True, timeout=30)) as ledger:
            return ledger.execute(sql).fetchall()

    def workbook(self, path, body=None):
        """Calls the Sheets API of the running embedded workbook."""
        url = (self.data / "workbook.url").read_text().strip().rstrip("/") + "/v4/spreadsheets/llmproxy" + path
        content = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(url, data=content, headers={"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=300) as reply:
            return json.load(reply)


def answers(url, key):
    """Whether the server answers a chat."""
    body = b'{"model":"openai/mock","messages":[{"role":"user","content":"hello"}]}'
    request = urllib.request.Request(
        url + "/chat/completions",
        data=body,
        headers={"Authorization": f"Bearer {key}", "Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=30) as reply:
            return reply.status == 200
    except urllib.error.HTTPError as error:
        # The server listens before it has read the keys.
        if error.code in (401, 503):
            return False
        raise Failure(f"llmproxy answers a first chat with {error.code}: {error.read()[:500]}") from error
    except OSError:
        return False


@contextlib.contextmanager
def litellm(upstream, folder, command):
    """LiteLLM's proxy with one key and no database."""
    port = free_port()
    config = Path(folder, "litellm.yaml")
    # YAML contains JSON.
    config.write_text(
        json.dumps(
            {
                "model_list": [
                    {
                        "model_name": "mock",
                        "litellm_params": {
                            "model": "openai/mock",
                            "api_base": upstream.url + "/v1",
                            "api_key": PROVIDER_KEY,
                        },
                    }
                ],
                "general_settings": {"master_key": "sk-litellm"},
            }
        )
    )
    arguments = ["--config", config, "--host", "127.0.0.1", "--port", port]
    with Path(folder, "litellm.log").open("w") as log, started([command, *arguments], stdout=log, stderr=log) as process:
        server = Server("LiteLLM", f"http://127.0.0.1:{port}/v1", "sk-litellm", "mock", process.pid)
        deadline = time.monotonic() + START_SECONDS
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            if process.poll() is not None or time.monotonic() > deadline:
                raise Failure("LiteLLM did not start: " + Path(folder, "litellm.log").read_text()[-2000:])
            time.sleep(0.5)
        yield server


# --- load


def load_command(server, options):
    command = [PROGRAMS / "load", "-url", server.url, "-key", server.key, "-model", server.model]
    # A later option replaces an earlier one.
    for name, value in options.items():
        command += [f"-{name.replace('_', '-')}={str(value).lower() if isinstance(value, bool) else value}"]
    return list(map(str, command))


def load(server, **options):
    """Runs the load generator. Returns its result, with the CPU time that the server used meanwhile."""
    before = cpu_seconds(server.pid)
    answer = subprocess.run(load_command(server, options), stdout=subprocess.PIPE, text=True)
    used = cpu_seconds(server.pid) - before
    result = json.loads(answer.stdout or "{}")
    if not result.get("whole"):
        raise Failure(f"{server.name} gave no whole answer: {result.get('wrong')}")
    result["cpu_s"] = used
    result["cpu_s_per_1000"] = 1000 * used / result["whole"]
    return result


@contextlib.contextmanager
def temporary_folder():
    with tempfile.TemporaryDirectory(prefix="llmproxy-bench-") as folder:
        yield Path(folder)


def write_result(name, data, text):
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{name}.json").write_text(json.dumps(data, indent=1) + "\n")
    (RESULTS / f"{name}.md").write_text(text)
    say(f"Written: bench/results/{name}.json and .md")
