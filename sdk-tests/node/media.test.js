import assert from 'node:assert/strict';
import { test } from 'node:test';
import OpenAI, { toFile } from 'openai';
import { client, model } from './settings.js';

const sound = Buffer.alloc(2_000_000, 'sound');
const recording = () => toFile(sound, 'meeting.mp3', { type: 'audio/mpeg' });

test('a recording is transcribed, with the file before the model', async () => {
  const reply = await client.audio.transcriptions.create({ file: await recording(), model });

  assert.equal(reply.text, 'I heard meeting.mp3 of 2000000 bytes');
});

test('a recording is transcribed as a stream', async () => {
  const stream = await client.audio.transcriptions.create({ model, file: await recording(), stream: true });
  const events = [];
  for await (const event of stream) events.push(event);

  assert.equal(events.at(-1).type, 'transcript.text.done');
  assert.match(events.at(-1).text, /2000000 bytes/);
});

test('speech has the bytes of the provider', async () => {
  const reply = await client.audio.speech.create({ model, voice: 'alloy', input: '[[script size=150000]] hi' });

  assert.equal(reply.headers.get('content-type'), 'audio/mpeg');
  assert.equal((await reply.arrayBuffer()).byteLength, 150_000);
});

test('images are made and changed', async () => {
  const made = await client.images.generate({ model, prompt: 'a cat' });
  const changed = await client.images.edit({ model, prompt: 'blue', image: await toFile(Buffer.from('x'), 'a.png') });

  assert.ok(made.data[0].b64_json);
  assert.ok(changed.data[0].b64_json);
});

test('moderations are those of the provider', async () => {
  const reply = await client.moderations.create({ model, input: 'kill' });

  assert.equal(reply.results[0].flagged, true);
  await assert.rejects(
    client.moderations.create({ model: 'anthropic/claude-opus-5', input: 'x' }),
    (error) => error instanceof OpenAI.NotFoundError && error.code === 'endpoint_not_found',
  );
});
