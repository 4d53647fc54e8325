import { api, count, html, Loaded, Table, Time, useLoaded, useMemo, useState } from "../lib.js";

const PROBLEMS = [
  { title: "Row", number: true, cell: (problem) => problem.row || "sheet" },
  { title: "Problem", cell: (problem) => problem.what },
  { title: "What to do", cell: (problem) => problem.remedy },
];

const SETTINGS = [
  { title: "Name", cell: (setting) => html`<code>${setting.name}</code>` },
  { title: "Value", cell: (setting) => (setting.secret
    ? html`<span class="quiet">${setting.value ? "set, not shown" : "not set"}</span>`
    : setting.value || html`<span class="quiet">not set</span>`) },
  { title: "Origin", cell: (setting) => setting.origin },
];

function duration(seconds) {
  const days = Math.floor(seconds / 86400);
  const hours = Math.floor((seconds % 86400) / 3600);
  const minutes = Math.floor((seconds % 3600) / 60);
  return [days && `${days} d`, (days || hours) && `${hours} h`, `${minutes} min`].filter(Boolean).join(" ");
}

function Settings({ settings }) {
  const [wanted, setWanted] = useState("");
  const [changed, setChanged] = useState(false);
  const shown = useMemo(
    () => settings.filter((one) => one.name.includes(wanted.trim().toUpperCase()) && (!changed || one.origin !== "default")),
    [settings, wanted, changed],
  );
  return html`
    <section aria-labelledby="settings">
      <h2 id="settings">Settings</h2>
      <p>They are read at the start. <code>application.properties</code> says what each one means.</p>
      <div class="bar">
        <label class="grow">Name <input type="search" value=${wanted} onInput=${(event) => setWanted(event.target.value)} /></label>
        <label><input type="checkbox" checked=${changed} onChange=${(event) => setChanged(event.target.checked)} /> Not the default</label>
      </div>
      <${Table} label="Settings" columns=${SETTINGS} rows=${shown.map((one) => ({ id: one.name, ...one }))} empty="No setting matches." />
    </section>`;
}

/** Versions, state of the workbook, settings. */
export function Page() {
  const loaded = useLoaded(() => api("GET", "system"), []);
  return html`<${Loaded} of=${loaded}>${(data) => html`
    <section aria-labelledby="server">
      <h2 id="server">Server</h2>
      <dl>
        <dt>Version</dt><dd>${data.version}, Java ${data.java}</dd>
        <dt>Running since</dt><dd><${Time} of=${data.started_at} /> (${duration(data.uptime_seconds)})</dd>
        <dt>Ledger</dt><dd>${data.ledger.database}, ${count(data.ledger.settled)} requests settled</dd>
      </dl>
    </section>
    <section aria-labelledby="keys">
      <h2 id="keys">Sheet of keys</h2>
      <dl>
        <dt>Last read</dt><dd><${Time} of=${data.keys.read_at} />${data.keys.usable ? "" : html` <strong class="bad">too old: every request is refused</strong>`}</dd>
        <dt>Keys</dt><dd>${count(data.keys.count)}</dd>
      </dl>
      ${data.keys.problems.length > 0 && html`
        <${Table} label="Problems of the sheet" columns=${PROBLEMS} rows=${data.keys.problems} />`}
    </section>
    <${Settings} settings=${data.settings} />`}
  <//>`;
}
