import { api, count, html, Loaded, Table, useLoaded, useState } from "../lib.js";
import { cost, dollars } from "../usage.js";

const ROWS = 1000;

/** What is spent of a budget. */
function Budget({ of }) {
  if (of.budget === undefined) return html`<span class="quiet">none</span>`;
  const text = `${cost(of)} of ${dollars(of.budget)}`;
  const late = Number(of.forecast) > Number(of.budget);
  return html`<div class="use">
    <progress value=${Number(of.cost ?? 0)} max=${Number(of.budget) || 1} aria-label=${text}></progress>
    <small class=${late ? "bad" : ""}>${text}${late && ", forecast above it"}</small></div>`;
}

function columns(by, current) {
  return [
    { title: "User", sort: "name", cell: (row) => row.name },
    ...(by === "key" ? [{ title: "Key name", cell: (row) => row.key_name || (row.key_hash ? row.key_hash.slice(0, 12) : "signed in") }] : []),
    { title: "Requests", number: true, sort: "requests", cell: (row) => count(row.requests) },
    { title: "Tokens in", number: true, sort: "tokens", cell: (row) => count(row.tokens_in) },
    { title: "Tokens out", number: true, cell: (row) => count(row.tokens_out) },
    { title: "Cost", number: true, sort: "cost", cell: cost },
    ...(current ? [{ title: "Budget", cell: (row) => html`<${Budget} of=${row} />` }] : []),
    ...(current ? [{ title: "Forecast", number: true, cell: (row) => dollars(row.forecast) }] : []),
  ];
}

/** The cost of a month by user or key. */
export function Page() {
  const [month, setMonth] = useState(new Date().toISOString().slice(0, 7));
  const [by, setBy] = useState("user");
  const [sort, setSort] = useState({ by: "cost", down: true });
  const loaded = useLoaded(
    () => api("GET", `billing?${new URLSearchParams({ month, by, sort: sort.by, order: sort.down ? "desc" : "asc", limit: ROWS })}`),
    [month, by, sort],
  );
  return html`
    <form class="bar" onSubmit=${(event) => event.preventDefault()}>
      <label>Month <input type="month" value=${month} required onChange=${(event) => event.target.value && setMonth(event.target.value)} /></label>
      <label>By <select value=${by} onChange=${(event) => setBy(event.target.value)}>
        <option value="user">User</option><option value="key">Key</option></select></label>
      <button type="button" onClick=${() => print()}>Print</button>
    </form>
    <${Loaded} of=${loaded}>${(data) => html`
      <p>${data.month} (UTC)${data.current ? " so far" : ""}: ${count(data.total.requests)} requests cost <strong>${cost(data.total)}</strong>.
        ${data.total.forecast && ` If the rest of the month is like this, it will cost ${dollars(data.total.forecast)}.`}</p>
      ${data.unpriced_models.length > 0 && html`<p>The price of these models is unknown, and their requests are not in the cost:
        ${data.unpriced_models.map((one) => `${one.model} (${count(one.unpriced_requests)} requests)`).join(", ")}.</p>`}
      <${Table} label="Cost" columns=${columns(data.by, data.current)} sort=${sort} onSort=${setSort}
        rows=${data.rows.map((row) => ({ id: `${row.name} ${row.key_hash ?? ""}`, ...row }))} empty="No request ended in this month." />
      ${data.count > ROWS && html`<p>These are the first ${count(ROWS)} of ${count(data.count)} rows. The page Usage has all of them as a CSV file.</p>`}`}
    <//>`;
}
