import { api, count, html, Loaded, say, sayError, Table, Time, useEffect, useLoaded, useRef, useState } from "../lib.js";
import { RouteMap, Steps } from "../diagram.js";

const REFRESH_MILLIS = 3000;
const MINUTES = 5;

/** The parts of the map. A route belongs to the parts from whose starts its calls lead to it. */
const PARTS = {
  requests: { title: "Requests", starts: (from) => from.startsWith("platform-http:") && !from.startsWith("platform-http:/admin") },
  management: { title: "Management pages", starts: (from) => from.startsWith("platform-http:/admin") },
  background: { title: "Background", starts: (from) => !from.startsWith("platform-http:") && !from.startsWith("direct:") },
  all: { title: "All", starts: () => true },
};

function millis(value) {
  return value === null || value === undefined ? "" : `${value < 10 ? value.toFixed(2) : count(Math.round(value))} ms`;
}

const FIGURES = [
  { title: "Exchanges", number: true, cell: ({ figures }) => (figures ? count(figures.done) : "") },
  { title: "Per second", number: true, cell: ({ figures }) => (figures ? figures.per_second.toFixed(2) : "") },
  { title: "Failed", number: true, cell: ({ figures }) => (figures ? html`<span class=${figures.failed ? "bad" : ""}>${count(figures.failed)}</span>` : "") },
  { title: "Mean", number: true, cell: ({ figures }) => millis(figures?.mean_ms) },
  { title: "Max", number: true, cell: ({ figures }) => millis(figures?.max_ms) },
  { title: "Last", number: true, cell: ({ figures }) => millis(figures?.last_ms) },
];

function href(...parts) {
  return "#/routes/" + parts.map(encodeURIComponent).join("/");
}

function RouteLinks({ ids, none }) {
  return ids.length === 0 ? html`<span class="quiet">${none}</span>`
    : ids.map((id, index) => html`${index > 0 && ", "}<a key=${id} href=${href(id)}>${id}</a>`);
}

/** Loads again and again while the page is seen. */
function useRefreshed(load, dependencies) {
  const loaded = useLoaded(load, dependencies);
  useEffect(() => {
    const timer = setInterval(() => document.hidden || loaded.reload(), REFRESH_MILLIS);
    return () => clearInterval(timer);
  }, [loaded.reload]);
  return loaded;
}

function Measurement({ of, onChange }) {
  const measure = async (minutes) => {
    try {
      await api("POST", "routes/measure", { minutes });
      say(minutes ? `All routes are measured for ${minutes} minutes.` : "The measurement has ended.");
      onChange();
    } catch (error) {
      sayError(error);
    }
  };
  return html`
    <div class="bar">
      ${of?.running
        ? html`<button type="button" onClick=${() => measure(0)}>Stop measuring</button>`
        : html`<button type="button" onClick=${() => measure(MINUTES)}>Measure for ${MINUTES} minutes</button>`}
      <p>${!of ? "Nothing has been measured since the start. Measuring takes a little of the processor's time."
        : of.running ? html`Measuring since <${Time} of=${of.since} />, for ${count(of.seconds)} s; ends <${Time} of=${of.until} />.`
        : html`Measured from <${Time} of=${of.since} /> to <${Time} of=${of.until} />, ${count(of.seconds)} s.`}</p>
    </div>`;
}

/** The ids of the routes of a part of the map. Routes that only Java calls belong to requests. */
function idsOf(part, routes) {
  if (part === "all") return new Set(routes.map((route) => route.id));
  const byId = Object.fromEntries(routes.map((route) => [route.id, route]));
  const called = new Set(routes.flatMap((route) => route.calls));
  const waiting = routes.filter(({ id, from }) => PARTS[part].starts(from) || (part === "requests" && from.startsWith("direct:") && !called.has(id)));
  const found = new Set();
  while (waiting.length > 0) {
    const route = waiting.pop();
    if (route && !found.has(route.id)) {
      found.add(route.id);
      waiting.push(...route.calls.map((id) => byId[id]));
    }
  }
  return found;
}

function All() {
  const [part, setPart] = useState("requests");
  const loaded = useRefreshed(() => api("GET", "routes"), []);
  const columns = [
    { title: "Route", cell: (route) => html`<a href=${href(route.id)}>${route.id}</a>` },
    { title: "Description", cell: (route) => route.description },
    { title: "In it now", number: true, cell: (route) => count(route.inflight) },
    ...FIGURES,
  ];
  return html`
    <p>What happens to a request, and what runs beside it, as the files in <code>routes/</code> say it. The figures are those of this server.</p>
    <${Loaded} of=${loaded}>${(data) => {
      const ids = idsOf(part, data.routes);
      const routes = data.routes.filter((route) => ids.has(route.id));
      return html`
        <${Measurement} of=${data.measurement} onChange=${loaded.reload} />
        <div class="bar">
          <label>Show
            <select value=${part} onChange=${(event) => setPart(event.target.value)}>
              ${Object.entries(PARTS).map(([name, { title }]) => html`<option value=${name} selected=${name === part}>${title}</option>`)}
            </select></label>
        </div>
        <section aria-labelledby="map">
          <h2 id="map">Which route calls which</h2>
          <${RouteMap} routes=${routes} href=${href} />
        </section>
        <section aria-labelledby="routes">
          <h2 id="routes">Routes</h2>
          <${Table} label="Routes" columns=${columns} rows=${routes} />
        </section>`;
    }}<//>`;
}

