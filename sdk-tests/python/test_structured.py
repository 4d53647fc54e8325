from conftest import user
from pydantic import BaseModel


class City(BaseModel):
    city: str
    people: int


PARIS = City(city="Paris", people=42)


def test_parse_returns_an_object_of_the_schema(client, model):
    completion = client.chat.completions.parse(
        model=model, messages=user("[[script json=1]]"), response_format=City
    )

    assert completion.choices[0].message.parsed == PARIS


def test_stream_helper_returns_an_object_of_the_schema(client, model):
    with client.chat.completions.stream(
        model=model, messages=user("[[script json=1]]"), response_format=City
    ) as stream:
        parsed = [event.parsed for event in stream if event.type == "content.done"]
        completion = stream.get_final_completion()

    assert parsed == [PARIS]
    assert completion.choices[0].message.parsed == PARIS
