import { api, count, html, Loaded, send, sayError, session, useEffect, useLoaded, useRef, useState } from "../lib.js";
import { seconds, smallCost } from "../usage.js";

const EFFORTS = ["minimal", "low", "medium", "high"];
const REDRAW_MS = 60;
const AT_ONCE_MS = 50;
const RECORD_TRIES = 8;
const RECORD_MS = 400;
const LANES = ["A", "B"];

/** The events of a stream as [name, data]. Throws when the stream is cut. */
async function* events(response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  while (true) {
    const { done, value } = await reader.read();
    if (done) throw new Error("The connection was lost before the answer was complete.");
    const parts = (text + value).split("\n\n");
    text = parts.pop();
    for (const part of parts) {
      const [, name, data] = part.match(/^event: (.+)\ndata: (.+)$/m) ?? [];
      if (name) yield [name, JSON.parse(data)];
      if (name === "complete" || name === "error") return;
    }
  }
}

/** What earlier turns said, for the next request. A turn without an answer is left out. */
function history(turns) {
  return turns
    .filter((turn) => turn.text)
    .flatMap((turn) => [{ role: "user", content: turn.question }, { role: "assistant", content: turn.text }]);
}

/** The server's own record of a request: its cost, and which model has answered. Null when it is not there in time. */
async function record(id) {
  for (let i = 0; i < RECORD_TRIES; i++) {
    const { requests } = await api("GET", `requests?limit=50&email=${encodeURIComponent(session.email)}`);
    const found = requests.find((one) => one.id === id);
    if (found) return found;
    await new Promise((later) => setTimeout(later, RECORD_MS));
  }
  return null;
}

function take(turn, name, data) {
  const since = performance.now() - turn.began;
  if (name === "delta" || name === "thinking") turn.first ??= since;
  if (name === "delta") turn.text += data.content;
  if (name === "thinking") turn.thinking += data.content;
  if (name === "tool_call_start") turn.tools.push({ id: data.call_id, at: since, ...data });
  if (name === "tool_call_result") Object.assign(turn.tools.find((tool) => tool.call_id === data.call_id) ?? {}, data);
  if (name === "complete") turn.end = data;
  if (name === "error") turn.error = data.error.message;
}

/** Asks a model, and writes what arrives into the turn. */
async function ask(turn, key, form, redraw) {
  turn.began = performance.now();
  try {
    const response = await send("POST", `playground?key_id=${key}`, form, turn.control.signal);
    turn.id = response.headers.get("x-request-id");
    turn.served = response.headers.get("x-llmproxy-model");
    turn.tried = response.headers.get("x-llmproxy-tried");
    turn.cached = response.headers.get("x-llmproxy-cache") === "hit";
    for await (const [name, data] of events(response)) {
      take(turn, name, data);
      redraw();
    }
    turn.state = turn.error ? "failed" : "complete";
  } catch (error) {
    turn.state = turn.control.signal.aborted ? "stopped" : "failed";
    if (turn.state === "failed") turn.error = error.message;
  }
  turn.total = performance.now() - turn.began;
  redraw();
  if (turn.id && !turn.control.quiet) {
    turn.record = await record(turn.id).catch(() => null);
    redraw();
  }
}

function Tool({ tool, running }) {
  const state = tool.status
    ? html`<span class=${tool.status === "completed" ? "good" : "bad"}>${tool.status}</span> after ${seconds(tool.duration_ms)}: ${tool.summary}`
    : running ? "running …" : "not finished";
  return html`
    <li><code>${tool.tool}</code> <code class="wrap">${JSON.stringify(tool.arguments)}</code>, started after ${seconds(tool.at)}, ${state}
      ${tool.results && html`<ul>${tool.results.map((one) => html`<li>${one.title} <small class="quiet">${one.url}</small></li>`)}</ul>`}
    </li>`;
}

/** Tokens of the answer for each second in which it arrived; empty for an answer that arrived at once. */
function speed(turn) {
  const tokens = turn.end?.usage.completion_tokens;
  const during = turn.total - turn.first;
  return tokens > 1 && during >= AT_ONCE_MS ? `${(tokens / (during / 1000)).toFixed(1)} tokens/s` : "";
}

function several(number, what) {
  return `${count(number)} ${what}${number === 1 ? "" : "s"}`;
}

