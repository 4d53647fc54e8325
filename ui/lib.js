// What all pages share: the view library, the API, and small views.
export { html, render, useCallback, useEffect, useMemo, useRef, useState } from "./vendor/htm-3.1.1/standalone.module.js";
import { html, useCallback, useEffect, useRef, useState } from "./vendor/htm-3.1.1/standalone.module.js";

/** The answer of GET /admin/api/session. */
export const session = { signed_in: false };

let ended = () => {};

/** Calls a function when the server says that the session has ended. */
export function onSessionEnd(callback) {
  ended = callback;
}

/** An error of the API, with its code and HTTP status. */
export class ApiError extends Error {
  constructor(status, error) {
    super(error?.message ?? `The server answered with status ${status}.`);
    this.status = status;
    this.code = error?.code;
  }
}

/** Sends a request to the admin API and returns the response. Throws an ApiError, or what the signal was aborted with. */
export async function send(method, path, body, signal) {
  const headers = {};
  if (method !== "GET") headers["X-CSRF-Token"] = session.csrf_token ?? "";
  let response;
  try {
    response = await fetch("/admin/api/" + path, { method, headers, body: body && JSON.stringify(body), signal });
  } catch {
    signal?.throwIfAborted();
    throw new ApiError(0, { message: "The server cannot be reached." });
  }
  if (response.ok) return response;
  const answer = await response.json().catch(() => null);
  if (response.status === 401) ended();
  throw new ApiError(response.status, answer?.error);
}

/** Calls the admin API: api("GET", "system"). Throws an ApiError. */
export async function api(method, path, body) {
  const response = await send(method, path, body);
  return response.json().catch(() => null);
}

/** Loads something now and when reload is called: { data, error, loading, reload }. */
export function useLoaded(load, dependencies) {
  const [state, setState] = useState({ loading: true });
  const newest = useRef(0);
  const reload = useCallback(async () => {
    const mine = ++newest.current;
    setState((old) => ({ ...old, loading: true }));
    try {
      const data = await load();
      if (mine === newest.current) setState({ data });
    } catch (error) {
      if (mine === newest.current) setState((old) => ({ data: old.data, error }));
    }
  }, dependencies);
  useEffect(() => void reload(), [reload]);
  return { ...state, reload };
}

let announce = () => {};

/** Sets the function that shows a message. */
export function onMessage(callback) {
  announce = callback;
}

/** Shows a message at the top of the page; screen readers say it. */
export function say(text) {
  announce({ text });
}

/** Shows an error at the top of the page. */
export function sayError(error) {
  announce({ text: error.message, bad: true });
}

/** Shows a page's data, or that it is loading, or its error. */
export function Loaded({ of, children }) {
  return html`
    ${of.error && html`<p role="alert">${of.error.message} <button onClick=${of.reload}>Try again</button></p>`}
    ${of.data ? children(of.data) : of.loading && html`<p aria-busy="true">Loading …</p>`}`;
}

/** A table that scrolls sideways on a small screen. Columns: { title, cell(row), number, sort }. */
export function Table({ label, columns, rows, sort, onSort, empty = "Nothing here." }) {
  const head = (column) => {
    const sorted = column.sort && sort?.by === column.sort;
    return html`
      <th scope="col" class=${column.number ? "number" : ""}
          aria-sort=${sorted ? (sort.down ? "descending" : "ascending") : null}>
        ${column.sort
          ? html`<button type="button" onClick=${() => onSort({ by: column.sort, down: sorted && !sort.down })}>
              ${column.title}${sorted ? (sort.down ? " ▼" : " ▲") : ""}</button>`
          : column.title}
      </th>`;
  };
  return html`
    <div class="table" role="region" aria-label=${label} tabindex="0">
      <table>
        <thead><tr>${columns.map(head)}</tr></thead>
        <tbody>
          ${rows.map((row) => html`<tr key=${row.id}>
            ${columns.map((column) => html`<td class=${column.number ? "number" : "text"}>${column.cell(row)}</td>`)}
          </tr>`)}
          ${rows.length === 0 && html`<tr><td colspan=${columns.length}>${empty}</td></tr>`}
        </tbody>
      </table>
    </div>`;
}

/** A dialog above the page: Escape closes it, and the focus returns to where it was. */
export function Dialog({ title, onClose, children, footer }) {
  const element = useRef();
  useEffect(() => {
    const dialog = element.current;
    dialog.showModal();
    // Gives the focus back, which an element that is merely removed does not.
    return () => dialog.close();
  }, []);
  return html`
    <dialog ref=${element} aria-labelledby="dialog-title"
            onCancel=${(event) => { event.preventDefault(); onClose(); }}>
      <article>
        <header><h2 id="dialog-title">${title}</h2></header>
        ${children}
        ${footer && html`<footer>${footer}</footer>`}
      </article>
    </dialog>`;
}

/** Copies a text; says whether it worked. */
export async function copy(text, what) {
  try {
    await navigator.clipboard.writeText(text);
    return `${what} copied.`;
  } catch {
    return `${what} could not be copied. Select it, and copy it by hand.`;
  }
}

const TIME = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
const NUMBER = new Intl.NumberFormat();

/** A moment in the reader's time zone; the exact one as its title. */
export function Time({ of }) {
  const time = of ? new Date(of) : null;
  return time && !Number.isNaN(time.getTime())
    ? html`<time datetime=${of} title=${of}>${TIME.format(time)}</time>`
    : html`<span class="quiet">–</span>`;
}

/** A number with the reader's separators. */
export function count(number) {
  return NUMBER.format(number);
}

/** Chart.js, loaded when the first chart needs it. */
export async function charts() {
  await import("./vendor/chart.js-4.6.1/chart.umd.js");
  return globalThis.Chart;
}
