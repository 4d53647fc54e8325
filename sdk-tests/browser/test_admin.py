"""The management pages, as an administrator uses them."""

import json
import os
import re
import sqlite3
import subprocess
import time
import urllib.error
import urllib.request
import uuid
from contextlib import closing
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

ROOT = Path(__file__).resolve().parents[2]
SHOTS = ROOT / "target/management-pages"
PAGES = ["Overview", "Live", "Usage", "Billing", "Keys", "Providers", "Playground", "Routes", "System", "Audit log"]
# What shows that a page has its data.
CONTENT = {"Providers": "article", "Playground": ".lane", "Routes": ".diagram"}
MODEL = "openai/gpt-4.1-mini"  # the scripted provider answers; its price is known
PHONE = {"width": 360, "height": 640}
DESK = {"width": 1280, "height": 900}
MARKUP = "<img src=x onerror=\"document.title='broken'\"> =1+1"


def admin_link():
    env = {**os.environ, "LLMPROXY_DATA": os.environ["LLMPROXY_GATEWAY_DATA"]}
    printed = subprocess.run([ROOT / "llmproxy", "admin-link"], env=env, capture_output=True, text=True, check=True)
    return printed.stdout.strip()


@pytest.fixture(scope="module")
def signed_in(browser):
    """The cookies of an administrator's session."""
    context = browser.new_context()
    page = context.new_page()
    link = admin_link()
    page.goto(link)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Overview")
    assert "token" not in page.url

    page.goto(link)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    yield context.storage_state()
    context.close()


