/* Small plots of the last minute, in SVG: a line for what is measured, bars for what is counted. The newest value is at the right;
 * where there is no value there is no ink. They are pictures with a name; the number stands beside them as text. */
import { LENGTH } from "./live.js";

const WIDTH = 96;
const HEIGHT = 22;
const NAMESPACE = "http://www.w3.org/2000/svg";

function make(name, attributes) {
  const node = document.createElementNS(NAMESPACE, name);

  for (const [key, value] of Object.entries(attributes))
    node.setAttribute(key, value);
  return node;
}

const x = (index, length) => WIDTH - 1 - (length - 1 - index) * (WIDTH - 2) / (LENGTH - 1);
const y = (value, top) => HEIGHT - 1.5 - value / top * (HEIGHT - 4);

/* The pieces of a line through `values`, broken where one is missing. */
function linePath(values, top) {
  let path = "";
  let pen = false;

  values.forEach((value, i) => {
    if (value !== null)
      path += `${pen ? "L" : "M"}${x(i, values.length).toFixed(1)} ${y(value, top).toFixed(1)}`;
    /* A point alone is drawn as a dot: a line of no length with round ends. */
    if (value !== null && !pen && (values[i + 1] ?? null) === null)
      path += "h0";
    pen = value !== null;
  });
  return path;
}

function barsPath(values, top) {
  return values.map((value, i) => value > 0
    ? `M${x(i, values.length).toFixed(1)} ${HEIGHT - 1}V${Math.min(HEIGHT - 3, y(value, top)).toFixed(1)}` : "").join("");
}

export class Plot {
  /* kind: "line" or "bars"; least: what the whole height stands for at least. */
  constructor(kind, least) {
    this.kind = kind;
    this.least = least;
    this.ink = make("path", { class: `ink ${kind}` });
    this.element = make("svg", { class: "plot", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, width: WIDTH, height: HEIGHT, role: "img" });
    this.element.append(make("path", { class: "ground", d: `M1 ${HEIGHT - 0.5}H${WIDTH - 1}` }), this.ink);
  }

  /* values: numbers, or null; label: what a person who does not see it is told. */
  draw(values, label) {
    const top = Math.max(this.least, ...values.map(value => 1.1 * (value ?? 0)));

    this.ink.setAttribute("d", this.kind === "line" ? linePath(values, top) : barsPath(values, top));
    this.element.setAttribute("aria-label", label);
  }
}
