import openai
import pytest


def test_lists_models(client, model):
    models = client.models.list().data

    assert model in [each.id for each in models]
    assert all(each.object == "model" and each.owned_by for each in models)


def test_retrieves_a_model_whose_id_holds_a_slash(client, model):
    assert "/" in model
    assert client.models.retrieve(model).id == model


def test_lists_and_retrieves_the_local_model(client, local_model):
    assert local_model in [each.id for each in client.models.list()]
    assert client.models.retrieve(local_model).id == local_model


def test_unknown_model(client):
    with pytest.raises(openai.NotFoundError) as raised:
        client.models.retrieve("openai/no-such-model")

    assert raised.value.code == "model_not_found"
