import {
  api, copy, count, Dialog, html, Loaded, say, session, Table, Time, useEffect, useLoaded, useState,
} from "../lib.js";

const SIZE = 50;
const STATES = { usable: "usable", revoked: "revoked", expired: "expired", refused: "refused" };
const FIELDS = ["name", "tier", "expires_at", "allowed_models", "budget_usd_month", "requests_per_minute", "notes"];

/** Ready-made first requests with a key. */
function snippets(key, model) {
  const base = location.origin + "/v1";
  return [
    ["curl", `curl ${base}/chat/completions \\
  -H "Authorization: Bearer ${key}" -H "Content-Type: application/json" \\
  -d '{"model": "${model}", "messages": [{"role": "user", "content": "Hello"}]}'`],
    ["Python", `from openai import OpenAI

client = OpenAI(base_url="${base}", api_key="${key}")
answer = client.chat.completions.create(
    model="${model}", messages=[{"role": "user", "content": "Hello"}])
print(answer.choices[0].message.content)`],
    ["Node", `import OpenAI from "openai";

const client = new OpenAI({ baseURL: "${base}", apiKey: "${key}" });
const answer = await client.chat.completions.create({
  model: "${model}", messages: [{ role: "user", content: "Hello" }] });
console.log(answer.choices[0].message.content);`],
    ["Claude Code", `export ANTHROPIC_BASE_URL=${location.origin} ANTHROPIC_AUTH_TOKEN=${key}
claude --model ${model}`],
    ["Codex", `export LLMPROXY_KEY=${key}
codex -m ${model} -c model_provider=llmproxy -c 'model_providers.llmproxy={name="llmproxy", base_url="${base}", env_key="LLMPROXY_KEY", wire_api="responses"}'`],
  ];
}

/** The ids of the models that a key may use, those for chats first. */
async function modelsOf(key) {
  const answer = await fetch("/v1/models", { headers: { Authorization: "Bearer " + key } });
  const ids = answer.ok ? (await answer.json()).data.map((model) => model.id) : [];
  // Only the name tells what a model is for.
  const embeds = (id) => /embed/i.test(id);
  return [...ids.filter((id) => !embeds(id)), ...ids.filter(embeds)];
}

function Copied({ text, what }) {
  const [message, setMessage] = useState("");
  return html`
    <button type="button" onClick=${async () => setMessage(await copy(text, what))}>Copy ${what.toLowerCase()}</button>
    <span role="status">${message}</span>`;
}

function NewKey({ made, onClose }) {
  const [chosen, setChosen] = useState("");
  const { data: models = [] } = useLoaded(() => modelsOf(made.key), [made.key]);
  const model = chosen || models[0] || "MODEL";
  return html`
    <${Dialog} title="Your new key" onClose=${onClose}
      footer=${html`<button type="button" onClick=${onClose}>Done</button>`}>
      <p>Copy it now: it is not shown again. The workbook has only its hash.</p>
      <pre tabindex="0" aria-label="The new key"><code class="secret" id="new-key">${made.key}</code></pre>
      <p><${Copied} text=${made.key} what="Key" /></p>
      ${models.length > 0
        ? html`<label>Model of the first request
            <select value=${model} onChange=${(event) => setChosen(event.target.value)}>
              ${models.map((id) => html`<option value=${id}>${id}</option>`)}
            </select></label>`
        : html`<p>Put the id of a model in place of <code>MODEL</code>.</p>`}
      ${snippets(made.key, model).map(([name, text]) => html`
        <details>
          <summary>${name}</summary>
          <pre tabindex="0" aria-label=${"Request with " + name}><code>${text}</code></pre>
          <${Copied} text=${text} what=${name} />
        </details>`)}
    <//>`;
}

/** A form in a dialog. It shows the server's error and stays open. */
function FormDialog({ title, action, send, onClose, onDone, children }) {
  const [error, setError] = useState(null);
  const [busy, setBusy] = useState(false);
  const submit = async (event) => {
    event.preventDefault();
    setBusy(true);
    try {
      const answer = await send(Object.fromEntries(new FormData(event.target)));
      onDone(answer);
    } catch (failure) {
      setError(failure);
      setBusy(false);
    }
  };
  return html`
    <${Dialog} title=${title} onClose=${onClose}>
      <form onSubmit=${submit}>
        ${error && html`<p role="alert">${error.message}</p>`}
        ${children}
        <footer>
          <button type="button" class="secondary" onClick=${onClose}>Cancel</button>
          <button type="submit" disabled=${busy} aria-busy=${busy}>${action}</button>
        </footer>
      </form>
    <//>`;
}

