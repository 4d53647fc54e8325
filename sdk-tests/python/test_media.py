"""Audio, images and moderations, which pass through to the provider."""

import io
import random

import openai
import pytest

SOUND = random.Random(1).randbytes(3_000_000)


def recording():
    file = io.BytesIO(SOUND)
    file.name = "meeting.mp3"
    return file


def test_transcription(client, model):
    reply = client.audio.transcriptions.create(model=model, file=recording(), language="de")

    assert reply.text == "I heard meeting.mp3 of 3000000 bytes"
    assert reply.usage.total_tokens == 59


def test_transcription_as_text(client, model):
    assert "3000000 bytes" in client.audio.transcriptions.create(model=model, file=recording(), response_format="text")


def test_transcription_as_a_stream(client, model):
    events = list(client.audio.transcriptions.create(model=model, file=recording(), stream=True))

    assert events[-1].type == "transcript.text.done"
    assert "".join(event.delta for event in events[:-1]) == events[-1].text


# The SDK deprecates the call.
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_translation(client, model):
    assert "meeting.mp3" in client.audio.translations.create(model=model, file=recording()).text


def test_speech(client, model, provider, tmp_path):
    asked = dict(voice="alloy", input="[[script size=200000]] Good morning")
    with client.audio.speech.with_streaming_response.create(model=model, **asked) as reply:
        reply.stream_to_file(tmp_path / "own.mp3")

    assert (tmp_path / "own.mp3").read_bytes() == provider.audio.speech.create(model="scripted", **asked).content


def test_images(client, model):
    made = client.images.generate(model=model, prompt="a cat")
    changed = client.images.edit(model=model, prompt="blue", image=[("a.png", b"1"), ("b.png", b"2")])

    assert made.data[0].b64_json and changed.data[0].b64_json
    assert made.usage.total_tokens == 250


def test_moderations(client, model):
    reply = client.moderations.create(model=model, input="kill")

    assert reply.results[0].flagged


def test_errors_of_the_provider(client, model):
    with pytest.raises(openai.RateLimitError):
        client.moderations.create(model=model, input="[[script status=429]]")
    with pytest.raises(openai.BadRequestError):
        client.audio.transcriptions.create(model=model, file=recording(), prompt="[[script status=400]]")


def test_provider_without_the_endpoint(client):
    with pytest.raises(openai.NotFoundError, match="does not have /v1/moderations"):
        client.moderations.create(model="anthropic/claude-opus-5", input="x")
