// Tools that the server runs. The client gets notifications in the form that it chooses, and never a call to run.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import OpenAI from 'openai';
import { client, model, search, user } from './settings.js';

const { answer, modes, told, totalTokens, url } = search;
const messages = user(search.prompt);
const tools = [{ type: 'web_search' }];

function assertOneSearchIsShown(shown) {
  const [begun, ended] = shown;
  assert.equal(shown.length, 2);
  assert.deepEqual(
    [begun.tool, begun.status, begun.query, begun.result],
    ['web_search', 'started', 'camels', undefined],
  );
  assert.deepEqual(
    [ended.tool, ended.status, ended.query, ended.result],
    ['web_search', 'completed', 'camels', '1 result from searxng'],
  );
  assert.ok(begun.call_id);
  assert.equal(ended.call_id, begun.call_id);
  assert.ok(Number.isInteger(ended.duration_ms));
  assert.equal(ended.results[0].url, url);
}

function assertCited(annotations) {
  assert.equal(annotations.length, 1);
  const { start_index, end_index, ...cited } = annotations[0].url_citation;
  assert.deepEqual(cited, { title: 'searxng on camels', url });
  assert.equal(answer.slice(start_index, end_index), url);
}

for (const mode of modes) {
  test(`server tool, stream as in the README: ${mode}`, async () => {
    const stream = await client.chat.completions.create(
      { model, messages, tools, stream: true },
      told(mode),
    );

    let text = '';
    const chunks = [];
    for await (const chunk of stream) {
      text += chunk.choices[0].delta.content || '';
      chunks.push(chunk);
    }

    assert.equal(text, answer);
    assert.ok(chunks.every((chunk) => !chunk.choices[0].delta.tool_calls));
    assert.deepEqual(chunks.map((chunk) => chunk.choices[0].finish_reason).filter(Boolean), [
      'stop',
    ]);
    assertCited(chunks.flatMap((chunk) => chunk.choices[0].delta.annotations ?? []));
    const shown = chunks.filter((chunk) => chunk.tool);
    if (mode === 'hybrid') {
      assertOneSearchIsShown(shown);
    } else {
      assert.deepEqual(shown, []);
    }
  });

  test(`server tool, stream helper: ${mode}`, async () => {
    const runner = client.chat.completions.stream(
      { model, messages, web_search_options: {}, stream_options: { include_usage: true } },
      told(mode),
    );
    const calls = [];
    runner.on('tool_calls.function.arguments.delta', (call) => calls.push(call));
    runner.on('tool_calls.function.arguments.done', (call) => calls.push(call));

    const completion = await runner.finalChatCompletion();

    assert.equal(completion.choices[0].message.content, answer);
    assert.equal(completion.choices[0].message.tool_calls, undefined);
    assert.equal(completion.choices[0].finish_reason, 'stop');
    assert.equal(completion.usage.total_tokens, totalTokens);
    assert.deepEqual(calls, []);
  });

  test(`server tool, without streaming: ${mode}`, async () => {
    const completion = await client.chat.completions.create({ model, messages, tools }, told(mode));

    const [choice] = completion.choices;
    assert.equal(choice.message.content, answer);
    assert.equal(choice.message.tool_calls, undefined);
    assert.equal(choice.finish_reason, 'stop');
    assert.equal(completion.usage.total_tokens, totalTokens);
    assertCited(choice.message.annotations);
    if (mode === 'hybrid') {
      assertOneSearchIsShown(completion.tool_notifications);
    } else {
      assert.ok(!('tool_notifications' in completion));
    }
  });

  for (const stream of [false, true]) {
    test(`server tool, then runTools runs its own function, stream: ${stream}: ${mode}`, async () => {
      const asked = [];
      const getWeather = {
        type: 'function',
        function: {
          name: 'get_weather',
          description: 'The weather of a city',
          parameters: { type: 'object', properties: { location: { type: 'string' } } },
          parse: JSON.parse,
          function: ({ location }) => {
            asked.push(location);
            return `sunny in ${location}`;
          },
        },
      };
      const runner = client.chat.completions.runTools(
        {
          model,
          stream,
          messages: user(search.promptWithWeather),
          tools: [getWeather],
          web_search_options: {},
        },
        told(mode),
      );
      const called = [];
      runner.on('functionToolCall', (call) => called.push(call.name));

      assert.equal(await runner.finalContent(), 'The tool said: sunny in Paris');
      assert.deepEqual(asked, ['Paris']);
      assert.deepEqual(called, ['get_weather']);
    });
  }
}

test('server tool, unknown form of notifications', async () => {
  await assert.rejects(
    client.chat.completions.create({ model, messages, tools }, told('loud')),
    (error) => error instanceof OpenAI.BadRequestError && error.code === 'invalid_value',
  );
});
