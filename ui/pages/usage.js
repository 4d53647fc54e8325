import { api, count, html, Loaded, session, Table, useLoaded, useState } from "../lib.js";
import { KeyFilter } from "../keyfilter.js";
import { Bars, cost, seconds } from "../usage.js";

const WAYS = { day: "Day", model: "Model", key: "Key", user: "User", status: "Status" };
const ROWS = 50;

function columns(by) {
  return [
    { title: WAYS[by], sort: "name", cell: (row) => row.name },
    ...(by === "key" ? [{ title: "Key name", cell: (row) => row.key_name || (row.key_hash ? row.key_hash.slice(0, 12) : "signed in") }] : []),
    { title: "Requests", number: true, sort: "requests", cell: (row) => count(row.requests) },
    { title: "Failed", number: true, sort: "failed", cell: (row) => count(row.failed) },
    { title: "Tokens in", number: true, sort: "tokens", cell: (row) => count(row.tokens_in) },
    { title: "Tokens out", number: true, cell: (row) => count(row.tokens_out) },
    { title: "Cost", number: true, sort: "cost", cell: cost },
    { title: "Mean", number: true, sort: "duration", cell: (row) => seconds(row.mean_ms) },
    { title: "p50", number: true, cell: (row) => seconds(row.p50_ms) },
    { title: "p95", number: true, cell: (row) => seconds(row.p95_ms) },
  ];
}

/** Usage and cost by day, model, key, user or status. */
export function Page() {
  const [filter, setFilter] = useState({ by: "day", from: "", to: "", email: "", key: "", model: "", status: "" });
  const [sort, setSort] = useState(null);
  const [offset, setOffset] = useState(0);
  const set = (name, value) => {
    setFilter((old) => ({ ...old, [name]: value }));
    setOffset(0);
    if (name === "by") setSort(null);
  };
  const change = (name) => (event) => set(name, event.target.value);
  const query = new URLSearchParams(Object.entries(filter).filter(([, value]) => value.trim()));
  if (sort) {
    query.set("sort", sort.by);
    query.set("order", sort.down ? "desc" : "asc");
  }
  const loaded = useLoaded(() => api("GET", `usage?${query}&limit=${ROWS}&offset=${offset}`), [query.toString(), offset]);
  return html`
    <form class="bar" onSubmit=${(event) => event.preventDefault()}>
      <label>By <select value=${filter.by} onChange=${change("by")}>
        ${Object.entries(WAYS).map(([way, title]) => html`<option value=${way}>${title}</option>`)}</select></label>
      <label>From <input type="date" value=${filter.from} onChange=${change("from")} /></label>
      <label>To <input type="date" value=${filter.to} onChange=${change("to")} /></label>
      ${session.role === "ADMIN" && html`<label>User <input type="email" value=${filter.email} onChange=${change("email")} /></label>`}
      <${KeyFilter} onChange=${(key) => set("key", key)} />
      <label>Model <input type="text" value=${filter.model} onChange=${change("model")} /></label>
      <label>Status <select value=${filter.status} onChange=${change("status")}>
        <option value="">all</option>
        ${["SUCCESS", "ERROR", "CANCELLED", "INTERRUPTED"].map((status) => html`<option value=${status}>${status}</option>`)}</select></label>
      <a role="button" href=${`/admin/api/usage?${query}&format=csv`} download>CSV file</a>
    </form>
    <${Loaded} of=${loaded}>${(data) => html`
      <p>${data.from} to ${data.to} (UTC): ${count(data.total.requests)} requests, ${count(data.total.failed)} failed,
        ${count(data.total.tokens_in)} tokens in, ${count(data.total.tokens_out)} tokens out, cost ${cost(data.total)}.</p>
      <${Bars} label=${`Requests by ${data.by}. The table below has the numbers.`} title=${`Requests by ${data.by}`}
        names=${data.rows.map((row) => (row.key_name ? `${row.name} ${row.key_name}` : row.name))}
        values=${data.rows.map((row) => row.requests)} />
      <${Table} label="Usage" columns=${columns(data.by)} sort=${sort} onSort=${(next) => { setSort(next); setOffset(0); }}
        rows=${data.rows.map((row) => ({ id: `${row.name} ${row.key_hash ?? ""}`, ...row }))} empty="No request ended." />
      ${data.count > ROWS && html`<p>
        Rows ${offset + 1} to ${offset + data.rows.length} of ${count(data.count)}.
        <button type="button" disabled=${offset === 0} onClick=${() => setOffset(Math.max(0, offset - ROWS))}>Before</button>${" "}
        <button type="button" disabled=${offset + ROWS >= data.count} onClick=${() => setOffset(offset + ROWS)}>Next</button></p>`}`}
    <//>`;
}
