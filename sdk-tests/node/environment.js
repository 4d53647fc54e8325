// The settings of the tests are environment variables, which ../run sets. ../ai-sdk uses this file, too.
import assert from 'node:assert/strict';

function required(name) {
  assert.ok(process.env[name], `${name} is not set: start the tests with sdk-tests/run`);
  return process.env[name];
}

export const baseURL = required('LLMPROXY_BASE_URL');
export const key = required('LLMPROXY_KEY');
export const model = required('LLMPROXY_SCRIPTED_MODEL');
/** Models behind other formats than OpenAI's. */
export const otherModels = (process.env.LLMPROXY_OTHER_MODELS ?? '').split(',').filter(Boolean);
export const localModel = process.env.LLMPROXY_LOCAL_MODEL;
export const revokedKey = process.env.LLMPROXY_REVOKED_KEY;
export const stats = process.env.LLMPROXY_SCRIPTED_STATS;

/** Options of a test that needs a setting: skipped when it is not set. */
export const needs = (setting) => ({ skip: setting ? false : 'its setting is not set' });

export async function cancelledStreams() {
  return (await (await fetch(stats)).json()).cancelled;
}

/** The scripted provider's own answer, without the gateway. */
export async function providersOwnVectors(input) {
  const reply = await fetch(stats.replace(/\/stats$/, '/v1/embeddings'), {
    method: 'POST',
    headers: { authorization: 'Bearer x', 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'scripted', input }),
  });
  return (await reply.json()).data.map((each) => each.embedding);
}

export async function waitUntil(condition, milliseconds = 30_000) {
  const deadline = Date.now() + milliseconds;
  while (!(await condition())) {
    assert.ok(Date.now() < deadline, 'did not happen in time');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
/** A key with three requests a minute, for one test to use up. */
export const tinyKey = process.env.LLMPROXY_TINY_KEY;

/** A PNG of one point. */
export const picture =
  'data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';

/** A chat in which the server searches the web, and its expected contents. */
export const search = {
  modes: ['hybrid', 'comment', 'off'],
  prompt: `What are camels? [[script say='Let me look.' calls='web_search {"query": "camels"}']]`,
  promptWithWeather: `[[script say='Let me look.' calls='web_search {"query": "camels"} | get_weather {"location": "Paris"}']]`,
  url: 'https://example.com/found',
  answer:
    'Let me look.\n\nThe tool said: {"engine":"searxng","results":[{"title":"searxng on camels","url":"https://example.com/found","snippet":"camels & more"}]}',
  totalTokens: 40, // of both turns
  told: (mode) => ({ headers: { 'X-Tool-Notifications': mode } }),
};
