import { api, count, html, Loaded, session, Table, Time, useEffect, useLoaded, useState } from "../lib.js";
import { stepsOf, useLive } from "../live.js";
import { cost, dollars, seconds } from "../usage.js";

const SETTLE_MILLIS = 500;

/** Bars on one scale; the numbers beside them say the same. Steps: { label, from, to, bad }. */
function Timeline({ steps, total }) {
  const end = Math.max(total, 1, ...steps.map((step) => step.to ?? 0));
  const percent = (millis) => (100 * millis) / end;
  const columns = [
    { title: "Step", cell: (step) => html`<span class=${step.bad ? "bad" : ""}>${step.label}</span>` },
    { title: "When", cell: (step) => html`
      <svg class="timeline" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">
        <rect class=${step.bad ? "bad" : ""} x=${percent(step.from)} y="1" height="8" width=${Math.max(0.5, percent((step.to ?? end) - step.from))} />
      </svg>` },
    { title: "From", number: true, cell: (step) => seconds(step.from) },
    { title: "To", number: true, cell: (step) => (step.to === undefined ? "runs" : seconds(step.to)) },
  ];
  return html`<${Table} label="Timeline" columns=${columns} rows=${steps.map((step, index) => ({ id: index, ...step }))} />`;
}

/** The steps of a request: what this window has seen, else the recorded attempts one after another. */
function steps(request) {
  const live = stepsOf(request.id);
  const whole = { label: "The whole request", from: 0, to: request.status === "RUNNING" ? undefined : request.duration_ms };
  if (live.length > 0) return [whole, ...live];
  let from = 0;
  return [whole, ...request.attempts.map((attempt) => {
    const step = { label: `Turn ${attempt.turn}, ${attempt.model}: ${attempt.outcome}`, from, to: from + attempt.duration_ms, bad: attempt.outcome !== "answered" };
    from = step.to;
    return step;
  })];
}

const ATTEMPTS = [
  { title: "Turn", number: true, cell: (attempt) => attempt.turn },
  { title: "Model", cell: (attempt) => attempt.model },
  { title: "Outcome", cell: (attempt) => html`<span class=${attempt.outcome === "answered" ? "good" : "bad"}>${attempt.outcome}</span>` },
  { title: "Provider's status", number: true, cell: (attempt) => attempt.status || "none" },
  { title: "Time", number: true, cell: (attempt) => seconds(attempt.duration_ms) },
  { title: "Cost", number: true, cell: (attempt) => (attempt.cost === null ? "unknown" : dollars(attempt.cost)) },
];

function Facts({ of }) {
  const running = of.status === "RUNNING";
  const failed = of.attempts.findLast((attempt) => attempt.outcome !== "answered");
  const facts = [
    ["Id", html`<code>${of.id}</code>`],
    ["Status", html`<span class=${{ RUNNING: "", SUCCESS: "good" }[of.status] ?? "bad"}>${of.status}</span>`],
    ...(of.status === "ERROR" && failed ? [["Error", failed.status ? `${failed.outcome}, the provider's status ${failed.status}` : failed.outcome]] : []),
    ["Model", of.model],
    ["Key", of.key_name || (of.key_hash ? of.key_hash.slice(0, 12) : "signed in")],
    ["User", of.email],
    ["Type", of.type],
    ["Arrived", html`<${Time} of=${of.at} />`],
    ["Time", seconds(of.duration_ms)],
    ["Turns", count(of.turns)],
    ["Calls of tools", count(of.tool_calls)],
    ["Tokens", `${count(of.tokens_in)} in, ${count(of.tokens_out)} out${running ? " so far, an estimate" : ""}`],
    ["Cost", running ? "known at the end" : cost(of)],
  ];
  return html`<dl class="facts">${facts.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>`;
}

/** The text of a message's content: a text, or a list of parts. */
function text(content) {
  if (content === null || content === undefined) return "";
  if (typeof content === "string") return content;
  return (Array.isArray(content) ? content : [content]).map((part) => part?.text ?? part?.refusal ?? JSON.stringify(part)).join("\n");
}

