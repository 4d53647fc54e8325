import { api, count, html, Loaded, say, sayError, Table, Time, useLoaded, useMemo, useState } from "../lib.js";

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

const KINDS = { google: "Google's", embedded: "embedded in this server", other: "another server's" };

const LEVELS = { problem: "bad", warning: "", ok: "good" };

const FINDINGS = [
  { title: "Result", cell: (finding) => html`<strong class=${LEVELS[finding.level]}>${finding.level}</strong>` },
  { title: "Part", cell: (finding) => finding.check },
  { title: "What", cell: (finding) => finding.what },
  { title: "What to do", cell: (finding) => finding.remedy || html`<span class="quiet">nothing</span>` },
];

/** When sheets were read or written, and the last failure: it may be over. */
function Sync({ of, done }) {
  return html`
    ${done} <${Time} of=${of.succeeded_at} />
    ${of.failure && html`<br /><span class=${of.failed_at > (of.succeeded_at ?? "") ? "bad" : "quiet"}>failed <${Time} of=${of.failed_at} />: ${of.failure}</span>`}`;
}

function Workbook({ sync }) {
  const { usage, conversations } = sync;
  return html`
    <section aria-labelledby="sync">
      <h2 id="sync">Workbook</h2>
      ${sync.ledger_problem && html`<p class="bad">${sync.ledger_problem}</p>`}
      <dl>
        <dt>Address</dt><dd>${sync.workbook} (${KINDS[sync.kind]})</dd>
        <dt>Sheets of keys and tiers</dt><dd><${Sync} of=${sync.keys} done="read" /></dd>
        <dt>Usage sheets</dt>
        <dd>
          ${sync.writes_here || html`<span class="quiet">another server writes them</span><br />`}
          <${Sync} of=${usage} done="written" />
          ${usage.problem && html`<br /><strong class="bad">Usage is not written; the ledger stores it: ${usage.problem}</strong>`}
          ${usage.waiting !== undefined && html`<br />${usage.waiting === 0
            ? "no request waits"
            : `${count(usage.waiting)} requests wait, the oldest for ${count(usage.oldest_waiting_seconds)} s`}`}
        </dd>
        <dt>Sheet of conversations</dt>
        <dd>
          <${Sync} of=${conversations} done="written" />
          ${conversations.waiting !== undefined && html`<br />${conversations.waiting === 0
            ? "no conversation waits" : `${count(conversations.waiting)} conversations wait`}`}
        </dd>
      </dl>
    </section>`;
}

function DeadLetters() {
  const loaded = useLoaded(() => api("GET", "dead-letters"), []);
  const retry = async (id) => {
    try {
      const { retrying } = await api("POST", "dead-letters/retry", id ? { request_id: id } : {});
      say(retrying === 1 ? "One record is tried again." : `${count(retrying)} records are tried again.`);
    } catch (error) {
      sayError(error);
    }
    loaded.reload();
  };
  const columns = [
    { title: "Request", cell: (letter) => html`<code>${letter.request_id}</code>` },
    { title: "Time", cell: (letter) => html`<${Time} of=${letter.at} />` },
    { title: "User", cell: (letter) => letter.email },
    { title: "Model", cell: (letter) => letter.model },
    { title: "Reason", cell: (letter) => letter.error },
    { title: "", cell: (letter) => (letter.retrying
      ? html`<span class="quiet">being tried again</span>`
      : html`<button type="button" aria-label=${"Try " + letter.request_id + " again"} onClick=${() => retry(letter.request_id)}>Try again</button>`) },
  ];
  return html`
    <section aria-labelledby="dead-letters">
      <h2 id="dead-letters">Refused records</h2>
      <p>Usage records that the workbook refuses. They are in the ledger and in all statistics, but not in a sheet.</p>
      <${Loaded} of=${loaded}>${(data) => html`
        <${Table} label="Refused records" columns=${columns} rows=${data.dead_letters.map((one) => ({ id: one.request_id, ...one }))}
          empty="The workbook has refused no usage record." />
        <div class="bar">
          <button type="button" class="plain" onClick=${loaded.reload}>Reload</button>
          ${data.count > 0 && html`<button type="button" onClick=${() => retry()}>Try all ${count(data.count)} again</button>`}
        </div>`}
      <//>
    </section>`;
}