def complaining(page):
    page.complaints = []
    page.on("console", lambda message: page.complaints.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    return page


@pytest.fixture
def pages(browser, signed_in):
    """Opens the pages in a browser with options; checks that nothing was reported in its console."""
    contexts = []

    def opened(**options):
        context = browser.new_context(storage_state=signed_in, **options)
        page = complaining(context.new_page())
        contexts.append((context, page))
        page.goto(os.environ["LLMPROXY_BASE_URL"].removesuffix("/v1").replace("127.0.0.1", "localhost") + "/admin/")
        expect(page.get_by_role("heading", level=1)).to_have_text("Overview")
        return page

    yield opened
    for context, page in contexts:
        assert page.complaints == []
        context.close()


def go(page, name):
    page.get_by_role("link", name=name, exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(name)
    expect(page.locator("[aria-busy=true]")).to_have_count(0)
    if name in CONTENT:
        expect(page.locator(CONTENT[name]).first).to_be_visible()


def serious(page):
    complaints = list(page.complaints)
    found = Axe().run(page).response["violations"]
    # The checker uses inline styles, which the pages' policy forbids.
    page.complaints[:] = complaints
    return [(one["id"], [node["target"] for node in one["nodes"]]) for one in found if one["impact"] in ("serious", "critical")]


def status_with(key):
    request = urllib.request.Request(os.environ["LLMPROXY_BASE_URL"] + "/models", headers={"Authorization": f"Bearer {key}"})
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status
    except urllib.error.HTTPError as refused:
        return refused.code


def ask(message, key=None, model=MODEL, **fields):
    """Begins a chat. Returns its open answer, whose head has arrived; a failed one too."""
    body = {"model": model, "stream": True, "messages": [{"role": "user", "content": message}], **fields}
    request = urllib.request.Request(
        os.environ["LLMPROXY_BASE_URL"] + "/chat/completions",
        json.dumps(body).encode(),
        {"Authorization": f"Bearer {key or os.environ['LLMPROXY_KEY']}", "Content-Type": "application/json"},
    )
    try:
        return urllib.request.urlopen(request, timeout=30)
    except urllib.error.HTTPError as failed:
        return failed


def asked(message, **fields):
    """The id of a chat that has ended."""
    with ask(message, **fields) as answer:
        answer.read()
        return answer.headers["x-request-id"]


def live_row(page, request_id):
    link = page.locator(f'a[href="#/request/{request_id}"]')
    return page.get_by_role("region", name="Requests").get_by_role("row").filter(has=link)


def watch(page):
    go(page, "Live")
    expect(page.get_by_role("status").filter(has_text="Live.")).to_be_visible()


def create(page, name):
    go(page, "Keys")
    page.get_by_role("button", name="Create a key").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Owner's e-mail address").fill("page@example.com")
    dialog.get_by_label("Name", exact=True).fill(name)
    dialog.get_by_role("button", name="Create", exact=True).click()
    expect(page.locator("#new-key")).to_contain_text("sk-")
    return page.locator("#new-key").inner_text()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", ["phone", "desk"])
def test_pages_are_accessible_and_fit(pages, scheme, size):
    page = pages(color_scheme=scheme, viewport=PHONE if size == "phone" else DESK)
    SHOTS.mkdir(parents=True, exist_ok=True)
    asked("hello")
    asked("[[script status=500]]")
    for name in PAGES:
        go(page, name)
        assert page.complaints == [], name
        page.screenshot(path=SHOTS / f"{name.lower().replace(' ', '-')}-{scheme}-{size}.png", full_page=True)
        page.complaints.clear()
        assert serious(page) == [], name
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), name


def test_key_is_created_used_and_revoked(pages):
    page = pages()
    key = create(page, "Browser")
    assert status_with(key) == 200
    assert serious(page) == []
    for snippet in ("curl", "Python", "Node", "Claude Code", "Codex"):
        page.get_by_text(snippet, exact=True).click()
        expect(page.get_by_label(f"Request with {snippet}")).to_contain_text(key)
    models = page.get_by_label("Model of the first request")
    models.select_option(next(one for one in models.locator("option").all_inner_texts() if one.startswith("openai/gpt")))
    request = page.get_by_label("Request with curl").inner_text()
    answer = subprocess.run(["sh", "-c", request], capture_output=True, text=True, check=True).stdout
    assert json.loads(answer)["choices"][0]["message"]["content"]
    page.get_by_role("button", name="Done").click()
    assert key not in page.content()

    page.get_by_label("Search").fill("browser")
    row = page.get_by_role("row").filter(has_text="Browser").filter(has_text=key[:6])
    row.get_by_role("button", name="Revoke").click()
    page.get_by_role("dialog").get_by_role("button", name="Revoke").click()
    expect(page.get_by_role("status").filter(has_text="revoked")).to_be_visible()
    expect(row).to_contain_text("revoked")
    assert status_with(key) == 401


def test_key_is_changed_and_rotated(pages):
    page = pages()
    name = f"Turning {uuid.uuid4().hex}"
    create(page, name)
    page.get_by_role("button", name="Done").click()
    row = page.get_by_role("row").filter(has_text=name)
    row.get_by_role("button", name="Change").click()
    page.get_by_role("dialog").get_by_role("combobox", name="Tier").select_option("free")
    page.get_by_role("dialog").get_by_label("Notes").fill("for the browser test")
    page.get_by_role("dialog").get_by_role("button", name="Save").click()
    expect(page.get_by_role("region", name="Keys")).to_contain_text("for the browser test")

    row.get_by_role("button", name="Rotate").click()
    page.get_by_role("dialog").get_by_role("button", name="Create the new key").click()
    expect(page.locator("#new-key")).to_contain_text("sk-")
    page.get_by_role("button", name="Done").click()
    expect(row).to_have_count(2)


def test_markup_in_a_name_is_text(pages):
    page = pages()
    create(page, MARKUP)
    page.get_by_role("button", name="Done").click()
    expect(page.get_by_text(MARKUP).first).to_be_visible()
    go(page, "Audit log")
    expect(page.get_by_text(MARKUP).first).to_be_visible()
    assert page.title() == "Audit log · llmproxy"
    assert page.locator("main img").count() == 0


def shoot(page, name):
    SHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SHOTS / f"{name}.png", full_page=True)


