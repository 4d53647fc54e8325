import { api, count, html, Loaded, Table, Time, useLoaded, useMemo, useState } from "../lib.js";
import { seconds, smallCost } from "../usage.js";

const BREAKERS = { closed: "closed", open: "open: not asked", half_open: "half open: a few requests try it" };
const LISTED = { file: "of its file", live: "of the provider's own list", both: "of its file and its own list" };

const HEALTH = [
  { title: "Model", cell: (one) => html`<code>${one.model}</code>` },
  { title: "Breaker", cell: (one) => html`<span class=${one.breaker === "closed" ? "good" : "bad"}>${BREAKERS[one.breaker] ?? one.breaker}</span>` },
  { title: "Requests", number: true, cell: (one) => count(one.calls) },
  { title: "Failed", number: true, cell: (one) => count(one.failures) },
  { title: "First content", number: true, cell: (one) => seconds(one.first_content_ms) },
  { title: "p95", number: true, cell: (one) => seconds(one.first_content_p95_ms) },
  { title: "Last failure", cell: (one) => (one.last_error ? html`${one.last_error}, <${Time} of=${one.last_error_at} />` : html`<span class="quiet">none</span>`) },
];

/** A price for a million tokens. */
function rate(text) {
  return text === undefined ? html`<span class="quiet">–</span>` : `$${text}`;
}

function Source({ price }) {
  if (!price) return html`<span class="quiet">unknown</span>`;
  return html`<small class="quiet">${price.source}${price.from && `; since ${price.from}`}${price.daily && `; ${price.daily}`}</small>
    ${price.long_prompts.map((tier) => html`<br /><small>above ${count(tier.above)} tokens: $${tier.input} in, $${tier.output} out</small>`)}`;
}

const MODELS = [
  { title: "Model", cell: (model) => html`<code>${model.id}</code>${model.label !== model.id && html`<br /><small class="quiet">${model.label}</small>`}` },
  { title: "Aliases", cell: (model) => model.aliases.join(", ") },
  { title: "Context", number: true, cell: (model) => (model.context_length ? count(model.context_length) : "") },
  { title: "Most output", number: true, cell: (model) => (model.max_output ? count(model.max_output) : "") },
  { title: "Abilities", cell: (model) => model.abilities.join(", ") },
  { title: "Input", number: true, cell: (model) => rate(model.price?.input) },
  { title: "Cached", number: true, cell: (model) => rate(model.price?.cached) },
  { title: "Output", number: true, cell: (model) => rate(model.price?.output) },
  { title: "Source of the prices", cell: (model) => html`<${Source} price=${model.price} />` },
];

const OFF = [
  { title: "Provider", cell: (one) => one.label },
  { title: "Name", cell: (one) => html`<code>${one.name}</code>` },
  { title: "Format", cell: (one) => one.format },
  { title: "Why it is off", cell: (one) => one.off },
];

/** Where an alias leads, in the order of the attempts. */
function chain(alias) {
  const targets = alias.models.map((model, at) => (alias.weights.length ? `${model} (weight ${alias.weights[at]})` : model));
  const further = [
    alias.long_context.length && `too long: ${alias.long_context.join(", ")}`,
    alias.content_policy.length && `refused content: ${alias.content_policy.join(", ")}`,
  ].filter(Boolean);
  return [targets.join(alias.weights.length ? ", " : " → "), ...further].join("; ");
}

const ALIASES = [
  { title: "Alias", cell: (alias) => html`<code>${alias.name}</code>` },
  { title: "Asked in this order", cell: chain },
];

function credentials(provider) {
  if (provider.keys > 1) return `${provider.keys} keys, in ${provider.key_setting}`;
  if (provider.keys === 1) return `a key, in ${provider.key_setting}`;
  return provider.credentials ? "present" : "none";
}

function ModelList({ provider }) {
  const { list } = provider;
  if (!list.read) return html`${LISTED[list.listed]}${list.listed !== "file" && ", which is not read (LIVE_MODELS)"}`;
  return html`${LISTED[list.listed]}, which
    ${list.read_at ? html` was read <${Time} of=${list.read_at} /> and has ${count(list.models)} models` : list.models ? ` has ${count(list.models)} models, stored before the start` : " has not been read yet"}
    ${list.problem && html`<br /><span class="bad">Last reading, <${Time} of=${list.failed_at} />: ${list.problem}</span>`}`;
}

/** What a test has brought, as a sentence. */
function outcome(result) {
  const text = result.type === "embedding" ? "a vector" : result.text ? `“${result.text}”` : `no text (finish reason ${result.finish_reason})`;
  const first = result.first_content_ms === undefined ? "" : `, first content after ${seconds(result.first_content_ms)}`;
  return `${result.model} answered in ${seconds(result.duration_ms)}${first}: ${text}. ${count(result.usage.total_tokens)} tokens, cost ${smallCost(result.cost)}.`;
}

function failure(result) {
  const { error } = result;
  const status = error.provider_status ? `, status ${error.provider_status} of the provider` : "";
  const reason = error.reason && error.reason !== error.message ? ` The provider says: ${error.reason}` : "";
  return `${result.model} failed after ${seconds(result.duration_ms)} (${error.code}${status}): ${error.message}${reason}`;
}

