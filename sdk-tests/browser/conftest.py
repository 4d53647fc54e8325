"""A page in a real browser, with another origin than the gateway. The settings are environment variables, which ../run sets."""

import functools
import http.server
import json
import os
import re
import threading
import time
import urllib.request
from pathlib import Path

import pytest
from playwright.sync_api import expect, sync_playwright

HERE = Path(__file__).resolve().parent
CHAT_PAGE = HERE.parents[1] / "docs/chat.md"
DEADLINE_SECONDS = 30

expect.set_options(timeout=DEADLINE_SECONDS * 1000)


def setting(name):
    if not os.environ.get(name):
        pytest.exit(f"{name} is not set: start the tests with sdk-tests/run", returncode=2)
    return os.environ[name]


class Site(http.server.SimpleHTTPRequestHandler):
    """Serves this folder, with the function from docs/chat.md."""

    def do_GET(self):
        if self.path != "/chat.js":
            return super().do_GET()
        (script,) = re.findall(r"^```js\n(.*?)^```$", CHAT_PAGE.read_text(), re.MULTILINE | re.DOTALL)
        self.send_response(200)
        self.send_header("Content-Type", "text/javascript; charset=utf-8")
        self.end_headers()
        self.wfile.write(script.encode())

    def log_message(self, *_):
        pass


@pytest.fixture(scope="session")
def site():
    handler = functools.partial(Site, directory=HERE)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture(scope="session")
def browser():
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=setting("LLMPROXY_CHROMIUM"))
        yield chromium
        chromium.close()


class Provider:
    """Controls the scripted provider."""

    def __init__(self, stats):
        self.stats_url = stats

    def stats(self):
        with urllib.request.urlopen(self.stats_url, timeout=DEADLINE_SECONDS) as reply:
            return json.load(reply)

    def release(self):
        url = self.stats_url.removesuffix("stats") + "release"
        urllib.request.urlopen(url, timeout=DEADLINE_SECONDS).close()

    def wait_for(self, name, more_than):
        deadline = time.monotonic() + DEADLINE_SECONDS
        while self.stats()[name] <= more_than:
            assert time.monotonic() < deadline, f"{name} is still {more_than}"
            time.sleep(0.05)


@pytest.fixture
def provider():
    return Provider(setting("LLMPROXY_SCRIPTED_STATS"))


class ChatPage:
    """page.html, as a user operates it."""

    def __init__(self, page, site):
        self.page = page
        self.errors = []
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.goto(f"{site}/page.html")
        page.fill("#address", setting("LLMPROXY_BASE_URL").removesuffix("/v1") + "/chat")
        page.fill("#google", setting("LLMPROXY_SIGN_IN"))

    def sign_in(self, email):
        self.page.fill("#email", email)
        self.page.click("#sign-in")
        expect(self.page.locator("#token")).not_to_be_empty()

    def ask(self, message, **fields):
        messages = [{"role": "user", "content": message}]
        form = {"model": setting("LLMPROXY_SCRIPTED_MODEL"), "messages": messages, **fields}
        self.page.fill("#form", json.dumps(form))
        self.page.click("#send")

    def shows(self, part, text):
        expect(self.page.locator("#" + part)).to_have_text(text)

    def events(self):
        return self.page.locator("#events li").all_text_contents()

    def data(self, name):
        items = self.page.locator("#events li").filter(has_text=re.compile(f"^{name}$"))
        return [json.loads(item.get_attribute("data-json")) for item in items.all()]


@pytest.fixture
def chat_page(browser, site):
    with browser.new_context() as context:
        page = ChatPage(context.new_page(), site)
        yield page
        assert page.errors == []
