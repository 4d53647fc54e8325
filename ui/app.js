// The frame of the management pages: sign-in, navigation, messages.
import { api, html, onMessage, onSessionEnd, render, session, useEffect, useRef, useState } from "./lib.js";

/** Each page is a module that exports Page. A page with admin is for administrators alone; one with under is reached from another page. */
const PAGES = [
  { path: "overview", title: "Overview", load: () => import("./pages/overview.js") },
  { path: "live", title: "Live", load: () => import("./pages/live.js") },
  { path: "request", title: "Request", under: "live", load: () => import("./pages/request.js") },
  { path: "usage", title: "Usage", load: () => import("./pages/usage.js") },
  { path: "billing", title: "Billing", load: () => import("./pages/billing.js") },
  { path: "keys", title: "Keys", load: () => import("./pages/keys.js") },
  { path: "providers", title: "Providers", admin: true, load: () => import("./pages/providers.js") },
  { path: "playground", title: "Playground", load: () => import("./pages/playground.js") },
  { path: "routes", title: "Routes", admin: true, load: () => import("./pages/routes.js") },
  { path: "system", title: "System", admin: true, load: () => import("./pages/system.js") },
  { path: "actions", title: "Audit log", admin: true, load: () => import("./pages/actions.js") },
];

const REFUSALS = {
  expired: "The sign-in took too long, or was begun in another browser. Sign in again.",
  refused: "The sign-in was cancelled. Sign in again.",
  failed: "The answer of the sign-in service is not valid. The server's log has the reason.",
  unavailable: "The sign-in service cannot be reached, or is not configured. The server's log has the reason.",
  not_allowed: "You may not use these pages. Ask an administrator for an API key, or to be listed in LLMPROXY_ALLOWED_USERS.",
  link_void: "This one-time link was used before, or is too old. ./llmproxy admin-link prints a new one.",
  link_elsewhere: "One-time links are accepted from the server itself only. ADMIN_LINK = any allows others.",
  too_many: "Too many sign-ins came from your address. Try again in a minute.",
};

const THEME = "llmproxy-theme";

function showTheme(theme) {
  if (theme) document.documentElement.dataset.theme = theme;
}

function ThemeSwitch() {
  const change = () => {
    const shown = document.documentElement.dataset.theme;
    const dark = shown ? shown === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    const next = dark ? "light" : "dark";
    showTheme(next);
    localStorage.setItem(THEME, next);
  };
  return html`<button type="button" onClick=${change}>Light or dark</button>`;
}

function useHash() {
  const [hash, setHash] = useState(location.hash);
  useEffect(() => {
    const changed = () => setHash(location.hash);
    addEventListener("hashchange", changed);
    return () => removeEventListener("hashchange", changed);
  }, []);
  return hash.replace(/^#\/?/, "").split("/");
}

function SignIn({ reason, methods = [], link }) {
  return html`
    <main class="narrow" id="main">
      <h1>llmproxy</h1>
      ${REFUSALS[reason] && html`<p role="alert">${REFUSALS[reason]}</p>`}
      ${methods.map(({ name, href }) => html`<p><a role="button" href=${href}>Sign in with ${name}</a></p>`)}
      ${link && html`<p>On the server, <code>./llmproxy admin-link</code> prints a one-time link that signs you in as administrator.</p>`}
      ${!link && methods.length === 0 && html`<p>Nobody can sign in. The server's settings have no OpenID provider, and one-time links are off.</p>`}
    </main>`;
}

function Message({ message }) {
  // Both regions are always there: screen readers say what changes in a region that they know.
  return html`
    <p role="status">${message && !message.bad ? message.text : ""}</p>
    <p role="alert">${message?.bad ? message.text : ""}</p>`;
}

function Content({ page, parts }) {
  const [module, setModule] = useState(null);
  const heading = useRef();
  useEffect(() => {
    let current = true;
    document.title = `${page.title} · llmproxy`;
    page.load().then(
      (loaded) => current && setModule({ page, Page: loaded.Page }),
      () => current && setModule({ page, Page: () => html`<p role="alert">This page cannot be loaded. Reload it.</p>` }),
    );
    return () => { current = false; };
  }, [page]);
  const first = useRef(true);
  useEffect(() => {
    if (!first.current) heading.current.focus();
    first.current = false;
  }, [page]);
  return html`
    <h1 tabindex="-1" ref=${heading}>${page.title}</h1>
    ${module?.page === page ? html`<${module.Page} parts=${parts} />` : html`<p aria-busy="true">Loading …</p>`}`;
}

function App({ first }) {
  const [state, setState] = useState(first);
  const [message, setMessage] = useState(null);
  const [path, ...parts] = useHash();
  useEffect(() => {
    onMessage(setMessage);
    onSessionEnd(async () => {
      const now = await fetch("/admin/api/session").then((answer) => answer.json());
      Object.assign(session, now);
      setState(now);
    });
  }, []);
  useEffect(() => setMessage(null), [path]);
  if (!state.signed_in) return html`<${SignIn} reason=${path === "sign-in" ? parts[0] : null} ...${state} />`;

  const pages = PAGES.filter((page) => !page.admin || state.role === "ADMIN");
  const page = pages.find((each) => each.path === path) ?? pages[0];
  const signOut = async () => {
    try {
      await api("POST", "sign-out");
    } finally {
      location.assign("/admin/");
    }
  };
  return html`
    <a class="skip" href="#main" onClick=${(event) => { event.preventDefault(); document.querySelector("#main").focus(); }}>Skip to content</a>
    <header>
      <nav aria-label="Pages">
        <ul>
          <li><strong>llmproxy</strong></li>
          ${pages.filter((each) => !each.under).map((each) => html`<li><a href=${"#/" + each.path} aria-current=${each === page ? "page" : each.path === page.under ? "true" : null}>${each.title}</a></li>`)}
        </ul>
        <ul>
          <li><${ThemeSwitch} /></li>
          <li>${state.email}</li>
          <li><button type="button" onClick=${signOut}>Sign out</button></li>
        </ul>
      </nav>
    </header>
    <main id="main" tabindex="-1">
      <${Message} message=${message} />
      <${Content} page=${page} parts=${parts} />
    </main>`;
}

showTheme(localStorage.getItem(THEME));
const answer = await fetch("/admin/api/session");
const first = await answer.json();
if (first.error) {
  render(html`<main><h1>llmproxy</h1><p role="alert">${first.error.message}</p></main>`, document.body);
} else {
  Object.assign(session, first);
  render(html`<${App} first=${first} />`, document.body);
}
