import assert from 'node:assert/strict';
import { test } from 'node:test';
import { client, model, user } from './settings.js';

const parameters = {
  type: 'object',
  properties: { location: { type: 'string' } },
  required: ['location'],
};
const weather = {
  type: 'function',
  function: { name: 'get_weather', description: 'The weather of a city', parameters },
};

test('streamed tool calls', async () => {
  const stream = await client.chat.completions.create({
    model,
    messages: user('What is the weather? [[script tools=2]]'),
    tools: [weather],
    stream: true,
  });

  const calls = [];
  let finishReason;
  for await (const chunk of stream) {
    for (const fragment of chunk.choices[0].delta.tool_calls ?? []) {
      calls[fragment.index] ??= { id: fragment.id, name: fragment.function.name, arguments: '' };
      calls[fragment.index].arguments += fragment.function.arguments ?? '';
    }
    finishReason = chunk.choices[0].finish_reason;
  }

  assert.equal(finishReason, 'tool_calls');
  assert.deepEqual(
    calls.map((call) => [call.name, JSON.parse(call.arguments)]),
    [
      ['get_weather', { location: 'Paris' }],
      ['get_weather', { location: 'Rome' }],
    ],
  );
  assert.notEqual(calls[0].id, calls[1].id);
});

for (const stream of [false, true]) {
  test(`runTools runs tools until the answer, stream: ${stream}`, async () => {
    const asked = [];
    const runner = client.chat.completions.runTools({
      model,
      stream,
      messages: user('What is the weather? [[script tools=2]]'),
      tools: [
        {
          type: 'function',
          function: {
            name: 'get_weather',
            description: 'The weather of a city',
            parameters,
            parse: JSON.parse,
            function: ({ location }) => {
              asked.push(location);
              return `sunny in ${location}`;
            },
          },
        },
      ],
    });

    assert.equal(await runner.finalContent(), 'The tool said: sunny in Rome');
    assert.deepEqual(asked, ['Paris', 'Rome']);
  });
}