function Measured({ turn }) {
  const usage = turn.end?.usage;
  const cached = usage?.prompt_tokens_details?.cached_tokens;
  const reasoning = usage?.completion_tokens_details?.reasoning_tokens;
  const facts = [
    ["First content", turn.first === undefined ? "–" : seconds(turn.first)],
    ["Total", turn.total === undefined ? "–" : seconds(turn.total)],
    ["Speed", turn.total === undefined ? "–" : speed(turn) || "–"],
    ["Tokens in", usage ? `${count(usage.prompt_tokens)}${cached ? ` (${count(cached)} cached)` : ""}` : turn.record ? count(turn.record.tokens_in) : "–"],
    ["Tokens out", usage ? `${count(usage.completion_tokens)}${reasoning ? ` (${count(reasoning)} thinking)` : ""}` : turn.record ? count(turn.record.tokens_out) : "–"],
    ["Cost", turn.record ? smallCost(turn.record.cost) : "–"],
    ["Model", turn.served ? `${turn.served}${turn.cached ? ", from the response cache" : ""}` : "–"],
    ["End", turn.end ? `${turn.end.finish_reason}, ${several(turn.end.turns, "turn")}, ${several(turn.end.tool_calls, "tool call")}` : "–"],
    ["Request", turn.id ?? "–"],
  ];
  return html`
    <dl class="facts">${facts.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>
    ${turn.tried && html`<p class="quiet">Failed before: ${turn.tried}</p>`}`;
}

function Turn({ turn }) {
  const running = turn.state === "running";
  return html`
    <li class="turn">
      <p class="said"><strong>You:</strong> ${turn.question}</p>
      ${turn.thinking && html`<details open=${running && !turn.text}><summary>Thinking</summary><p class="said quiet thinking">${turn.thinking}</p></details>`}
      ${turn.tools.length > 0 && html`<p><strong>Tools</strong></p><ul class="tools">${turn.tools.map((tool) => html`<${Tool} key=${tool.id} tool=${tool} running=${running} />`)}</ul>`}
      <p class="said answer" aria-busy=${running}>${turn.text}</p>
      ${turn.error && html`<p role="alert">${turn.error}</p>`}
      ${!running && html`<${Measured} turn=${turn} />`}
    </li>`;
}

const SAYS = { running: "The answer is coming …", complete: "The answer is complete.", stopped: "Stopped.", failed: "The request failed." };

function Lane({ name, models, lane, onModel, many }) {
  const last = lane.turns.at(-1);
  return html`
    <section class="lane" aria-label=${many ? `Model ${name}` : "Chat"}>
      <label>Model ${many && name}
        <select value=${lane.model} onChange=${(event) => onModel(event.target.value)}>
          ${models.map((model) => html`<option value=${model.id}>${model.id}${model.alias_of ? ` (${model.alias_of})` : ""}</option>`)}
        </select></label>
      <ol class="turns">${lane.turns.map((turn, at) => html`<${Turn} key=${at} turn=${turn} />`)}</ol>
      <p role="status">${last ? `${SAYS[last.state]}${last.total === undefined ? "" : ` ${seconds(last.total)}.`}` : ""}</p>
    </section>`;
}

function number(text) {
  return text.trim() === "" ? undefined : Number(text);
}

