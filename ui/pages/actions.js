import { api, html, Loaded, say, sayError, Table, Time, useLoaded, useState } from "../lib.js";

/** A change as short text: its fields with their values. */
function detail(action) {
  return Object.entries(action.detail)
    .map(([name, value]) => `${name}: ${typeof value === "object" ? JSON.stringify(value) : value}`)
    .join(", ");
}

const COLUMNS = [
  { title: "Time", cell: (action) => html`<${Time} of=${action.at} />` },
  { title: "Who", cell: (action) => action.actor || "unknown" },
  { title: "Action", cell: (action) => html`<code>${action.action}</code>` },
  { title: "What", cell: (action) => action.subject },
  { title: "Details", cell: detail },
  { title: "Address", cell: (action) => action.address },
];

/** What people did on the management pages. */
export function Page() {
  const loaded = useLoaded(() => api("GET", "actions"), []);
  const [earlier, setEarlier] = useState({ actions: [] });
  const shown = (data) => [...data.actions, ...earlier.actions];
  const more = async (data) => {
    try {
      const next = await api("GET", "actions?before=" + encodeURIComponent(shown(data).at(-1).id));
      setEarlier({ actions: [...earlier.actions, ...next.actions], more: next.more });
      say(`${next.actions.length} earlier actions added.`);
    } catch (error) {
      sayError(error);
    }
  };
  return html`
    <p>What people did on these pages, the last action first. The server's clock counts.</p>
    <${Loaded} of=${loaded}>${(data) => html`
      <${Table} label="Actions" columns=${COLUMNS} rows=${shown(data)} />
      ${(earlier.more ?? data.more) && html`<button type="button" onClick=${() => more(data)}>Show earlier actions</button>`}`}
    <//>`;
}