/** The steps in the order of the text, each with its depth. */
function flat(steps, depth = 0) {
  return steps.flatMap((step) => [{ ...step, depth }, ...flat(step.steps, depth + 1)]);
}

/** The lines of a step: its first one and those that are indented more. */
function linesOf(step, lines) {
  if (!step) return { from: -1, to: -1 };
  const from = step.line - 1;
  const indent = (line) => line.search(/\S/);
  let to = from + 1;
  while (to < lines.length && (lines[to].trim() === "" || indent(lines[to]) > indent(lines[from]))) to++;
  return { from, to };
}

function Text({ route, step }) {
  const pane = useRef();
  const lines = route.text.trimEnd().split("\n");
  const { from, to } = linesOf(step, lines);
  useEffect(() => {
    const first = pane.current.querySelector("mark");
    if (first) pane.current.scrollTop = first.offsetTop - pane.current.clientHeight / 3;
  }, [step?.id]);
  return html`
    <pre class="text" ref=${pane} tabindex="0" role="region" aria-label=${`Text of ${route.file}`}><code>${lines.map((line, index) =>
      (index >= from && index < to ? html`<mark key=${index}>${line + "\n"}</mark>` : line + "\n"))}</code></pre>`;
}

function StepTable({ route, chosen }) {
  const columns = [
    { title: "Step", cell: (step) => html`<a class=${`step depth-${Math.min(step.depth, 8)}`} href=${href(route.id, step.id)}
        aria-current=${step.id === chosen ? "true" : null}>${step.kind} ${step.label}</a>` },
    { title: "Level", number: true, cell: (step) => step.depth + 1 },
    { title: "Calls", cell: (step) => html`<${RouteLinks} ids=${step.calls} none="" />` },
    ...FIGURES,
  ];
  return html`<${Table} label=${`Steps of ${route.id}`} columns=${columns} rows=${flat(route.steps)} />`;
}

function One({ id, stepId }) {
  const loaded = useRefreshed(() => api("GET", "routes/" + encodeURIComponent(id)), [id]);
  const heading = useRef();
  const shown = loaded.data?.id;
  // The focus would be lost with the link that led here.
  useEffect(() => heading.current?.focus(), [shown]);
  return html`
    <p><a href="#/routes">All routes</a></p>
    <${Loaded} of=${loaded.data && loaded.data.id !== id ? { loading: true } : loaded}>${(route) => {
      const step = flat(route.steps).find((each) => each.id === stepId);
      return html`
        <h2 tabindex="-1" ref=${heading}>${route.id}</h2>
        <p>${route.description}</p>
        <${Measurement} of=${route.measurement} onChange=${loaded.reload} />
        <dl>
          <dt>Begins with</dt><dd><code>${route.from}</code></dd>
          <dt>Calls</dt><dd><${RouteLinks} ids=${route.calls} none="no other route" /></dd>
          <dt>Called by</dt><dd><${RouteLinks} ids=${route.called_by} none=${route.from.startsWith("direct:") ? "Java" : "nothing: it begins by itself"} /></dd>
        </dl>
        <${Table} label=${`Figures of ${route.id}`} columns=${[{ title: "In it now", number: true, cell: () => count(route.inflight) }, ...FIGURES]}
          rows=${[route]} />
        <div class="beside">
          <section aria-labelledby="steps">
            <h3 id="steps">Steps</h3>
            <${Steps} route=${route} chosen=${stepId} href=${href} />
          </section>
          <section aria-labelledby="text">
            <h3 id="text">${route.file}</h3>
            <p class="quiet">As it was loaded at the start. ${step ? `Marked: ${step.kind} ${step.label}` : "Choose a step to see it in the text."}</p>
            <${Text} route=${route} step=${step} />
          </section>
        </div>
        <section aria-labelledby="table">
          <h3 id="table">Steps as a table</h3>
          <${StepTable} route=${route} chosen=${stepId} />
        </section>`;
    }}<//>`;
}

/** The routes as a map; one route as a diagram beside its text. */
export function Page({ parts }) {
  const [id, stepId] = parts.map(decodeURIComponent);
  return id ? html`<${One} id=${id} stepId=${stepId} />` : html`<${All} />`;
}
