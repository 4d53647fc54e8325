// Anthropic's SDK: POST /v1/messages as raw streams, through the helper `stream`, and whole; and the count of tokens.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import Anthropic from '@anthropic-ai/sdk';
import { baseURL, cancelledStreams, key, model, needs, picture, stats, user, waitUntil } from './settings.js';

/** Without retries, so that a test sees the first answer. */
const clientWith = (apiKey) =>
  new Anthropic({ baseURL: baseURL.replace(/\/v1$/, ''), apiKey, maxRetries: 0, timeout: 60_000 });
const claude = clientWith(key);

const asking = (content, fields) => ({ model, max_tokens: 3000, messages: user(content), ...fields });
const thinking = { type: 'enabled', budget_tokens: 2000 };
const weather = {
  name: 'get_weather',
  description: 'The weather of a city',
  input_schema: { type: 'object', properties: { location: { type: 'string' } }, required: ['location'] },
};
const webSearch = { type: 'web_search_20250305', name: 'web_search' };

const ways = {
  whole: (request) => claude.messages.create(request),
  helper: (request) => claude.messages.stream(request).finalMessage(),
};

for (const [name, ask] of Object.entries(ways)) {
  test(`messages, ${name}: answer`, async () => {
    const message = await ask(asking('hello there', { system: 'Be brief.' }));

    assert.deepEqual(
      message.content.map((block) => [block.type, block.text]),
      [['text', 'You said: hello there']],
    );
    assert.equal(message.stop_reason, 'end_turn');
    assert.equal(message.model, model);
    assert.deepEqual([message.usage.input_tokens, message.usage.output_tokens], [4, 4]);
  });

  for (const fields of [{}, { thinking }]) {
    test(`messages, ${name}: tools in two turns, thinking: ${!!fields.thinking}`, async () => {
      const request = asking('Weather? [[script tools=2 reasoning=1]]', { tools: [weather], ...fields });

      const message = await ask(request);
      const calls = message.content.filter((block) => block.type === 'tool_use');
      request.messages.push(
        { role: 'assistant', content: message.content },
        {
          role: 'user',
          content: calls.map((call) => ({
            type: 'tool_result',
            tool_use_id: call.id,
            content: `sunny in ${call.input.location}`,
          })),
        },
      );
      const answer = await ask(request);

      assert.equal(message.stop_reason, 'tool_use');
      assert.deepEqual(
        calls.map((call) => call.input),
        [{ location: 'Paris' }, { location: 'Rome' }],
      );
      assert.equal(answer.content.at(-1).text, 'The tool said: sunny in Rome');
    });
  }

  test(`messages, ${name}: thinking`, async () => {
    const { content } = await ask(asking('[[script reasoning=1 chunks=1]]', { thinking }));

    assert.deepEqual(
      content.map((block) => block.thinking ?? block.text),
      ['Let me think.', 'word1'],
    );
    assert.ok(content[0].signature);
  });

  test(`messages, ${name}: the server's search`, async () => {
    const { content, usage } = await ask(
      asking(`[[script say='Let me look.' calls='web_search {"query": "camels"}']]`, { tools: [webSearch] }),
    );

    assert.deepEqual(
      content.map((block) => block.type),
      ['text', 'server_tool_use', 'web_search_tool_result', 'text'],
    );
    assert.deepEqual(content[1].input, { query: 'camels' });
    assert.equal(content[2].content[0].url, 'https://example.com/found');
    assert.equal(usage.server_tool_use.web_search_requests, 1);
  });
}

test('messages: raw stream', async () => {
  const types = [];
  let text = '';
  for await (const event of await claude.messages.create(asking('hello there', { stream: true }))) {
    types.push(event.type);
    text += event.delta?.text ?? '';
  }

  assert.deepEqual(types, [
    'message_start',
    'content_block_start',
    ...Array(4).fill('content_block_delta'),
    'content_block_stop',
    'message_delta',
    'message_stop',
  ]);
  assert.equal(text, 'You said: hello there');
});

test('messages: picture', async () => {
  const [type, data] = picture.replace('data:', '').split(';base64,');
  const { content } = await claude.messages.create(
    asking([
      { type: 'image', source: { type: 'base64', media_type: type, data } },
      { type: 'text', text: 'What is this?' },
    ]),
  );

  assert.equal(content[0].text, 'You said: What is this?');
});

test('messages: a failure in the middle, raw', async () => {
  let text = '';
  await assert.rejects(async () => {
    const stream = await claude.messages.create(asking('[[script chunks=5 cut=2]]', { stream: true }));
    for await (const event of stream) {
      text += event.delta?.text ?? '';
    }
  }, /connection to the provider/);

  assert.equal(text, 'word1 word2');
});

test('messages: a failure in the middle, helper', async () => {
  await assert.rejects(ways.helper(asking('[[script chunks=5 cut=2]]')), /connection to the provider/);
});

test('messages: leaving cancels the provider', needs(stats), async () => {
  const before = await cancelledStreams();

  for await (const event of claude.messages.stream(asking('[[script chunks=1000 gap=20]]'))) {
    if (event.type === 'content_block_delta') {
      break;
    }
  }

  await waitUntil(async () => (await cancelledStreams()) > before);
});

test('messages: errors', async () => {
  const failing = {
    NotFoundError: { model: 'nowhere/at-all' },
    BadRequestError: { messages: [] },
    RateLimitError: { messages: user('[[script status=429]]') },
    InternalServerError: { messages: user('[[script status=500]]') },
  };
  for (const [name, fields] of Object.entries(failing)) {
    await assert.rejects(claude.messages.create(asking('hi', fields)), (error) => {
      assert.equal(error.constructor, Anthropic[name]);
      assert.equal(error.error.type, 'error');
      assert.equal(error.requestID, error.error.request_id);
      return true;
    });
  }
  await assert.rejects(clientWith('sk-unknown').messages.create(asking('hi')), Anthropic.AuthenticationError);
});

test('messages: count of tokens', async () => {
  const count = async (fields) =>
    (await claude.messages.countTokens({ model, messages: user('a'.repeat(3500)), ...fields })).input_tokens;

  const text = await count();

  assert.ok(text >= 1000 && text <= 1010);
  assert.ok((await count({ tools: [weather] })) > text + 20);
});

test('messages: list of models', async () => {
  const models = [];
  for await (const each of claude.models.list()) {
    models.push(each);
  }

  assert.ok(models.length > 0);
  assert.ok(models.every((each) => each.type === 'model' && each.display_name && each.created_at));
});
