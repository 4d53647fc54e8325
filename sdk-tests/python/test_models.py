import openai
import pytest


def test_lists_models(client):
    models = client.models.list().data

    assert "openai/gpt-4o-mini" in [each.id for each in models]
    assert all(each.object == "model" and each.owned_by for each in models)


def test_retrieves_a_model_with_a_slash_in_its_id(client, model):
    assert "/" in model
    assert client.models.retrieve(model).id == model


def test_lists_and_retrieves_the_local_model(client, local_model):
    assert local_model in [each.id for each in client.models.list()]
    assert client.models.retrieve(local_model).id == local_model


def test_model_outside_the_catalogue_is_passed_on_to_a_configured_provider(client):
    assert client.models.retrieve("openai/made-tomorrow").id == "openai/made-tomorrow"


def test_unknown_model(client):
    with pytest.raises(openai.NotFoundError) as raised:
        client.models.retrieve("nobody/nothing")

    assert raised.value.code == "model_not_found"