function LimitFields({ tiers, of = {} }) {
  const tier = of.tier ?? "free";
  // The sheet may name a tier that does not exist.
  const names = tiers.includes(tier) ? tiers : [tier, ...tiers];
  return html`
    <label>Tier
      <select name="tier" value=${tier}>${names.map((name) => html`<option value=${name}>${name}</option>`)}</select></label>
    <label>Expires at
      <input name="expires_at" value=${of.expires_at ?? ""} placeholder="2027-01-31 or 30d" aria-describedby="expires-help" />
      <small id="expires-help">A date (UTC), or a number of days such as 30d. Empty: never.</small></label>
    <label>Allowed models
      <input name="allowed_models" value=${of.allowed_models ?? ""} placeholder="groq/*, fast" aria-describedby="models-help" />
      <small id="models-help">Names separated by commas; * stands for any characters. Empty: all.</small></label>
    <label>Budget in US dollars a month
      <input name="budget_usd_month" value=${of.budget_usd_month ?? ""} inputmode="decimal" aria-describedby="budget-help" />
      <small id="budget-help">Empty: the tier's budget. unlimited: none.</small></label>
    <label>Requests a minute
      <input name="requests_per_minute" value=${of.requests_per_minute ?? ""} inputmode="numeric" aria-describedby="requests-help" />
      <small id="requests-help">Empty: the tier's limit. unlimited: none.</small></label>
    <label>Notes <textarea name="notes" maxlength="2000">${of.notes ?? ""}</textarea></label>`;
}

function Create({ tiers, onClose, onDone }) {
  const admin = session.role === "ADMIN";
  const send = (fields) => api("POST", "keys", Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== "")));
  return html`
    <${FormDialog} title="Create a key" action="Create" send=${send} onClose=${onClose} onDone=${onDone}>
      ${admin && html`<label>Owner's e-mail address <input name="email" type="email" required value=${session.email} /></label>`}
      <label>Name <input name="name" required maxlength="200" placeholder="Ann's laptop" /></label>
      ${admin && html`<${LimitFields} tiers=${tiers} />`}
    <//>`;
}

function Edit({ of, tiers, onClose, onDone }) {
  const send = (fields) => {
    const changes = Object.fromEntries(FIELDS.filter((name) => name in fields && fields[name] !== of[name]).map((name) => [name, fields[name]]));
    if (Object.keys(changes).length === 0) return of;
    const expected = Object.fromEntries(Object.keys(changes).map((name) => [name, of[name]]));
    return api("PATCH", `keys/${of.id}`, { changes, expected });
  };
  return html`
    <${FormDialog} title=${"Change " + of.key} action="Save" send=${send} onClose=${onClose} onDone=${onDone}>
      <p>Owner: ${of.email}</p>
      <label>Name <input name="name" required maxlength="200" value=${of.name} /></label>
      ${session.role === "ADMIN" && html`<${LimitFields} of=${of} tiers=${tiers} />`}
    <//>`;
}

function Rotate({ of, onClose, onDone }) {
  const send = (fields) => api("POST", `keys/${of.id}/rotate`, { grace_hours: Number(fields.grace_hours) });
  return html`
    <${FormDialog} title=${"Rotate " + of.key} action="Create the new key" send=${send} onClose=${onClose} onDone=${onDone}>
      <p>A new key with the same owner, name and limits replaces this one.</p>
      <label>Hours for which the old key still works
        <input name="grace_hours" type="number" min="0" max="720" required value="24" /></label>
    <//>`;
}

function Revoke({ of, onClose, onDone }) {
  const send = () => api("POST", `keys/${of.id}/revoke`);
  return html`
    <${FormDialog} title="Revoke this key?" action="Revoke" send=${send} onClose=${onClose} onDone=${onDone}>
      <p><strong>${of.key}</strong> of ${of.email} (${of.name}) stops working at once on this server, and on others within seconds.
        This cannot be undone here.</p>
    <//>`;
}

const DIALOGS = { edit: Edit, rotate: Rotate, revoke: Revoke };
const DONE = { edit: "The key was changed.", revoke: "The key was revoked." };

/** The API keys: search, create, change, rotate, revoke. */
const WINDOWS = {
  requests_per_minute: "requests a minute", requests_per_day: "requests a day",
  tokens_per_minute: "tokens a minute", budget_usd_month: "dollars a month",
};

function Use({ of }) {
  const digits = { maximumFractionDigits: of.limit === "budget_usd_month" ? 2 : 0 };
  const text = `${of.used.toLocaleString([], digits)} of ${of.most.toLocaleString([], digits)} ${WINDOWS[of.limit]}`;
  return html`<div class="use"><progress value=${of.used} max=${of.most || 1} aria-label=${text}></progress><small>${text}</small></div>`;
}

