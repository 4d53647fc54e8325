"""The files of deploy/, checked by the programs of their makers or with their schemas."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from compose_spec import PyCompose
from conftest import ROOT

DEPLOY = ROOT / "deploy"
TOOLS = ROOT / "target/deploy-tools"
CHART = DEPLOY / "kubernetes/llmproxy"
KUBERNETES = "1.37.0"
COMPOSE = yaml.safe_load((DEPLOY / "docker/compose.yaml").read_text())
DOCUMENTED = (ROOT / "application.properties").read_text()
# Only the launcher and Java read these.
OF_THE_PROCESS = {"JAVA_HOME", "HOME", "LC_ALL", "LOG_FORMAT"}


def checked(*command, **options):
    answer = subprocess.run(command, capture_output=True, text=True, timeout=120, **options)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    return answer.stdout + answer.stderr


def installed(name):
    """A program of the virtual environment."""
    return Path(sys.executable).with_name(name)


def is_setting(name):
    return name in OF_THE_PROCESS or re.search(rf"^{name} =", DOCUMENTED, re.MULTILINE)


@pytest.mark.parametrize("folder", ["docker", "lambda"])
def test_dockerfile_passes_hadolint(folder):
    checked(installed("hadolint"), DEPLOY / folder / "Dockerfile")


def compose_file():
    """The file with its variables replaced: by their default, or by a password."""
    text = (DEPLOY / "docker/compose.yaml").read_text()
    return re.sub(r"\$\{\w+:([-?])([^}]*)\}", lambda found: found[2] if found[1] == "-" else "secret", text)


def test_compose_file_fits_the_specification():
    compose = PyCompose.from_yaml(compose_file())

    compose.validate()
    assert set(compose.to_spec().services) == set(COMPOSE["services"])


def test_wrong_compose_file_is_refused():
    with pytest.raises(ValueError, match="read_onl"):
        PyCompose.from_yaml(compose_file().replace("read_only: true", "read_onl: true"))


def test_compose_file_uses_files_and_settings_that_exist():
    for name, service in COMPOSE["services"].items():
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            if source.startswith("."):
                assert (DEPLOY / "docker" / source).exists(), f"{name}: {source}"
            else:
                assert source in COMPOSE["volumes"]
        assert "healthcheck" in service or name == "llmproxy"
        assert name == "llmproxy" or re.search(r":v?\d+\.\d+", service["image"]), "a version is pinned"
    assert all(map(is_setting, COMPOSE["services"]["llmproxy"]["environment"]))


def test_prometheus_and_grafana_of_the_compose_file_find_their_sources():
    prometheus = yaml.safe_load((DEPLOY / "docker/prometheus.yml").read_text())
    source = yaml.safe_load((DEPLOY / "docker/grafana/datasources/prometheus.yaml").read_text())["datasources"][0]
    port = COMPOSE["services"]["llmproxy"]["environment"]["MANAGEMENT_PORT"]
    mounted = {volume.split(":")[1] for name in ("prometheus", "grafana") for volume in COMPOSE["services"][name]["volumes"]}

    assert prometheus["scrape_configs"][0]["static_configs"][0]["targets"] == [f"llmproxy:{port}"]
    assert {f"/etc/prometheus/{file}" for file in prometheus["rule_files"]} <= mounted
    assert source["url"] == "http://prometheus:9090"
    dashboards = yaml.safe_load((DEPLOY / "docker/grafana/dashboards/llmproxy.yaml").read_text())["providers"][0]["options"]["path"]
    assert any(path.startswith(dashboards) for path in mounted)


def test_compose_file_has_no_secrets():
    settings = (DEPLOY / "docker/settings.example").read_text()

    assert not re.search(r"^[A-Z_]+(PASSWORD|KEY)=.", settings, re.MULTILINE)
    for service in COMPOSE["services"].values():
        for name, value in service.get("environment", {}).items():
            assert "PASSWORD" not in name or value.startswith("${"), name


def test_what_the_image_copies_is_not_ignored():
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    script = (ROOT / "scripts/dist").read_text()
    files = re.findall(r'"([^"]+)"', re.search(r"^FILES = \[(.*?)\]", script, re.MULTILINE | re.DOTALL)[1])
    folders = re.findall(r'"([^"]+)"', re.search(r"^FOLDERS = \[(.*?)\]", script, re.MULTILINE)[1])

    assert not [name for name in [*files, *folders, "pom.xml", ".mvn", "src/main"] if f"!{name}" not in ignored and f"!{name.split('/')[0]}" not in ignored]


@pytest.mark.parametrize("script", ["docker/assemble", "systemd/start-with-secrets", "lambda/start", "lambda/deploy", "docker/health"])
def test_script_is_executable_and_has_no_syntax_error(script):
    path = DEPLOY / script

    assert path.stat().st_mode & 0o111 == 0o111
    checked("bash" if script == "docker/health" else "sh", "-n", path)


# --- systemd


def unit(tmp_path):
    text = (DEPLOY / "systemd/llmproxy.service").read_text()
    path = tmp_path / "llmproxy.service"
    path.write_text(text.replace("/opt/llmproxy/", f"{ROOT}/"))
    return path


def test_unit_is_valid_and_hardened(tmp_path):
    if not shutil.which("systemd-analyze"):
        pytest.skip("systemd-analyze is missing (Debian: apt-get install systemd)")

    assert "llmproxy.service:" not in checked("systemd-analyze", "verify", "--man=no", unit(tmp_path))
    # 0 is the least exposed, 10 the most.
    checked("systemd-analyze", "security", "--offline=yes", "--threshold=15", unit(tmp_path))


def test_unit_waits_for_the_stop():
    seconds = int(re.search(r"^TimeoutStopSec=(\d+)", (DEPLOY / "systemd/llmproxy.service").read_text(), re.MULTILINE)[1])
    drain = sum(int(found) for found in re.findall(r"^DRAIN_(?:DELAY_)?SECONDS = (\d+)", DOCUMENTED, re.MULTILINE))

    assert seconds > drain + 14


def started_with(secrets, tmp_path):
    """The settings that the server would have. A stand-in for the launcher prints them."""
    home = tmp_path / "home"
    (home / "deploy/systemd").mkdir(parents=True)
    shutil.copy2(DEPLOY / "systemd/start-with-secrets", home / "deploy/systemd")
    (home / "llmproxy").write_text('#!/bin/sh\necho "$@"; env\n')
    (home / "llmproxy").chmod(0o755)
    (tmp_path / "secrets").write_text(secrets)
    command = [home / "deploy/systemd/start-with-secrets"]
    return subprocess.run(command, env={"PATH": "/usr/bin:/bin", "CREDENTIALS_DIRECTORY": str(tmp_path)}, capture_output=True, text=True)


def test_secrets_of_the_unit_become_settings(tmp_path):
    said = started_with("# keys\n\nOPENAI_API_KEY=sk-a=b $(id) 'c'\nDATABASE_URL=postgresql://a:b@c/d", tmp_path)

    assert said.stdout.splitlines()[0] == "start"
    assert {"OPENAI_API_KEY=sk-a=b $(id) 'c'", "DATABASE_URL=postgresql://a:b@c/d"} <= set(said.stdout.splitlines())


@pytest.mark.parametrize("line", ["sk-secret", "open ai=sk-secret", "=sk-secret"])
def test_wrong_line_of_the_secrets_ends_the_start_without_showing_it(line, tmp_path):
    said = started_with(line + "\n", tmp_path)

    assert said.returncode == 1
    assert "secrets" in said.stderr and "sk-secret" not in said.stderr + said.stdout


# --- AWS


def test_sam_template_passes_cfn_lint():
    checked(installed("cfn-lint"), DEPLOY / "lambda/template.yaml")


def test_lambda_sets_settings_that_exist():
    image = (DEPLOY / "lambda/Dockerfile").read_text()
    names = re.findall(r"\b([A-Z][A-Z_]+)=", re.search(r"^ENV (.*?[^\\])$", image, re.MULTILINE | re.DOTALL)[1])

    assert [name for name in names if not name.startswith("AWS_LWA_") and not is_setting(name)] == []
    assert "InvokeMode: RESPONSE_STREAM" in (DEPLOY / "lambda/template.yaml").read_text()


def test_lambda_refuses_a_ledger_that_is_lost():
    said = subprocess.run([DEPLOY / "lambda/start"], env={"PATH": "/usr/bin:/bin", "AWS_LAMBDA_FUNCTION_NAME": "x"}, capture_output=True, text=True)

    assert said.returncode == 1
    assert "DATABASE_URL" in said.stderr


def test_deploy_lambda_says_what_is_missing(tmp_path):
    for name in ("sh", "dirname"):
        (tmp_path / name).symlink_to(shutil.which(name))

    said = subprocess.run([DEPLOY / "lambda/deploy"], env={"PATH": str(tmp_path), "HOME": str(tmp_path)}, capture_output=True, text=True)

    assert said.returncode == 1
    assert all(word in said.stderr for word in ("docker", "sam", "credentials"))


# --- Kubernetes


def tool(name):
    found = shutil.which(name, path=f"{TOOLS / 'bin'}:/usr/local/bin:/usr/bin:/bin")
    if not found:
        pytest.skip(f"{name} is missing: deploy/kubernetes/tools installs it with Go")
    return found


EVERYTHING = """
replicaCount: 3
sharedState: true
existingSecret: llmproxy-secrets
googleCredentials: {existingSecret: google}
settings: {GOOGLE_SHEETS_SPREADSHEET_ID: abc, LOG_FORMAT: json}
routes: {chat-turns.camel.yaml: "- route:\\n    id: x\\n"}
providers: {mine.yaml: "id: mine\\n"}
autoscaling: {enabled: true}
ingress: {enabled: true, hosts: [llm.example.com], tls: [{hosts: [llm.example.com], secretName: tls}]}
serviceMonitor: {enabled: true, labels: {release: prometheus}}
prometheusRule: {enabled: true, rules: "groups:\\n- name: a\\n  rules:\\n  - alert: X\\n    expr: up == 0\\n"}
networkPolicy: {apiFrom: [{namespaceSelector: {}}], extraEgress: [{to: [{podSelector: {matchLabels: {app: ollama}}}]}]}
podLabels: {team: a}
podAnnotations: {a: b}
tolerations: [{key: a, operator: Exists}]
nodeSelector: {a: b}
"""
VALUES = {"defaults": "{}", "everything": EVERYTHING, "volume": "persistence: {enabled: true, storageClass: fast}"}


def rendered(values, tmp_path):
    file = tmp_path / "values.yaml"
    file.write_text(values)
    return subprocess.run(
        [tool("helm"), "template", "llmproxy", CHART, "--kube-version", KUBERNETES, "--values", file],
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_chart_passes_helm_lint():
    checked(tool("helm"), "lint", "--strict", "--kube-version", KUBERNETES, CHART)


@pytest.mark.parametrize("name", VALUES)
def test_rendered_chart_fits_kubernetes_schemas(name, tmp_path):
    resources = rendered(VALUES[name], tmp_path)
    assert resources.returncode == 0, resources.stderr

    schemas = str(TOOLS / "schemas/{{.ResourceKind}}{{.KindSuffix}}.json")
    said = checked(tool("kubeconform"), "-strict", "-summary", "-schema-location", schemas, input=resources.stdout)

    assert "Invalid: 0, Errors: 0, Skipped: 0" in said


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ("replicaCount: 2", "sharedState=true"),
        ("autoscaling: {enabled: true}", "sharedState=true"),
        ("sharedState: true", "existingSecret"),
        ("{replicaCount: 2, sharedState: true, existingSecret: a, persistence: {enabled: true}}", "one pod"),
        ("settings: {OPENAI_API_KEY: sk-1}", "settings.OPENAI_API_KEY is a secret"),
        ("settings: {DATABASE_URL: x}", "settings.DATABASE_URL is a secret"),
        ("ingress: {enabled: true}", "ingress.hosts"),
        ("nonsense: 1", "nonsense"),
    ],
)
def test_chart_refuses_wrong_values(values, words, tmp_path):
    said = rendered(values, tmp_path)

    assert said.returncode != 0
    assert words in said.stderr


def test_pod_of_the_chart_fits_the_product(tmp_path):
    resources = [each for each in yaml.safe_load_all(rendered(EVERYTHING, tmp_path).stdout) if each]
    pod = next(each for each in resources if each["kind"] == "Deployment")["spec"]["template"]["spec"]
    container = pod["containers"][0]
    settings = {each["name"]: each["value"] for each in container["env"]}

    assert all(map(is_setting, settings))
    assert pod["terminationGracePeriodSeconds"] > int(settings["DRAIN_SECONDS"]) + int(settings["DRAIN_DELAY_SECONDS"]) + 14
    routes = [each["mountPath"] for each in container["volumeMounts"] if each["mountPath"].startswith("/opt/llmproxy/routes/")]
    assert [(ROOT / path.removeprefix("/opt/llmproxy/")).exists() for path in routes] == [True]
    assert f"runAsUser: {pod['securityContext']['runAsUser']}" == "runAsUser: 10001"
    assert "USER 10001:10001" in (DEPLOY / "docker/Dockerfile").read_text()
