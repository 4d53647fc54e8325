import assert from 'node:assert/strict';
import { test } from 'node:test';
import OpenAI from 'openai';
import { client, localModel, model, needs, providersOwnVectors, stats } from './settings.js';

const localEmbeddingModel = 'local/all-minilm-l6-v2';

/** The vectors have unit length. */
const cosine = (one, other) => one.reduce((sum, value, i) => sum + value * other[i], 0);

test('texts are embedded in order', async () => {
  const reply = await client.embeddings.create({ model, input: ['one', 'two'] });

  assert.deepEqual(
    reply.data.map((each) => [each.object, each.index, each.embedding.length]),
    [
      ['embedding', 0, 8],
      ['embedding', 1, 8],
    ],
  );
  assert.equal(reply.model, model);
  assert.ok(reply.usage.total_tokens > 0);
});

test("vectors are the provider's in the order of the texts", needs(stats), async () => {
  const input = ['one', 'two', 'three'];

  const { data } = await client.embeddings.create({ model, input, encoding_format: 'float' });

  assert.deepEqual(data.map((each) => each.embedding), await providersOwnVectors(input));
});

for (const habit of ['', '[[script encoding=float]] ', '[[script encoding=base64]] ']) {
  test(`the encoding is the requested one ${habit}`, async () => {
    const input = `${habit}one`;
    // Without a format the SDK requests base64 and decodes it.
    const decoded = await client.embeddings.create({ model, input });
    const floats = await client.embeddings.create({ model, input, encoding_format: 'float' });
    const base64 = await client.embeddings.create({ model, input, encoding_format: 'base64' });

    assert.deepEqual(
      [...decoded.data[0].embedding],
      floats.data[0].embedding.map((value) => Math.fround(value)),
    );
    assert.equal(typeof base64.data[0].embedding, 'string');
  });
}

test('the local embedding model', needs(localModel), async () => {
  const reply = await client.embeddings.create({
    model: localEmbeddingModel,
    input: ['The cat sleeps', 'A kitten is sleeping', 'Income tax is due in April'],
  });

  const [cat, kitten, tax] = reply.data.map((each) => each.embedding);
  assert.equal(cat.length, 384);
  assert.ok(cosine(cat, kitten) > 0.7);
  assert.ok(cosine(cat, tax) < 0.1);
});

test('a bad request names the field', async () => {
  await assert.rejects(client.embeddings.create({ model, input: [] }), (error) => {
    assert.ok(error instanceof OpenAI.BadRequestError);
    assert.equal(error.param, 'input');
    return true;
  });
});
