import { count, html, session, Table, useState } from "../lib.js";
import { KeyFilter } from "../keyfilter.js";
import { useLive } from "../live.js";
import { cost, seconds } from "../usage.js";

const STATUSES = ["RUNNING", "SUCCESS", "ERROR", "CANCELLED", "INTERRUPTED"];
const CLOCK = new Intl.DateTimeFormat(undefined, { timeStyle: "medium" });

const STATES = {
  connecting: "Connecting …",
  live: "Live.",
  reconnecting: "The connection is lost. Connecting again …",
};

function Status({ of }) {
  const tone = { RUNNING: "", SUCCESS: "good" }[of.status] ?? "bad";
  return html`<span class=${tone}>${of.status}</span>${of.error_code && html`<br /><small>${of.error_code}</small>`}${of.cached && html`<br /><small>from the cache</small>`}`;
}

/** The names of the tools as far as this window has seen them, else their number. */
function Tools({ of }) {
  const names = of.steps.filter((step) => step.tool).map((step) => step.tool);
  if (names.length < of.tool_calls || names.length === 0) return of.tool_calls ? `${of.tool_calls} calls` : "";
  const runs = of.steps.find((step) => step.tool && step.to === undefined);
  return html`${[...new Set(names)].join(", ")}${of.status === "RUNNING" && runs && html`<br /><small>${runs.tool} runs</small>`}`;
}

const COLUMNS = [
  { title: "Arrived", cell: (row) => html`<a href=${"#/request/" + encodeURIComponent(row.id)} title=${row.id}>${CLOCK.format(new Date(row.at))}<span class="skip"> ${row.model}</span></a>` },
  { title: "Status", cell: (row) => html`<${Status} of=${row} />` },
  { title: "Model", cell: (row) => row.model },
  { title: "Key", cell: (row) => row.key_name || (row.key_hash ? row.key_hash.slice(0, 12) : "signed in") },
  { title: "User", cell: (row) => row.email },
  { title: "Tools", cell: (row) => html`<${Tools} of=${row} />` },
  { title: "Tokens in", number: true, cell: (row) => (row.status === "RUNNING" ? "" : count(row.tokens_in)) },
  { title: "Tokens out", number: true, cell: (row) => (row.status === "RUNNING" ? "" : count(row.tokens_out)) },
  { title: "Cost", number: true, cell: (row) => (row.status === "RUNNING" ? "" : cost(row)) },
  { title: "Time", number: true, cell: (row) => seconds(row.duration_ms) },
];

/** Opens a request by its id. */
function Open() {
  const submit = (event) => {
    event.preventDefault();
    const id = new FormData(event.target).get("id").trim();
    if (id) location.hash = "#/request/" + encodeURIComponent(id);
  };
  return html`
    <form class="bar" onSubmit=${submit}>
      <label>Request id <input name="id" placeholder="req_…" autocomplete="off" required /></label>
      <button type="submit">Open</button>
    </form>`;
}

/** Requests as they happen. */
export function Page() {
  const [key, setKey] = useState("");
  const [status, setStatus] = useState("");
  const [paused, setPaused] = useState(false);
  const query = new URLSearchParams(Object.entries({ key, status }).filter(([, value]) => value));
  const { state, message, rows, dropped } = useLive(query, paused);
  const running = rows.filter((row) => row.status === "RUNNING").length;
  const columns = session.role === "ADMIN" ? COLUMNS : COLUMNS.filter((column) => column.title !== "User");
  return html`
    <div class="bar">
      <${KeyFilter} onChange=${setKey} />
      <label>Status <select value=${status} onChange=${(event) => setStatus(event.target.value)}>
        <option value="">all</option>
        ${STATUSES.map((one) => html`<option value=${one}>${one}</option>`)}</select></label>
      <button type="button" aria-pressed=${paused} onClick=${() => setPaused(!paused)}>Pause</button>
    </div>
    <p role="status">${paused ? "Paused: the list stays as it is." : message ?? STATES[state]}
      ${dropped > 0 && " This page was too slow for some events. The list is brought up to date within seconds."}</p>
    <div aria-busy=${state === "connecting"}>
      <p>${count(running)} running, ${count(rows.length - running)} ended.</p>
      <${Table} label="Requests" columns=${columns} rows=${rows} empty=${state === "connecting" ? "Connecting …" : "No request yet."} />
    </div>
    <${Open} />`;
}
