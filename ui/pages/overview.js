import { api, count, html, Loaded, Table, Time, useLoaded } from "../lib.js";
import { Bars, cost, seconds } from "../usage.js";

const DAYS = [
  { title: "Day (UTC)", cell: (day) => day.name },
  { title: "Requests", number: true, cell: (day) => count(day.requests) },
  { title: "Failed", number: true, cell: (day) => count(day.failed) },
  { title: "Cancelled", number: true, cell: (day) => count(day.cancelled) },
  { title: "Tokens in", number: true, cell: (day) => count(day.tokens_in) },
  { title: "Tokens out", number: true, cell: (day) => count(day.tokens_out) },
  { title: "Cost", number: true, cell: cost },
  { title: "p50", number: true, cell: (day) => seconds(day.p50_ms) },
  { title: "p95", number: true, cell: (day) => seconds(day.p95_ms) },
];

const HOURS = [{ title: "Hour", cell: (hour) => html`<${Time} of=${hour.hour} />` }, ...DAYS.slice(1)];

/** What happens today, and what needs attention. */
export function Page() {
  const loaded = useLoaded(() => api("GET", "overview"), []);
  return html`
    <${Loaded} of=${loaded}>${(data) => html`
      ${data.attention.length > 0 && html`
        <section aria-labelledby="attention">
          <h2 id="attention">What needs attention</h2>
          <ul>${data.attention.map((one) => html`<li class="bad">${one.text}</li>`)}</ul>
        </section>`}
      <${Table} label="Today and yesterday" columns=${DAYS}
        rows=${[{ id: "today", name: "Today", ...data.today }, { id: "yesterday", name: "Yesterday", ...data.yesterday }]} />
      <h2>The last 24 hours</h2>
      <${Bars} label="Requests of the last 24 hours, by hour. The table below has the numbers." title="Requests by hour"
        names=${data.hours.map((one) => new Date(one.hour).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" }))}
        values=${data.hours.map((one) => one.requests)} />
      <${Table} label="The last 24 hours" columns=${HOURS}
        rows=${data.hours.filter((one) => one.requests > 0).reverse().map((one) => ({ id: one.hour, ...one }))}
        empty="No request ended." />
      <p class="quiet">As of <${Time} of=${data.at} />. <button type="button" onClick=${loaded.reload}>Reload</button></p>`}
    <//>`;
}