function Findings() {
  const [online, setOnline] = useState(false);
  const [state, setState] = useState({});
  const check = async () => {
    setState({ busy: true });
    try {
      setState(await api("GET", "system/findings" + (online ? "?online=on" : "")));
    } catch (error) {
      setState({});
      sayError(error);
    }
  };
  const rows = state.findings?.map((finding, index) => ({ id: index, ...finding }));
  const calm = rows?.filter((finding) => finding.level === "ok");
  const others = rows?.filter((finding) => finding.level !== "ok");
  return html`
    <section aria-labelledby="findings">
      <h2 id="findings">Checks</h2>
      <p>The checks of <code>./llmproxy doctor</code>: settings, data folder, ledger, workbook, providers. They change nothing.</p>
      <div class="bar">
        <button type="button" disabled=${state.busy} aria-busy=${state.busy} onClick=${check}>Check now</button>
        <label><input type="checkbox" checked=${online} onChange=${(event) => setOnline(event.target.checked)} /> Also ask the providers whether they accept their keys</label>
      </div>
      ${rows && html`
        <p role="status">${others.length === 0 ? "No problem found." : `Problems and warnings: ${others.length}.`} Checked <${Time} of=${state.at} />.</p>
        ${others.length > 0 && html`<${Table} label="Problems and warnings" columns=${FINDINGS} rows=${others} />`}
        <details>
          <summary>${calm.length} results without a problem</summary>
          <${Table} label="Results without a problem" columns=${FINDINGS.slice(1, 3)} rows=${calm} />
        </details>`}
    </section>`;
}

/** The routes that serve new requests, and what was wrong with edited files. */
function Routes({ of, reload }) {
  const [busy, setBusy] = useState(false);
  const read = async () => {
    setBusy(true);
    try {
      const { last_attempt: last, number } = await api("POST", "reload", {});
      if (last.used) say(`Generation ${number} of the routes serves new requests.`);
      else sayError(new Error("The files have problems and are not used."));
    } catch (error) {
      sayError(error);
    }
    setBusy(false);
    reload();
  };
  const last = of.last_attempt;
  const columns = [
    { title: "File", cell: (problem) => (problem.file ? html`<code>${problem.file}</code>` : "") },
    { title: "Line", number: true, cell: (problem) => problem.line ?? "" },
    { title: "Problem", cell: (problem) => problem.reason },
  ];
  return html`
    <section aria-labelledby="generation">
      <h2 id="generation">Routes</h2>
      <dl>
        <dt>Generation</dt><dd>${count(of.number)}, since <${Time} of=${of.since} />${of.ending > 0 ? `; requests of ${count(of.ending)} earlier ones still run` : ""}</dd>
        <dt>Edits</dt><dd>${of.watched ? "take effect by themselves" : html`take effect when they are read (<code>ROUTES_WATCH</code> is off)`}</dd>
        ${last && html`<dt>Last read</dt><dd><${Time} of=${last.at} />: ${last.used ? "used" : html`<strong class="bad">not used</strong>`}${last.need_restart.length > 0 ? `; these settings need a restart: ${last.need_restart.join(", ")}` : ""}</dd>`}
      </dl>
      ${last && last.problems.length > 0 && html`
        <${Table} label="Problems of the edited files" columns=${columns} rows=${last.problems.map((problem, index) => ({ id: index, ...problem }))} />`}
      <button type="button" disabled=${busy} aria-busy=${busy} onClick=${read}>Read the files now</button>
    </section>`;
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
      <p>Those of the generation above. <code>application.properties</code> says what each one means.</p>
      <div class="bar">
        <label class="grow">Name <input type="search" value=${wanted} onInput=${(event) => setWanted(event.target.value)} /></label>
        <label><input type="checkbox" checked=${changed} onChange=${(event) => setChanged(event.target.checked)} /> Not the default</label>
      </div>
      <${Table} label="Settings" columns=${SETTINGS} rows=${shown.map((one) => ({ id: one.name, ...one }))} empty="No setting matches." />
    </section>`;
}

/** Versions, state of the workbook, refused records, checks, settings. */
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
    ${data.generation && html`<${Routes} of=${data.generation} reload=${loaded.reload} />`}
    <${Workbook} sync=${data.sync} />
    <section aria-labelledby="keys">
      <h2 id="keys">Sheets of keys and tiers</h2>
      <dl>
        <dt>Last read</dt><dd><${Time} of=${data.keys.read_at} />${data.keys.usable ? "" : html` <strong class="bad">too old: every request is refused</strong>`}</dd>
        <dt>Keys</dt><dd>${count(data.keys.count)}</dd>
      </dl>
      ${data.keys.problems.length > 0 && html`
        <${Table} label="Problems of the sheet" columns=${PROBLEMS} rows=${data.keys.problems} />`}
      ${data.tiers.problems.length > 0 && html`
        <${Table} label="Problems of the sheet of tiers" columns=${PROBLEMS} rows=${data.tiers.problems} />`}
    </section>
    <${DeadLetters} />
    <${Findings} />
    <${Settings} settings=${data.settings} />`}
  <//>`;
}
