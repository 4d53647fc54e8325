// What the pages about usage and requests share: costs, and a chart of rows.
import { charts, html, useEffect, useRef } from "./lib.js";

const DOLLARS = new Intl.NumberFormat(undefined, { style: "currency", currency: "USD", maximumFractionDigits: 4 });

/** The cost of sums: unknown without a price, with ≥ when some requests have none. */
export function cost(sums) {
  if (sums.cost === null) return "unknown";
  const known = DOLLARS.format(Number(sums.cost));
  return sums.unpriced_requests > 0 ? `≥ ${known}` : known;
}

/** Dollars in a text. */
export function dollars(text) {
  return text === undefined ? "" : DOLLARS.format(Number(text));
}

const SMALL = new Intl.NumberFormat(undefined, { style: "currency", currency: "USD", maximumFractionDigits: 8 });

/** The cost of one request, which is often less than a cent; null when it is unknown. */
export function smallCost(text) {
  return text === null ? "unknown" : SMALL.format(Number(text));
}

/** Milliseconds as seconds. */
export function seconds(millis) {
  return millis === undefined ? "" : `${(millis / 1000).toFixed(millis < 10_000 ? 2 : 1)} s`;
}

/** Bars of numbers. The table beside it says the same to those who do not see it. */
export function Bars({ label, names, values, title }) {
  const canvas = useRef();
  useEffect(() => {
    let chart;
    let gone = false;
    const style = getComputedStyle(document.documentElement);
    charts().then((Chart) => {
      if (gone) return;
      const text = style.getPropertyValue("--pico-color");
      chart = new Chart(canvas.current, {
        type: "bar",
        data: { labels: names, datasets: [{ label: title, data: values, backgroundColor: style.getPropertyValue("--pico-primary-background") }] },
        options: {
          animation: false,
          maintainAspectRatio: false,
          plugins: { legend: { display: false }, title: { display: true, text: title, color: text } },
          scales: { x: { ticks: { color: text } }, y: { beginAtZero: true, ticks: { color: text } } },
        },
      });
    }, () => {});
    return () => {
      gone = true;
      chart?.destroy();
    };
  }, [names.join("\n"), values.join(), title]);
  return html`<div class="chart"><canvas ref=${canvas} role="img" aria-label=${label}></canvas></div>`;
}