function Message({ of, finish }) {
  const calls = (of.tool_calls ?? []).map((call) => (call.function ? `${call.function.name}(${call.function.arguments})` : JSON.stringify(call)));
  const parts = [
    ["", text(of.content)],
    ["Reasoning", text(of.reasoning_content ?? of.reasoning)],
    ["Refusal", text(of.refusal)],
    ["Calls", calls.join("\n")],
  ].filter(([, part]) => part);
  return html`
    <section class="message">
      <h3>${of.role}${finish && ` (${finish})`}</h3>
      ${parts.map(([name, part]) => html`${name && html`<h4>${name}</h4>`}<pre tabindex="0" aria-label=${name || of.role}>${part}</pre>`)}
      ${parts.length === 0 && html`<p class="quiet">No text.</p>`}
    </section>`;
}

function Conversation({ of }) {
  const notices = (of.tool_notifications ?? []).map((one) => `${one.tool} ${one.status}${one.result ? ": " + one.result : ""}`);
  return html`
    ${of.messages.map((message) => html`<${Message} of=${message} />`)}
    ${notices.length > 0 && html`<h3>Tools of the server</h3><ul>${notices.map((notice) => html`<li>${notice}</li>`)}</ul>`}
    ${(of.choices ?? []).map((choice) => html`<${Message} of=${{ role: "assistant", ...choice.message }} finish=${choice.finish_reason} />`)}
    ${of.error && html`<p class="bad">${of.error.message}</p>`}
    ${!of.choices && html`<p class="quiet">No answer is stored.</p>`}`;
}

function Kept({ request }) {
  const [answer, setAnswer] = useState(null);
  if (!request.conversation) return html`<p>The conversation of this request is not stored.</p>`;
  const show = async () => {
    try {
      setAnswer({ conversation: await api("GET", `requests/${encodeURIComponent(request.id)}/conversation`) });
    } catch (error) {
      setAnswer({ error });
    }
  };
  return html`
    <p>It is stored in ${request.conversation === "workbook" ? "the ledger and the workbook" : "the ledger"}.
      ${request.email.toLowerCase() !== session.email && " The audit log records that you read it, because it is another person's."}</p>
    ${answer?.error && html`<p role="alert">${answer.error.message}</p>`}
    ${answer?.conversation ? html`<${Conversation} of=${answer.conversation} />` : html`<p><button type="button" onClick=${show}>Show the conversation</button></p>`}`;
}

function Details({ request }) {
  return html`
    <${Facts} of=${request} />
    <h2>Timeline</h2>
    <${Timeline} steps=${steps(request)} total=${request.duration_ms} />
    ${stepsOf(request.id).length === 0 && html`<p class="quiet">Attempts end with their failure or with the first content of the answer, and are drawn one after another.
      Attempts are recorded when one of them failed. Tools appear here if this window had the page Live open meanwhile.</p>`}
    ${request.attempts.length > 0 && html`<h2>Attempts</h2>
      <${Table} label="Attempts" columns=${ATTEMPTS} rows=${request.attempts.map((attempt, index) => ({ id: index, ...attempt }))} />`}
    <h2>Conversation</h2>
    <${Kept} key=${request.id} request=${request} />`;
}

/** A request that runs, until it has ended. */
function Running({ request, reload }) {
  const { state, rows } = useLive(new URLSearchParams({ request: request.id }));
  const now = rows.find((row) => row.id === request.id);
  const over = state === "live" && now?.status !== "RUNNING";
  useEffect(() => {
    if (!over) return undefined;
    // The ledger has the request soon after its end.
    const timer = setTimeout(reload, SETTLE_MILLIS);
    return () => clearTimeout(timer);
  }, [over]);
  return html`<${Details} request=${{ ...request, ...now, status: "RUNNING" }} />`;
}

function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** One request: what it used, its attempts and timings, and its conversation where that is stored. */
export function Page({ parts }) {
  const id = decoded(parts[0] ?? "");
  const loaded = useLoaded(() => api("GET", "requests/" + encodeURIComponent(id)), [id]);
  return html`
    <p><a href="#/live">All requests</a></p>
    <${Loaded} of=${loaded}>${(request) => (request.status === "RUNNING"
      ? html`<${Running} key=${request.id} request=${request} reload=${loaded.reload} />`
      : html`<${Details} request=${request} />`)}<//>`;
}
