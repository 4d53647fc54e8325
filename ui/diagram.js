// The drawings of the page Routes: the map of all routes, and the steps of one.
import { count, html, useEffect, useMemo, useRef, useState } from "./lib.js";

const BOX = { width: 230, height: 48 };
const GAP = 26;
const PAD = 12;
const CHARACTERS = 31;

function short(text) {
  return text.length > CHARACTERS ? text.slice(0, CHARACTERS - 1) + "…" : text;
}

function duration(millis) {
  return millis < 10 ? `${millis.toFixed(2)} ms` : `${count(Math.round(millis))} ms`;
}

/** The figures in short; empty when nothing was measured or nothing has passed. */
function summary(figures) {
  if (!figures) return "";
  if (figures.done === 0) return figures.inflight > 0 ? `${count(figures.inflight)} under way` : "none";
  return `${count(figures.done)} · ${duration(figures.mean_ms)}${figures.failed ? ` · ${count(figures.failed)} failed` : ""}`;
}

/** The figures for people who hear them. */
function spoken(figures) {
  if (!figures) return "";
  const times = figures.done ? `, mean ${duration(figures.mean_ms)}, at most ${duration(figures.max_ms)}` : "";
  return `: ${count(figures.done)} exchanges, ${count(figures.failed)} failed${times}`;
}

function Box({ x, y, width = BOX.width, title, name, figures, href, chosen }) {
  return html`
    <a href=${href} class=${`${chosen ? "chosen" : ""} ${figures?.failed ? "failing" : ""}`} aria-label=${name + spoken(figures)}
       aria-current=${chosen ? "true" : null}>
      <title>${name}</title>
      <rect x=${x} y=${y} width=${width} height=${BOX.height} rx="6" />
      <text x=${x + PAD} y=${y + 20}>${short(title)}</text>
      <text class="figures" x=${x + PAD} y=${y + 38}>${summary(figures)}</text>
    </a>`;
}

/** A drawing that scrolls. It first shows what is at the height top. */
function Drawing({ label, width, height, top = 0, children }) {
  const pane = useRef();
  useEffect(() => { pane.current.scrollTop = top - BOX.height; }, [width, height]);
  return html`
    <div class="drawing" ref=${pane} role="region" aria-label=${label} tabindex="0">
      <svg class="diagram" role="figure" aria-label=${label} width=${width} height=${height} viewBox=${`0 0 ${width} ${height}`}>
        <defs>
          <marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto-start-reverse">
            <path d="M 0 0 L 8 4 L 0 8 z" class="tip" />
          </marker>
        </defs>
        ${children}
      </svg>
    </div>`;
}

function line(points) {
  return points.map(({ x, y }, index) => `${index === 0 ? "M" : "L"} ${x.toFixed(1)} ${y.toFixed(1)}`).join(" ");
}

/** Places the routes so that calls go from left to right. */
function placed(dagre, routes) {
  const graph = new dagre.Graph();
  graph.setGraph({ rankdir: "LR", nodesep: 14, ranksep: 60, marginx: PAD, marginy: PAD });
  graph.setDefaultEdgeLabel(() => ({}));
  const ids = new Set(routes.map((route) => route.id));
  routes.forEach(({ id }) => graph.setNode(id, { ...BOX }));
  routes.forEach(({ id, calls }) => calls.filter((other) => ids.has(other) && other !== id).forEach((other) => graph.setEdge(id, other)));
  dagre.layout(graph);
  const { width, height } = graph.graph();
  const leftmost = Math.min(...graph.nodes().map((id) => graph.node(id).x));
  return {
    top: Math.min(...graph.nodes().map((id) => graph.node(id)).filter(({ x }) => x === leftmost).map(({ y }) => y)),
    width: Math.ceil(width),
    height: Math.ceil(height),
    boxes: Object.fromEntries(graph.nodes().map((id) => [id, graph.node(id)])),
    lines: graph.edges().map((edge) => ({ id: `${edge.v} ${edge.w}`, points: graph.edge(edge).points })),
  };
}

/** All routes, with lines from each to those that it calls. */
export function RouteMap({ routes, href }) {
  const [dagre, setDagre] = useState(null);
  useEffect(() => {
    import("./vendor/dagre-3.1.3/dagre.esm.js").then((module) => setDagre(module), () => setDagre(undefined));
  }, []);
  const shape = routes.map(({ id, calls }) => `${id}>${calls}`).join("\n");
  const drawing = useMemo(() => dagre && placed(dagre, routes), [dagre, shape]);
  if (dagre === undefined) return html`<p role="alert">The map cannot be drawn. The table below has the same routes.</p>`;
  if (!drawing) return html`<p aria-busy="true">Drawing …</p>`;
  return html`
    <${Drawing} label="Map of the routes. The table below has the same routes." width=${drawing.width} height=${drawing.height}
      top=${drawing.top}>
      ${drawing.lines.map(({ id, points }) => html`<path key=${id} class="line" d=${line(points)} marker-end="url(#arrow)" />`)}
      ${routes.map((route) => {
        const { x, y } = drawing.boxes[route.id];
        return html`<${Box} key=${route.id} x=${x - BOX.width / 2} y=${y - BOX.height / 2} title=${route.id} name=${route.id}
          figures=${route.figures} href=${href(route.id)} />`;
      })}
    <//>`;
}