export function Page() {
  const [query, setQuery] = useState({ search: "", status: "", page: 1, sort: { by: "created", down: true } });
  const [typed, setTyped] = useState("");
  const [open, setOpen] = useState(null);
  const change = (part) => setQuery((old) => ({ ...old, page: 1, ...part }));
  useEffect(() => {
    const timer = setTimeout(() => typed !== query.search && change({ search: typed }), 250);
    return () => clearTimeout(timer);
  }, [typed]);
  const { data, error, loading, reload } = useLoaded(() => {
    const parameters = new URLSearchParams({
      search: query.search, page: query.page, size: SIZE, sort: query.sort.by, order: query.sort.down ? "desc" : "asc",
    });
    if (query.status) parameters.set("status", query.status);
    return api("GET", "keys?" + parameters);
  }, [query]);

  const close = () => setOpen(null);
  const done = (kind) => (answer) => {
    setOpen(answer?.key && kind !== "edit" ? { kind: "made", made: answer } : null);
    if (DONE[kind]) say(DONE[kind]);
    reload();
  };
  const columns = [
    { title: "Key", cell: (key) => html`<code>${key.key}</code>` },
    { title: "Owner", sort: "email", cell: (key) => key.email },
    { title: "Name", sort: "name", cell: (key) => html`${key.name}${key.notes && html`<br /><small class="quiet">${key.notes}</small>`}` },
    { title: "Tier", sort: "tier", cell: (key) => key.tier },
    { title: "State", cell: (key) => html`<span class=${key.state === "usable" ? "good" : "bad"}>${STATES[key.state]}</span>${key.status && html`<br /><small>${key.status}</small>`}` },
    { title: "Actions", cell: (key) => {
      const button = (kind, text) => html`<button type="button" aria-label=${`${text} ${key.key} of ${key.email}`} onClick=${() => setOpen({ kind, of: key })}>${text}</button>`;
      return html`${button("edit", "Change")}${key.state === "usable" && button("rotate", "Rotate")}${key.state !== "revoked" && button("revoke", "Revoke")}`;
    } },
    { title: "Use now", cell: (key) => key.use.map((one) => html`<${Use} of=${one} />`) },
    { title: "Expires", sort: "expires", cell: (key) => key.expires_at || html`<span class="quiet">never</span>` },
    { title: "Models", cell: (key) => key.allowed_models || html`<span class="quiet">all</span>` },
    { title: "Last used", sort: "last_used", cell: (key) => html`<${Time} of=${key.last_used} />` },
    { title: "Requests", sort: "requests", number: true, cell: (key) => count(key.requests) },
    { title: "Tokens", sort: "tokens", number: true, cell: (key) => count(key.tokens) },
  ];
  const pages = data ? Math.max(1, Math.ceil(data.total / SIZE)) : 1;
  const tiers = data?.tiers ?? [];
  const Opened = DIALOGS[open?.kind];
  return html`
    <div class="bar">
      <label class="grow">Search <input type="search" value=${typed} onInput=${(event) => setTyped(event.target.value)} placeholder="address, name, notes, start of the key" /></label>
      <label>State
        <select value=${query.status} onChange=${(event) => change({ status: event.target.value })}>
          <option value="">all</option>
          ${Object.entries(STATES).map(([value, text]) => html`<option value=${value}>${text}</option>`)}
        </select></label>
      <button type="button" onClick=${() => setOpen({ kind: "create" })}>Create a key</button>
    </div>
    <${Loaded} of=${{ data, error, loading, reload }}>${(loaded) => html`
      <${Table} label="Keys" columns=${columns} rows=${loaded.keys} sort=${query.sort} onSort=${(sort) => change({ sort })} empty="No key matches." />
      <div class="bar">
        <p>${count(loaded.total)} keys, page ${query.page} of ${pages}</p>
        <button type="button" class="plain" disabled=${query.page <= 1} onClick=${() => change({ page: query.page - 1 })}>Previous page</button>
        <button type="button" class="plain" disabled=${query.page >= pages} onClick=${() => change({ page: query.page + 1 })}>Next page</button>
      </div>`}
    <//>
    ${open?.kind === "create" && html`<${Create} tiers=${tiers} onClose=${close} onDone=${done("create")} />`}
    ${open?.kind === "made" && html`<${NewKey} made=${open.made} onClose=${close} />`}
    ${Opened && html`<${Opened} of=${open.of} tiers=${tiers} onClose=${close} onDone=${done(open.kind)} />`}`;
}
