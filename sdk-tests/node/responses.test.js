// The Responses API: raw streams, and the helper, which fails on events that do not fit together.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import OpenAI from 'openai';
import { cancelledStreams, client, model, needs, search, stats, waitUntil } from './settings.js';

const weather = {
  type: 'function',
  name: 'get_weather',
  description: 'The weather of a city',
  strict: true,
  parameters: {
    type: 'object',
    properties: { location: { type: 'string' } },
    required: ['location'],
    additionalProperties: false,
  },
};

async function raw(fields) {
  let last;
  let text = '';
  for await (const event of await client.responses.create({ model, stream: true, ...fields })) {
    if (event.type === 'response.output_text.delta') {
      text += event.delta;
    }
    last = event;
  }
  assert.match(last.type, /^response\.(completed|incomplete)$/);
  const said = last.response.output.flatMap((item) => (item.content ?? []).map((part) => part.text ?? ''));
  assert.equal(said.join(''), text);
  return last.response;
}

async function helper(fields) {
  const stream = client.responses.stream({ model, ...fields });
  for await (const _ of stream);
  return stream.finalResponse();
}

const whole = (fields) => client.responses.create({ model, ...fields });

const text = (response) => response.output.find((item) => item.type === 'message').content[0].text;

for (const ask of [raw, helper, whole]) {
  test(`responses, ${ask.name}: answer with usage`, async () => {
    const response = await ask({ input: 'hello there' });

    assert.equal(text(response), 'You said: hello there');
    assert.equal(response.status, 'completed');
    assert.equal(response.usage.total_tokens, 6);
  });

  test(`responses, ${ask.name}: two calls and their results`, async () => {
    const input = [{ role: 'user', content: 'What is the weather? [[script tools=2]]' }];
    const first = await ask({ input, tools: [weather] });

    const calls = first.output.filter((item) => item.type === 'function_call');
    assert.deepEqual(
      calls.map((call) => JSON.parse(call.arguments)),
      [{ location: 'Paris' }, { location: 'Rome' }],
    );
    const outputs = calls.map((call) => ({
      type: 'function_call_output',
      call_id: call.call_id,
      output: 'sunny',
    }));
    const second = await ask({ input: [...input, ...first.output, ...outputs], tools: [weather] });

    assert.equal(text(second), 'The tool said: sunny');
  });

  test(`responses, ${ask.name}: reasoning`, async () => {
    const response = await ask({
      input: 'hi [[script reasoning=1]]',
      reasoning: { summary: 'auto' },
      include: ['reasoning.encrypted_content'],
    });

    assert.equal(response.output[0].type, 'reasoning');
    assert.equal(response.output[0].summary[0].text, 'Let me think.');
    assert.ok(response.output[0].encrypted_content);
  });

  test(`responses, ${ask.name}: previous response without a pause`, async () => {
    let previous;
    let response;
    for (const turn of ['one', 'two', 'three', 'four']) {
      response = await ask({ input: turn, previous_response_id: previous });
      assert.equal(text(response), `You said: ${turn}`);
      previous = response.id;
    }
    assert.equal(response.usage.input_tokens, 4 + 3 * 3);
  });

  test(`responses, ${ask.name}: server's search`, async () => {
    const response = await ask({ input: search.prompt, tools: [{ type: 'web_search' }] });

    const items = response.output.map((item) => item.type);
    assert.deepEqual(items, ['message', 'web_search_call', 'message']);
    assert.equal(response.output[1].action.query, 'camels');
    assert.equal(response.output[2].content[0].annotations[0].url, search.url);
  });
}

for (const ask of [raw, helper]) {
  for (const mishap of ['cut=2', 'error=2']) {
    test(`responses, ${ask.name}: failure in the middle, ${mishap}`, async () => {
      await assert.rejects(ask({ input: `[[script chunks=5 ${mishap}]]` }), (error) => {
        assert.ok(error instanceof OpenAI.APIError, String(error));
        assert.match(error.message, /openai|provider|engine/i);
        return true;
      });
    });
  }
}

test('responses: silent provider', async () => {
  assert.equal(text(await helper({ input: '[[script chunks=1 gap=5500]]' })), 'word1');
});

test('responses: remembered, listed, deleted', async () => {
  const { id } = await whole({ input: 'hi' });

  assert.equal((await client.responses.retrieve(id)).id, id);
  assert.equal((await client.responses.inputItems.list(id)).data[0].content[0].text, 'hi');
  await client.responses.delete(id);
  await assert.rejects(client.responses.retrieve(id), OpenAI.NotFoundError);
});

test('responses: leaving cancels the provider', needs(stats), async () => {
  const before = await cancelledStreams();
  const stream = await client.responses.create({
    model,
    input: '[[script chunks=500 gap=20]]',
    stream: true,
  });
  for await (const event of stream) {
    if (event.type === 'response.output_text.delta') {
      break;
    }
  }

  await waitUntil(async () => (await cancelledStreams()) > before);
});