/*
 * The steps of a route. Each part has a width and a height, its line comes in at the top and goes out at the bottom, both in the
 * middle; draw(x, y) gives its shapes with their places.
 */

const SIDE_BY_SIDE = new Set(["choice", "doTry", "multicast", "loadBalance", "circuitBreaker"]);
const BRANCHES = new Set(["when", "otherwise", "doCatch", "doFinally", "onFallback"]);

function arrow(...points) {
  return { path: points.map(([x, y], index) => `${index === 0 ? "M" : "L"} ${x} ${y}`).join(" ") };
}

function box(step) {
  return { ...BOX, draw: (x, y) => [{ step, x, y }] };
}

/** Parts one below the other. */
function column(parts) {
  const width = Math.max(BOX.width, ...parts.map((part) => part.width));
  const height = parts.reduce((sum, part) => sum + part.height, 0) + GAP * Math.max(0, parts.length - 1);
  return {
    width,
    height,
    draw(x, y) {
      const middle = x + width / 2;
      let top = y;
      return parts.flatMap((part, index) => {
        const shapes = part.draw(middle - part.width / 2, top);
        if (index > 0) shapes.push(arrow([middle, top - GAP], [middle, top]));
        top += part.height + GAP;
        return shapes;
      });
    },
  };
}

/** A part with a frame around it. */
function framed(part, title) {
  const width = part.width + 2 * PAD;
  const height = part.height + 2 * PAD + (title ? PAD : 0);
  return {
    width,
    height,
    draw: (x, y) => [{ frame: { x, y, width, height, title } }, ...part.draw(x + PAD, y + height - PAD - part.height)],
  };
}

/** A box above parts that stand side by side, one or some of which are taken. */
function fan(step, parts) {
  const width = Math.max(BOX.width, parts.reduce((sum, part) => sum + part.width, 0) + GAP * (parts.length - 1));
  const tallest = Math.max(0, ...parts.map((part) => part.height));
  const height = BOX.height + GAP + tallest + GAP;
  return {
    width,
    height,
    draw(x, y) {
      const middle = x + width / 2;
      const top = y + BOX.height + GAP;
      const bottom = y + height;
      let left = x + (width - parts.reduce((sum, part) => sum + part.width, 0) - GAP * (parts.length - 1)) / 2;
      const shapes = box(step).draw(middle - BOX.width / 2, y);
      for (const part of parts) {
        const centre = left + part.width / 2;
        shapes.push(arrow([middle, top - GAP], [middle, top - GAP / 2], [centre, top - GAP / 2], [centre, top]));
        shapes.push({ path: `M ${centre} ${top + part.height} L ${centre} ${bottom - GAP / 2} L ${middle} ${bottom - GAP / 2} L ${middle} ${bottom}`, plain: true });
        shapes.push(...part.draw(left, top));
        left += part.width + GAP;
      }
      return shapes;
    },
  };
}

function part(step) {
  if (step.steps.length === 0) return box(step);
  if (!SIDE_BY_SIDE.has(step.kind)) return framed(column([box(step), ...step.steps.map(part)]));
  const branches = step.steps.filter((one) => BRANCHES.has(one.kind));
  const own = step.steps.filter((one) => !BRANCHES.has(one.kind));
  const first = own.length === 0 ? []
    : step.kind === "multicast" || step.kind === "loadBalance" ? own.map(part)
    : [framed(column(own.map(part)), "steps")];
  return fan(step, [...first, ...branches.map((one) => framed(column([box(one), ...one.steps.map(part)])))]);
}

/** The steps of a route from top to bottom. */
export function Steps({ route, chosen, href }) {
  const start = { id: "", kind: "from", label: route.from, figures: route.figures, steps: [] };
  const whole = column([start, ...route.steps].map(part));
  const shapes = whole.draw(PAD, PAD);
  const frames = shapes.filter((shape) => shape.frame).map((shape) => shape.frame);
  return html`
    <${Drawing} label=${`Diagram of ${route.id}. The table below has the same steps.`} width=${whole.width + 2 * PAD} height=${whole.height + 2 * PAD}>
      ${frames.map((frame) => html`<rect class="frame" x=${frame.x} y=${frame.y} width=${frame.width} height=${frame.height} rx="8" />
        ${frame.title && html`<text class="figures" x=${frame.x + PAD} y=${frame.y + 16}>${frame.title}</text>`}`)}
      ${shapes.filter((shape) => shape.path).map(({ path, plain }) => html`<path class="line" d=${path} marker-end=${plain ? null : "url(#arrow)"} />`)}
      ${shapes.filter((shape) => shape.step).map(({ step, x, y }) => html`
        <${Box} key=${step.id} x=${x} y=${y} title=${`${step.kind} ${step.label}`} name=${`${step.kind} ${step.label}`} figures=${step.figures}
          href=${step.id ? href(route.id, step.id) : href(route.id)} chosen=${step.id !== "" && step.id === chosen} />`)}
    <//>`;
}
