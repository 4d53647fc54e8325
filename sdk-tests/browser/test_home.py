"""The page at the gateway's address."""

import os

import pytest


@pytest.fixture(params=["light", "dark"])
def page(browser, request):
    context = browser.new_context(color_scheme=request.param, viewport={"width": 360, "height": 640})
    page = context.new_page()
    page.complaints = []
    page.on("console", lambda message: page.complaints.append(message.text))
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    yield page
    context.close()


def test_page_shows_its_address_and_fits_a_phone(page):
    address = os.environ["LLMPROXY_BASE_URL"].removesuffix("/v1")

    page.goto(address)

    assert page.title() == "llmproxy"
    assert address + "/v1" in page.inner_text("main")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.complaints == []
    page.get_by_role("link", name="The API's description").click()
    assert page.url == address + "/openapi.json"