def chat(key, content):
    body = {"model": os.environ["LLMPROXY_SCRIPTED_MODEL"], "messages": [{"role": "user", "content": content}]}
    request = urllib.request.Request(
        os.environ["LLMPROXY_BASE_URL"] + "/chat/completions",
        data=json.dumps(body).encode(),
        headers={"Authorization": f"Bearer {key}", "Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status
    except urllib.error.HTTPError as refused:
        return refused.code


def refuse_newest():
    """Puts the record of the newest request aside, as the server does when the workbook refuses it."""
    with closing(sqlite3.connect(Path(os.environ["LLMPROXY_GATEWAY_DATA"]) / "ledger.db", timeout=30)) as ledger:
        deadline = time.monotonic() + 30
        while ledger.execute("select count(*) from request where sequence is null").fetchone()[0]:
            assert time.monotonic() < deadline, "a request is not settled"
            time.sleep(0.05)
        newest = ledger.execute("select request_id, sequence from request order by sequence desc limit 1").fetchone()
        ledger.execute("insert into dead_letter (request_id, sequence, error, parked_at) values (?, ?, ?, 0)", (*newest, MARKUP))
        ledger.commit()
    return newest[0]


def test_refused_record_is_tried_again(pages):
    page = pages()
    key = create(page, "Refused")
    page.get_by_role("button", name="Done").click()
    assert chat(key, "to be refused") == 200
    request_id = refuse_newest()

    go(page, "Overview")
    expect(page.get_by_text("refused by the workbook")).to_be_visible()
    go(page, "System")
    row = page.get_by_role("row").filter(has_text=request_id)
    expect(row).to_contain_text(MARKUP)
    assert serious(page) == []
    row.get_by_role("button", name="again").click()
    expect(page.get_by_role("status").filter(has_text="One record is tried again.")).to_be_visible()
    refused = page.locator("section", has=page.get_by_role("heading", name="Refused records"))
    deadline = time.monotonic() + 30
    while request_id in refused.inner_text() and time.monotonic() < deadline:
        refused.get_by_role("button", name="Reload").click()
        page.wait_for_timeout(200)
    expect(refused).to_contain_text("has refused no usage record")
    go(page, "Audit log")
    expect(page.get_by_role("row").filter(has_text="dead_letters.retry").first).to_contain_text(request_id)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_checks_show_their_findings(pages, scheme):
    page = pages(color_scheme=scheme)
    go(page, "System")
    page.get_by_role("button", name="Check now").click()
    expect(page.get_by_role("status").filter(has_text="Checked")).to_be_visible()
    page.get_by_text("results without a problem").click()
    results = page.get_by_role("region", name="Results without a problem")
    expect(results).to_contain_text("ledger")
    expect(results).to_contain_text("workbook")
    assert serious(page) == []
    shoot(page, f"system-checks-{scheme}")


def test_request_appears_while_it_runs_and_ends_with_its_cost(pages, provider):
    page = pages()
    watch(page)
    with ask("[[script chunks=2 hold=1]]") as answer:
        row = live_row(page, answer.headers["x-request-id"])
        expect(row).to_contain_text("RUNNING")
        expect(row).to_contain_text("SDK tests")
        expect(row).to_contain_text(MODEL)
        time = row.get_by_role("cell").last
        expect(time).not_to_have_text(time.inner_text())
        assert serious(page) == []
        provider.release()
        answer.read()
    expect(row).to_contain_text("SUCCESS")
    expect(row).to_contain_text("$")


def test_tools_are_seen_live_and_on_the_page_of_the_request(pages):
    page = pages()
    watch(page)
    question = "walrus [[script calls='calculator {\"expression\": \"40+2\"}']]"
    request_id = asked(question, tools=[{"type": "calculator"}])
    row = live_row(page, request_id)
    expect(row).to_contain_text("calculator")
    row.get_by_role("link").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Request")
    timeline = page.get_by_role("region", name="Timeline")
    expect(timeline).to_contain_text("The whole request")
    expect(timeline).to_contain_text(f"Turn 2, {MODEL}: first content")
    expect(timeline.get_by_role("row").filter(has_text="Tool calculator")).to_have_count(1)

    page.get_by_role("button", name="Show the conversation").click()
    expect(page.get_by_text("walrus").first).to_be_visible()
    expect(page.get_by_text("calculator completed")).to_be_visible()
    page.get_by_role("link", name="All requests").click()
    expect(row).to_be_visible()


def test_page_of_a_running_request_shows_its_end(pages, provider):
    page = pages()
    with ask("[[script chunks=2 hold=1]]") as answer:
        go(page, "Live")
        page.get_by_label("Request id").fill(answer.headers["x-request-id"])
        page.get_by_role("button", name="Open").click()
        facts = page.locator("dl")
        expect(facts).to_contain_text("RUNNING")
        provider.release()
        answer.read()
    expect(facts).to_contain_text("SUCCESS")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", ["phone", "desk"])
def test_route_is_found_on_the_map_measured_and_read(pages, scheme, size):
    page = pages(color_scheme=scheme, viewport=PHONE if size == "phone" else DESK)
    key = create(page, f"Routes {scheme} {size}")
    page.get_by_role("button", name="Done").click()
    go(page, "Routes")
    map = page.get_by_role("figure", name="Map of the routes")
    expect(map.get_by_role("link", name="chat-turns")).to_be_visible()
    expect(map.get_by_role("link", name="admin-keys")).to_have_count(0)
    page.get_by_label("Show").select_option("Management pages")
    expect(map.get_by_role("link", name="admin-keys", exact=False).first).to_be_visible()
    page.get_by_label("Show").select_option("Requests")
    page.get_by_role("button", name="Measure for 5 minutes").click()
    expect(page.get_by_role("status").filter(has_text="measured for 5 minutes")).to_be_visible()
    assert chat(key, "hello") == 200
    assert chat(key, "[[script status=400]]") == 400
    expect(map.get_by_role("link", name="provider-openai: 2 exchanges, 1 failed")).to_be_visible()
    assert serious(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    shoot(page, f"routes-map-{scheme}-{size}")

    map.get_by_role("link", name="call-serve").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="call-serve", exact=True)).to_be_focused()
    steps = page.get_by_role("figure", name="Diagram of call-serve")
    expect(steps.get_by_role("link", name="choice")).to_be_visible()
    step = steps.get_by_role("link", name="to direct:chat-turns")
    expect(step).to_contain_text("1 failed")
    step.focus()
    page.keyboard.press("Enter")
    expect(step).to_be_focused()
    expect(step).to_have_attribute("aria-current", "true")
    expect(page.locator("mark")).to_have_text("                      - to: direct:chat-turns\n")
    expect(page.get_by_role("region", name="Steps of call-serve").get_by_role("row").filter(has_text="to direct:chat-turns")).to_contain_text("chat-turns")
    assert serious(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    shoot(page, f"routes-call-serve-{scheme}-{size}")
    page.reload()
    expect(page.locator("mark")).to_contain_text("direct:chat-turns")

    page.get_by_role("button", name="Stop measuring").click()
    expect(page.get_by_role("button", name="Measure for 5 minutes")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", ["phone", "desk"])
def test_page_of_a_failed_request_is_accessible_and_fits(pages, scheme, size):
    request_id = asked("[[script status=500]]")
    page = pages(color_scheme=scheme, viewport=PHONE if size == "phone" else DESK)
    page.goto(page.url.split("#")[0] + "#/request/" + request_id)
    expect(page.get_by_role("region", name="Attempts")).to_contain_text("upstream_error")
    page.get_by_role("button", name="Show the conversation").click()
    expect(page.get_by_text("script status=500").first).to_be_visible()
    page.screenshot(path=SHOTS / f"request-{scheme}-{size}.png", full_page=True)
    assert serious(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_paused_list_stays_as_it_is(pages):
    page = pages()
    watch(page)
    pause = page.get_by_role("button", name="Pause")
    pause.click()
    expect(page.get_by_role("status").filter(has_text="Paused")).to_be_visible()
    other = pages()
    watch(other)
    request_id = asked("hello")
    expect(live_row(other, request_id)).to_contain_text("SUCCESS")
    expect(live_row(page, request_id)).to_have_count(0)
    pause.click()
    expect(live_row(page, request_id)).to_contain_text("SUCCESS")


def choose_key(page, name):
    field = page.locator("input[list=key-names]")
    field.fill(name)
    option = page.locator("#key-names option").first
    expect(option).to_have_attribute("value", re.compile("^" + re.escape(name)))
    field.fill(option.get_attribute("value"))


def test_requests_are_filtered_by_key_and_status(pages):
    page = pages()
    name = f"Filtered {uuid.uuid4().hex}"
    key = create(page, name)
    page.get_by_role("button", name="Done").click()
    good, bad, others = asked("hello", key=key), asked("[[script status=500]]", key=key), asked("hello")
    watch(page)
    expect(live_row(page, others)).to_have_count(1)
    choose_key(page, name)
    expect(live_row(page, others)).to_have_count(0)
    expect(live_row(page, good)).to_contain_text(name)
    page.get_by_label("Status").select_option("ERROR")
    expect(live_row(page, good)).to_have_count(0)
    expect(live_row(page, bad)).to_contain_text("ERROR")

    go(page, "Usage")
    choose_key(page, name)
    expect(page.get_by_text(": 2 requests, 1 failed")).to_be_visible()


def test_lost_connection_is_shown_and_made_again(pages):
    page = pages()
    page.route("**/admin/api/live**", lambda route: route.abort())
    page.get_by_role("link", name="Live", exact=True).click()
    expect(page.get_by_role("status").filter(has_text="Connecting again")).to_be_visible()
    page.unroute("**/admin/api/live**")
    expect(page.get_by_role("status").filter(has_text="Live.")).to_be_visible()
    page.complaints.clear()


def test_fifth_window_is_told_why_it_shows_nothing(pages):
    for _ in range(4):
        watch(pages())
    page = pages()
    page.get_by_role("link", name="Live", exact=True).click()
    expect(page.get_by_role("status").filter(has_text="too many windows")).to_be_visible()
    page.complaints.clear()


def test_markup_of_keys_and_models_is_text_on_the_pages_of_requests(pages):
    page = pages()
    key = create(page, MARKUP)
    page.get_by_role("button", name="Done").click()
    watch(page)
    model = "openai/<img src=x onerror=1>"
    row = live_row(page, asked(MARKUP, key=key, model=model))
    expect(row).to_contain_text(MARKUP)
    expect(row).to_contain_text(model)
    row.get_by_role("link").click()
    page.get_by_role("button", name="Show the conversation").click()
    expect(page.get_by_text(MARKUP).nth(1)).to_be_visible()
    assert page.title() == "Request · llmproxy"
    assert page.locator("main img").count() == 0


def test_pages_work_by_keyboard(pages):
    page = pages()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to content"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"

    page.get_by_role("link", name="System", exact=True).focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_be_focused()
    go(page, "Keys")
    opener = page.get_by_role("button", name="Create a key")
    opener.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(opener).to_be_focused()


def test_switch_changes_between_light_and_dark(pages):
    page = pages(color_scheme="light")
    page.get_by_role("button", name="Light or dark").click()
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    page.reload()
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"


def test_sign_out_shows_the_sign_in(browser):
    context = browser.new_context()
    page = complaining(context.new_page())
    page.goto(admin_link())
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_text("admin-link")).to_be_visible()
    assert serious(page) == []
    page.goto(page.url.split("#")[0] + "#/sign-in/link_void")
    expect(page.get_by_role("alert")).to_contain_text("used before")
    assert page.complaints == []
    context.close()


def test_provider_is_found_by_a_model_and_tested(pages):
    page = pages()
    go(page, "Providers")
    card = page.get_by_role("article", name="OpenAI", exact=True)
    page.get_by_label("Search").fill("gpt-4o-mini")
    expect(card.get_by_role("row").filter(has_text="gpt-4o-mini").first).to_contain_text("$0.15")
    expect(page.get_by_role("article", name="Anthropic", exact=True)).to_have_count(0)
    assert serious(page) == []

    page.get_by_label("Search").fill("openai")
    card.get_by_label("Model to test").fill("scripted")
    card.get_by_role("button", name="Test OpenAI").click()
    expect(card.get_by_role("status")).to_contain_text("openai/scripted answered in")
    expect(card.get_by_role("status")).to_contain_text("“You said: ping”")

    card.get_by_label("Model to test").fill("scripted-down")
    card.get_by_role("button", name="Test OpenAI").click()
    expect(card.get_by_role("alert")).to_contain_text("status 503 of the provider")
    go(page, "Audit log")
    expect(page.get_by_text("openai/scripted-down").first).to_be_visible()


def playground(page):
    go(page, "Playground")
    page.locator(".lane select").select_option("openai/gpt-4o-mini")


def say(page, text):
    page.get_by_label("Message").fill(text)
    page.get_by_role("button", name="Send").click()


def test_playground_streams_an_answer_of_several_turns(pages, provider):
    page = pages()
    playground(page)
    say(page, "[[script hold=3]] Hello there")
    answer = page.locator(".answer").first
    expect(answer).to_have_text("You said: Hello")
    expect(page.get_by_role("button", name="Send")).to_be_disabled()
    provider.release()
    expect(answer).to_have_text("You said: Hello there")
    chat = page.get_by_role("region", name="Chat")
    expect(chat.get_by_role("status")).to_contain_text("The answer is complete.")
    for fact in ("First content", "Total", "Speed", "Tokens out", "Cost"):
        expect(chat.locator(".facts div").filter(has_text=fact)).not_to_contain_text("–")
    expect(chat.locator(".facts div").filter(has_text="Cost")).to_contain_text("$0.000")

    say(page, "[[script reasoning=1]] " + MARKUP)
    expect(page.locator(".answer").nth(1)).to_have_text("You said: " + MARKUP)
    expect(page.get_by_text("Let me think.")).to_have_count(1)
    assert page.title() == "Playground · llmproxy"
    assert page.locator("main img").count() == 0


def test_playground_shows_the_tools_that_the_server_runs(pages):
    page = pages()
    playground(page)
    page.get_by_text("Instructions, tools and options").click()
    page.get_by_label("calculator").check()
    say(page, "[[script calls='calculator {\"expression\": \"6*7\"}']] What is it?")
    tools = page.locator(".tools li")
    expect(tools).to_contain_text('{"expression":"6*7"}')
    expect(tools).to_contain_text("completed")
    expect(page.locator(".answer")).to_contain_text("42")
    expect(page.locator(".facts")).to_contain_text("2 turns, 1 tool call")


def test_playground_stops_an_answer(pages, provider):
    page = pages()
    playground(page)
    cancelled = provider.stats()["cancelled"]
    say(page, "[[script chunks=20 silent=5]]")
    expect(page.locator(".answer")).to_have_text("word1 word2 word3 word4 word5")
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_role("region", name="Chat").get_by_role("status")).to_contain_text("Stopped.")
    provider.wait_for("cancelled", cancelled)
    expect(page.get_by_role("button", name="Send")).to_be_enabled()
    page.get_by_role("button", name="New chat").click()
    expect(page.locator(".turn")).to_have_count(0)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", ["phone", "desk"])
def test_playground_compares_two_models(pages, scheme, size):
    page = pages(color_scheme=scheme, viewport=PHONE if size == "phone" else DESK)
    go(page, "Playground")
    page.get_by_label("Compare two models").check()
    page.get_by_role("region", name="Model A").locator("select").select_option("openai/gpt-4o-mini")
    page.get_by_role("region", name="Model B").locator("select").select_option("openai/gpt-4o")
    say(page, "[[script reasoning=1]] Which one is faster?")
    for name, model in (("Model A", "openai/gpt-4o-mini"), ("Model B", "openai/gpt-4o")):
        lane = page.get_by_role("region", name=name)
        expect(lane.locator(".answer")).to_have_text("You said: Which one is faster?")
        expect(lane.locator(".facts")).to_contain_text(model)
        expect(lane.locator(".facts div").filter(has_text="Cost")).to_contain_text("$")
    SHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SHOTS / f"playground-chat-{scheme}-{size}.png", full_page=True)
    assert serious(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_playground_shows_an_error(pages):
    page = pages()
    playground(page)
    say(page, "[[script status=503]]")
    expect(page.locator(".turn").get_by_role("alert")).to_contain_text("openai")
    assert len(page.complaints) == 1 and "502" in page.complaints[0]
    page.complaints.clear()
    say(page, "Hello again")
    expect(page.locator(".answer").nth(1)).to_have_text("You said: Hello again")