function Test({ provider, longest, onDone }) {
  const [model, setModel] = useState("");
  const [state, setState] = useState({});
  const list = `models-of-${provider.name}`;
  const test = async (event) => {
    event.preventDefault();
    setState({ running: true });
    try {
      const result = await api("POST", `providers/${encodeURIComponent(provider.name)}/test`, model.trim() ? { model: model.trim() } : {});
      const breaker = result.breaker === "closed" ? "" : ` Its breaker is ${BREAKERS[result.breaker]}.`;
      setState(result.ok ? { good: outcome(result) + breaker } : { bad: failure(result) + breaker });
    } catch (error) {
      setState({ bad: error.message });
    }
    onDone();
  };
  return html`
    <form class="bar" onSubmit=${test}>
      <label class="grow">Model to test
        <input type="text" list=${list} value=${model} onInput=${(event) => setModel(event.target.value)} placeholder="the first one" maxlength="256" required=${provider.models.length === 0} /></label>
      <datalist id=${list}>${provider.models.map((one) => html`<option value=${one.id} />`)}</datalist>
      <button type="submit" aria-label=${`Test ${provider.label}`} disabled=${state.running}>Test</button>
    </form>
    <p role="status">${state.running ? `Asking ${provider.label}, for at most ${longest} s …` : state.good ?? ""}</p>
    <p role="alert">${state.bad ?? ""}</p>`;
}

function Provider({ provider, models, wanted, longest, reload }) {
  const [opened, setOpened] = useState(false);
  const heading = `provider-${provider.name}`;
  const calls = provider.health.reduce((sum, one) => sum + one.calls, 0);
  const failures = provider.health.reduce((sum, one) => sum + one.failures, 0);
  const resting = provider.health.filter((one) => one.breaker !== "closed");
  return html`
    <article aria-labelledby=${heading}>
      <h2 id=${heading}>${provider.label}</h2>
      <dl class="facts">
        <div><dt>State</dt><dd>${resting.length === 0
          ? html`<span class="good">on</span>${calls === 0 && ", not asked in the last five minutes"}`
          : html`<span class="bad">on; the breaker is not closed for ${resting.map((one) => one.model).join(", ")}</span>`}
          ${calls > 0 && `, ${count(calls)} requests in the last five minutes, ${count(failures)} failed`}${provider.found && ", found on this machine"}</dd></div>
        <div><dt>Name, format</dt><dd><code>${provider.name}</code>, ${provider.format}</dd></div>
        <div><dt>Address</dt><dd>${provider.base_url ? html`<code class="wrap">${provider.base_url}</code>` : "in this process"}</dd></div>
        <div><dt>Credentials</dt><dd>${credentials(provider)}</dd></div>
        <div><dt>Models</dt><dd><${ModelList} provider=${provider} /></dd></div>
      </dl>
      ${provider.health.length > 0 && html`<${Table} label=${`Health of the models of ${provider.label}, last five minutes`} columns=${HEALTH} rows=${provider.health.map((one) => ({ id: one.model, ...one }))} />`}
      <${Test} provider=${provider} longest=${longest} onDone=${reload} />
      <details open=${opened || wanted} onToggle=${(event) => setOpened(event.currentTarget.open)}>
        <summary>${count(models.length)} models and prices in US dollars for a million tokens</summary>
        ${(opened || wanted) && html`<${Table} label=${`Models of ${provider.label}`} columns=${MODELS} rows=${models} empty="No model is listed; others can be used by their names." />`}
      </details>
    </article>`;
}

/** The providers that match, each with its models that match. */
function found(providers, wanted) {
  const has = (text) => text.toLowerCase().includes(wanted);
  return providers
    .map((provider) => {
      const itself = has(provider.name) || has(provider.label);
      const models = itself ? provider.models : provider.models.filter((model) => has(model.id) || has(model.label) || model.aliases.some(has));
      return { provider, models, byModel: wanted !== "" && !itself, shown: itself || models.length > 0 };
    })
    .filter((one) => one.shown);
}

/** The providers, their health, models and prices, and a test of each. */
export function Page() {
  const loaded = useLoaded(() => api("GET", "providers"), []);
  const [typed, setTyped] = useState("");
  const wanted = typed.trim().toLowerCase();
  const shown = useMemo(() => found(loaded.data?.providers ?? [], wanted), [loaded.data, wanted]);
  const on = shown.filter(({ provider }) => provider.on);
  const off = shown.filter(({ provider }) => !provider.on);
  return html`
    <form class="bar" onSubmit=${(event) => event.preventDefault()}>
      <label class="grow">Search <input type="search" value=${typed} onInput=${(event) => setTyped(event.target.value)} placeholder="provider, model or alias" /></label>
      <button type="button" class="plain" onClick=${loaded.reload}>Reload</button>
    </form>
    <${Loaded} of=${loaded}>${(data) => html`
      <p class="quiet" role="status">${count(on.length)} of ${count(data.providers.length)} providers are on and match. As of <${Time} of=${data.at} />.</p>
      <p>${data.breaker
        ? `A model is not asked for ${data.breaker.seconds} seconds when ${data.breaker.failure_percent} % of its last ${data.breaker.calls} requests failed (circuit breaker).`
        : "The circuit breaker is off: models are asked however often they fail."}
        ${" "}A test sends a small request to the provider, also while the breaker is open. It is recorded as usage of yours without a key.</p>
      ${on.map((one) => html`<${Provider} key=${one.provider.name} provider=${one.provider} models=${one.models} wanted=${one.byModel} longest=${data.test_seconds} reload=${loaded.reload} />`)}
      ${on.length === 0 && html`<p>No provider that is on matches.</p>`}
      ${data.aliases.length > 0 && html`
        <h2>Aliases and fallback chains</h2>
        <${Table} label="Aliases" columns=${ALIASES} rows=${data.aliases.map((alias) => ({ id: alias.name, ...alias }))} />`}
      ${off.length > 0 && html`
        <h2>Providers that are off</h2>
        <${Table} label="Providers that are off" columns=${OFF} rows=${off.map(({ provider }) => ({ id: provider.name, ...provider }))} />`}`}
    <//>`;
}
