import assert from 'node:assert/strict';
import { test } from 'node:test';
import OpenAI from 'openai';
import { client, localModel, model, needs } from './settings.js';

async function listedIds() {
  const ids = [];
  for await (const each of client.models.list()) {
    ids.push(each.id);
  }
  return ids;
}

test('lists models', async () => {
  assert.ok((await listedIds()).includes('openai/gpt-4o-mini'));
});

test('retrieves a model with a slash in its id', async () => {
  assert.ok(model.includes('/'));
  assert.equal((await client.models.retrieve(model)).id, model);
});

test('lists and retrieves the local model', needs(localModel), async () => {
  assert.ok((await listedIds()).includes(localModel));
  assert.equal((await client.models.retrieve(localModel)).id, localModel);
});

test('unknown model', async () => {
  await assert.rejects(client.models.retrieve('nobody/nothing'), (error) => {
    assert.ok(error instanceof OpenAI.NotFoundError);
    assert.equal(error.code, 'model_not_found');
    return true;
  });
});
