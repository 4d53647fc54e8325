"""POST /chat from a page of another origin, with fetch and the function from docs/chat.md."""

import re

import pytest

PERSON = "test@example.com"  # the owner of the keys from ../run


@pytest.fixture
def signed_in(chat_page):
    chat_page.sign_in(PERSON)
    return chat_page


def test_piece_is_shown_before_the_provider_sends_the_next(signed_in, provider):
    signed_in.ask("[[script chunks=3 hold=1]]")

    signed_in.shows("answer", "word1")
    signed_in.shows("state", "asking")
    assert signed_in.events() == ["delta"]

    provider.release()
    signed_in.shows("state", "complete: stop")
    signed_in.shows("answer", "word1 word2 word3")
    assert signed_in.events() == ["delta", "delta", "delta", "complete"]
    assert signed_in.data("complete")[0]["usage"]["completion_tokens"] == 3


def test_reasoning_is_shown_separately(signed_in):
    signed_in.ask("hello [[script reasoning=1]]")

    signed_in.shows("state", "complete: stop")
    signed_in.shows("thinking", "Let me think.")
    signed_in.shows("answer", "You said: hello")


def test_split_characters_arrive_whole(signed_in):
    signed_in.ask("hello [[script utf8=1]]")

    signed_in.shows("state", "complete: stop")
    signed_in.shows("answer", "You said: hello — Grüße, 世界 👋🏽 naïve")


def test_tools_are_shown_between_the_texts_of_the_model(signed_in):
    calls = 'calculator {"expression": "6*7"} | calculator {"expression": "6*9"}'
    signed_in.ask(f"[[script say=Thinking. calls='{calls}']]", tools=["calculator"])

    signed_in.shows("state", "complete: stop")
    names = [name for name in signed_in.events() if name != "delta"]
    assert names == ["tool_call_start", "tool_call_result"] * 2 + ["complete"]
    assert signed_in.events()[0] == "delta"
    assert [each["arguments"]["expression"] for each in signed_in.data("tool_call_start")] == ["6*7", "6*9"]
    assert [each["summary"] for each in signed_in.data("tool_call_result")] == ["42", "54"]
    (complete,) = signed_in.data("complete")
    assert (complete["turns"], complete["tool_calls"]) == (3, 2)


def test_stop_cancels_the_providers_answer(signed_in, provider):
    cancelled = provider.stats()["cancelled"]
    signed_in.ask("[[script chunks=3 silent=1]]")
    signed_in.shows("answer", "word1")

    signed_in.page.click("#stop")

    provider.wait_for("cancelled", more_than=cancelled)
    signed_in.shows("state", re.compile("^AbortError"))
    assert signed_in.events() == ["delta"]


def test_failure_in_the_middle_is_an_event(signed_in):
    signed_in.ask("[[script chunks=3 cut=2]]")

    signed_in.shows("state", "error: upstream_error")
    assert signed_in.events() == ["delta", "delta", "error"]


def test_page_can_read_an_error(signed_in):
    signed_in.ask("hello", tools=["abacus"])

    signed_in.shows("state", "Error: Invalid value for 'tools[0]': this server has no tool `abacus`."
                    " It has calculator, current_time, fetch_url, web_search.")
    assert signed_in.events() == []


def test_request_without_sign_in_is_rejected(chat_page, provider):
    requests = provider.stats()["requests"]
    chat_page.ask("hello")

    chat_page.page.wait_for_function("document.querySelector('#state').textContent.startsWith('Error: ')")
    assert chat_page.events() == []
    assert provider.stats()["requests"] == requests
