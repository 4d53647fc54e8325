// A field that chooses a key by its name or its owner.
import { api, html, useEffect, useRef, useState } from "./lib.js";

const MOST = 20;
const TYPING_MILLIS = 250;

/** Calls onChange with the id of the chosen key; with an empty text for all keys. */
export function KeyFilter({ onChange }) {
  const [typed, setTyped] = useState("");
  const [offered, setOffered] = useState([]);
  const [problem, setProblem] = useState("");
  const [used, setUsed] = useState(false);
  const known = useRef(new Map());
  const chosen = useRef("");
  useEffect(() => {
    if (!used || known.current.has(typed)) return undefined;
    let current = true;
    const timer = setTimeout(async () => {
      try {
        const { keys } = await api("GET", "keys?" + new URLSearchParams({ search: typed, size: MOST }));
        if (!current) return;
        const names = keys.map((key) => [`${key.name}, ${key.email}, ${key.key}`, key.id]);
        names.forEach(([name, id]) => known.current.set(name, id));
        setOffered(names.map(([name]) => name));
        setProblem("");
      } catch (error) {
        if (current) setProblem(error.message);
      }
    }, TYPING_MILLIS);
    return () => {
      current = false;
      clearTimeout(timer);
    };
  }, [typed, used]);
  const type = (event) => {
    const text = event.target.value;
    setTyped(text);
    const id = known.current.get(text) ?? "";
    if (id !== chosen.current) {
      chosen.current = id;
      onChange(id);
    }
  };
  const hint = problem || (typed && !chosen.current ? "Choose a key from the list." : "");
  return html`
    <label>Key
      <input type="search" list="key-names" autocomplete="off" placeholder="name or address" value=${typed} onInput=${type} onFocus=${() => setUsed(true)} aria-describedby=${hint ? "key-hint" : null} />
      ${hint && html`<small id="key-hint">${hint}</small>`}</label>
    <datalist id="key-names">${offered.map((name) => html`<option value=${name} />`)}</datalist>`;
}