function Chat({ offer, onKey }) {
  const lanes = useRef(LANES.map(() => ({ model: "", turns: [] })));
  const [, setDrawn] = useState(0);
  const timer = useRef(0);
  const [compare, setCompare] = useState(false);
  const [question, setQuestion] = useState("");
  const [options, setOptions] = useState({ system: "", temperature: "", most: "", effort: "" });
  const [tools, setTools] = useState([]);

  const draw = () => setDrawn((times) => times + 1);
  const redraw = () => {
    timer.current ||= setTimeout(() => { timer.current = 0; draw(); }, REDRAW_MS);
  };
  const running = () => lanes.current.flatMap((lane) => lane.turns).filter((turn) => turn.state === "running");
  useEffect(() => () => {
    clearTimeout(timer.current);
    running().forEach((turn) => { turn.control.quiet = true; turn.control.abort(); });
  }, []);

  const ids = offer.models.map((model) => model.id);
  lanes.current.forEach((lane, at) => {
    // A key has its own models.
    if (!ids.includes(lane.model)) lane.model = ids[Math.min(at, ids.length - 1)] ?? "";
  });
  const asked = tools.filter((name) => offer.tools.some((tool) => tool.name === name));
  const used = lanes.current.slice(0, compare ? 2 : 1);
  const busy = running().length > 0;

  const start = async () => {
    if (running().length > 0 || !question.trim() || offer.models.length === 0) return;
    const text = question.trim();
    const set = {
      temperature: number(options.temperature),
      max_completion_tokens: number(options.most),
      reasoning_effort: options.effort || undefined,
    };
    const system = options.system.trim() ? [{ role: "system", content: options.system.trim() }] : [];
    const began = used.map((lane) => {
      const messages = [...system, ...history(lane.turns), { role: "user", content: text }];
      const turn = { question: text, text: "", thinking: "", tools: [], state: "running", control: new AbortController() };
      lane.turns.push(turn);
      return ask(turn, offer.key_id, { model: lane.model, messages, tools: asked, options: set }, redraw);
    });
    setQuestion("");
    await Promise.all(began).catch(sayError);
  };
  const stop = () => running().forEach((turn) => turn.control.abort());
  const clear = () => {
    lanes.current.forEach((lane) => { lane.turns = []; });
    draw();
  };
  const change = (name) => (event) => setOptions({ ...options, [name]: event.target.value });
  const pick = (name) => (event) => setTools(event.target.checked ? [...tools, name] : tools.filter((each) => each !== name));

  return html`
    <div class="bar">
      <label class="grow">Key
        <select value=${offer.key_id} onChange=${(event) => onKey(event.target.value)} disabled=${busy}>
          ${offer.keys.map((key) => html`<option value=${key.id}>${key.name} (${key.tier}, ${key.id.slice(0, 8)})</option>`)}
          ${offer.without_key && html`<option value="none">none (${session.email}, free)</option>`}
        </select></label>
      <label><input type="checkbox" role="switch" checked=${compare} disabled=${busy} onChange=${(event) => setCompare(event.target.checked)} /> Compare two models</label>
    </div>
    <p class="quiet">A chat is an ordinary request with this key: it counts against the limits of the key, or of yourself without one, and is recorded and billed.</p>
    <details>
      <summary>Instructions, tools and options</summary>
      <label>Instructions for the model <textarea rows="3" value=${options.system} onInput=${change("system")}></textarea></label>
      <fieldset>
        <legend>Tools that the server runs</legend>
        ${offer.tools.map((tool) => html`<label><input type="checkbox" checked=${asked.includes(tool.name)} onChange=${pick(tool.name)} /> ${tool.name}</label>`)}
        ${offer.tools.length === 0 && html`<p>This key may use no tool.</p>`}
      </fieldset>
      <div class="bar">
        <label>Temperature <input type="number" min="0" max="2" step="0.1" value=${options.temperature} onInput=${change("temperature")} placeholder="the model's" /></label>
        <label>Most tokens <input type="number" min="1" step="1" value=${options.most} onInput=${change("most")} placeholder="the model's" /></label>
        <label>Reasoning effort <select value=${options.effort} onChange=${change("effort")}>
          <option value="">the model's</option>
          ${EFFORTS.map((effort) => html`<option value=${effort}>${effort}</option>`)}</select></label>
      </div>
    </details>
    ${offer.models.length === 0 && html`<p role="alert">This key may use no model that chats.</p>`}
    <div class="lanes">
      ${used.map((lane, at) => html`<${Lane} key=${LANES[at]} name=${LANES[at]} models=${offer.models} lane=${lane} many=${compare} onModel=${(model) => { lane.model = model; draw(); }} />`)}
    </div>
    <form onSubmit=${(event) => { event.preventDefault(); start(); }}>
      <label>Message
        <textarea rows="3" value=${question} onInput=${(event) => setQuestion(event.target.value)} aria-describedby="send-keys"
          onKeyDown=${(event) => { if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) { event.preventDefault(); start(); } }}></textarea></label>
      <small id="send-keys" class="quiet">Ctrl and Enter send it.</small>
      <div class="bar">
        <button type="submit" disabled=${busy || offer.models.length === 0}>Send</button>
        <button type="button" class="plain" disabled=${!busy} onClick=${stop}>Stop</button>
        <button type="button" class="plain" disabled=${busy} onClick=${clear}>New chat</button>
      </div>
    </form>`;
}

/** Chats with one of the person's own keys, with one model or two at once. */
export function Page() {
  const [key, setKey] = useState("");
  const loaded = useLoaded(() => api("GET", "playground" + (key && `?key_id=${key}`)), [key]);
  return html`<${Loaded} of=${loaded}>${(offer) => offer.key_id === null
    ? html`<p>You have no usable key. <a href="#/keys">Create one on the page Keys</a>, and come back.</p>`
    : html`<${Chat} offer=${offer} onKey=${setKey} />`}
  <//>`;
}
