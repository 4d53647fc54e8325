// What the pages Live and Request share: the stream of events, and the requests that it tells of.
import { api, useEffect, useRef, useState } from "./lib.js";

const MOST_ENDED = 200;
const MOST_REMEMBERED = 500;
const REFRESH_MILLIS = 250;
const RETRY_MILLIS = 5000;

/** Attempts and tools that this window has seen, by the request's id. The server keeps no timings of tools. */
const seen = new Map();

/** What this window has seen of a request: { label, from, to, bad } with milliseconds since its arrival; to is absent while it lasts. */
export function stepsOf(id) {
  return seen.get(id) ?? [];
}

function rememberedSteps(id) {
  if (!seen.has(id)) {
    seen.set(id, []);
    if (seen.size > MOST_REMEMBERED) seen.delete(seen.keys().next().value);
  }
  return seen.get(id);
}

/** The requests by id, as the events have told. */
class Requests {
  running = new Map();
  ended = new Map();

  snapshot({ running, ended }) {
    this.running = new Map(running.map((row) => [row.id, this.begun(row)]));
    this.ended = new Map(ended.toReversed().map((row) => [row.id, row]));
  }

  begun(row) {
    return { tokens_in: 0, tokens_out: 0, turns: 0, tool_calls: 0, ...row, began: performance.now() - (row.duration_ms ?? 0), steps: rememberedSteps(row.id) };
  }

  begin(row) {
    this.running.set(row.id, this.begun(row));
  }

  attempt({ id, turn, model, outcome, status, after_ms, duration_ms }) {
    const request = this.running.get(id);
    if (!request) return;
    request.turns = turn;
    request.model = model;
    const answered = outcome === "answered";
    const how = answered ? "first content" : status ? `${status} ${outcome}` : outcome;
    request.steps.push({ label: `Turn ${turn}, ${model}: ${how}`, from: Math.max(0, after_ms - duration_ms), to: after_ms, bad: !answered });
  }

  tool({ id, tool, status, after_ms }) {
    const request = this.running.get(id);
    if (!request) return;
    if (status === "started") {
      request.tool_calls += 1;
      request.steps.push({ label: `Tool ${tool}`, tool, from: after_ms });
      return;
    }
    const step = request.steps.find((one) => one.tool === tool && one.to === undefined);
    if (step) Object.assign(step, { to: after_ms, bad: status === "failed" });
  }

  end(row) {
    this.running.delete(row.id);
    this.ended.set(row.id, row);
    if (this.ended.size > MOST_ENDED) this.ended.delete(this.ended.keys().next().value);
  }

  /** Copies for the view: running requests first, the newest first. */
  rows(endedToo) {
    const now = performance.now();
    const running = [...this.running.values()].map((row) => ({ ...row, duration_ms: Math.max(0, now - row.began), steps: [...row.steps] }));
    const ended = endedToo ? [...this.ended.values()].map((row) => ({ ...row, steps: stepsOf(row.id) })) : [];
    return [...running.reverse().sort((a, b) => b.began - a.began), ...ended.reverse()];
  }
}

const UNCONNECTED = { state: "connecting", rows: [], dropped: 0 };

/**
 * Watches requests: { state, message, rows, dropped }. The state is connecting, live, reconnecting or refused.
 * While paused, the rows stay as they are.
 */
export function useLive(query, paused = false) {
  const [view, setView] = useState(UNCONNECTED);
  const hold = useRef(paused);
  hold.current = paused;
  useEffect(() => {
    const requests = new Requests();
    const endedToo = query.get("status") !== "RUNNING";
    let source;
    let retry;
    let changed = false;
    let dropped = 0;
    let shown = 0;
    const show = (state) => {
      changed = false;
      shown = performance.now();
      setView((old) => ({ ...old, ...state, rows: requests.rows(endedToo), dropped }));
    };
    const on = (name, apply) => source.addEventListener(name, (event) => {
      apply(JSON.parse(event.data));
      changed = true;
    });
    const tell = (state, message) => setView((old) => (old.state === state && old.message === message ? old : { ...old, state, message }));
    setView(UNCONNECTED);
    let first = true;
    const connect = () => {
      source = new EventSource("/admin/api/live?" + query);
      for (const name of ["snapshot", "begin", "attempt", "tool", "end"]) on(name, (data) => requests[name](data));
      on("snapshot", () => {
        if (first || !hold.current) show({ state: "live", message: undefined });
        else tell("live");
        first = false;
      });
      on("dropped", ({ count }) => { dropped += count; });
      source.onerror = async () => {
        if (source.readyState !== EventSource.CLOSED) return tell("reconnecting");
        // The browser gives up after an error's status. The API tells whether the session has ended.
        try {
          await api("GET", "requests?limit=1");
          tell("refused", "The server refuses to show requests now. The page Live may be open in too many windows.");
        } catch (error) {
          tell("refused", error.message);
        }
        if (source) retry = setTimeout(connect, RETRY_MILLIS);
      };
    };
    connect();
    const refresh = setInterval(() => {
      const ticks = requests.running.size > 0 && performance.now() - shown >= 1000;
      if (!first && !hold.current && (changed || ticks)) show();
    }, REFRESH_MILLIS);
    return () => {
      clearInterval(refresh);
      clearTimeout(retry);
      source.close();
      source = null;
    };
  }, [query.toString()]);
  return view;
}
