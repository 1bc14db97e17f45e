"use strict";
// What all pages draw alike: times, colors, familiarity over time, a stripe for each scale, motifs.
// Drawing functions take a context, an axis of time and what to draw; rows are kept in columns:
// { times, familiarity, by_scale: [column of each scale], scales, step }.

const MOTIF_COLORS = ["#3f8fd2", "#e08a2e", "#4aa564", "#c65b9a", "#8c7bd6", "#b59a2b", "#52aab0",
  "#d0695a"];
const STRIPE = 15, LANE = 13, GAP = 8, AXIS = 24;

function clock(seconds, digits = 1) {
  const tenths = Math.round(seconds * 10 ** digits) / 10 ** digits;
  const minutes = Math.floor(tenths / 60), rest = (tenths - 60 * minutes).toFixed(digits);
  const text = rest.padStart(digits ? 3 + digits : 2, "0");
  if (minutes < 60) return `${minutes}:${text}`;
  return `${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, "0")}:${text}`;
}

function figure(value) {
  if (value === null) return "not known yet";
  return value >= 0.05 ? value.toFixed(2) : Number(value.toPrecision(1)).toString();
}

function styleOf(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

function colorOf(value, palette) {
  if (value === null) return null;
  const [from, to, share] = value < 0.5
    ? [palette.strange, palette.typical, value / 0.5]
    : [palette.typical, palette.known, (value - 0.5) / 0.5];
  const mixed = from.map((v, i) => Math.round(v + (to[i] - v) * share));
  return `rgb(${mixed.join(",")})`;
}

function paletteNow() {
  return Object.fromEntries(["strange", "typical", "known"].map(
    (name) => [name, styleOf(`--${name}`).split(",").map(Number)]));
}

// Makes a canvas as many dots wide as it is on the page, and as high as asked; returns a context in
// CSS pixels, null where the canvas is hidden.
function contextOf(canvas, height) {
  canvas.style.height = `${height}px`;
  const ratio = window.devicePixelRatio || 1, width = canvas.clientWidth;
  if (!width) return null;
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  const g = canvas.getContext("2d");
  g.scale(ratio, ratio);
  g.font = "12px system-ui, sans-serif";
  g.textBaseline = "middle";
  return g;
}

class TimeAxis {
  // From start to stop seconds, between left and right in pixels.
  constructor(start, stop, left, right) {
    Object.assign(this, { start, stop, left, right });
  }

  get span() { return this.stop - this.start; }
  get width() { return this.right - this.left; }
  x(time) { return this.left + (time - this.start) / this.span * this.width; }
  timeAt(x) { return this.start + (x - this.left) / this.width * this.span; }
}

// From which row to which an axis shows, with one more at each side.
function rowsShown(axis, times, step) {
  const first = times.findIndex((t) => t >= axis.start);
  const past = times.findIndex((t) => t > axis.stop + step);
  return [first < 0 ? times.length : Math.max(0, first - 1), past < 0 ? times.length : past];
}

function drawTimes(g, axis, top, bottom) {
  const ink = styleOf("--soft"), grid = styleOf("--grid");
  const steps = [0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600];
  const step = steps.find((s) => s / axis.span * axis.width > 64) ?? 7200;
  g.textAlign = "center";
  let free = axis.left;     // where the last label ends
  for (let t = Math.ceil(Math.max(axis.start, 0) / step) * step; t <= axis.stop; t += step) {
    g.fillStyle = grid;
    g.fillRect(axis.x(t), top, 1, bottom - top);
    g.fillStyle = ink;
    const text = clock(t, step < 1 ? 1 : 0), half = g.measureText(text).width / 2;
    const x = Math.min(Math.max(axis.x(t), axis.left + half), axis.right - half);
    if (x - half < free) continue;
    free = x + half + 6;
    g.fillText(text, x, bottom + AXIS / 2 + 2);
  }
}

function drawCurve(g, axis, data, top, height) {
  const { times, familiarity, step } = data, [from, to] = rowsShown(axis, times, step);
  const y = (value) => top + (1 - value) * height;
  g.strokeStyle = styleOf("--alarm");
  g.lineWidth = 1;
  g.setLineDash([3, 3]);
  g.beginPath();
  g.moveTo(axis.left, y(0.05));
  g.lineTo(axis.right, y(0.05));
  g.stroke();
  g.setLineDash([]);
  g.strokeStyle = styleOf("--curve");
  g.lineWidth = 1.4;
  g.lineJoin = "round";
  g.beginPath();
  for (let i = from; i < to; i++) {
    // A pause is no line.
    const follows = i > from && times[i] - times[i - 1] < 1.5 * step;
    g[follows ? "lineTo" : "moveTo"](axis.x(times[i]), y(familiarity[i]));
  }
  g.stroke();
}

function drawStripes(g, axis, data, top, stripe = STRIPE) {
  const { times, by_scale: byScale, step } = data, palette = paletteNow();
  const [from, to] = rowsShown(axis, times, step);
  // A column of dots is as strange as the strangest moment in it.
  byScale.forEach((column, j) => {
    const worst = new Map();
    for (let i = from; i < to; i++) {
      if (column[i] === null) continue;
      const start = Math.floor(axis.x(times[i] - step)), stop = Math.ceil(axis.x(times[i]));
      for (let x = Math.max(start, axis.left - 1); x < stop; x++) {
        worst.set(x, Math.min(worst.get(x) ?? 1, column[i]));
      }
    }
    for (const [x, value] of worst) {
      g.fillStyle = colorOf(value, palette);
      g.fillRect(x, top + stripe * j, 1, stripe - 1);
    }
  });
}

function drawMotifs(g, axis, motifs, top) {
  motifs.forEach((motif, row) => {
    g.fillStyle = MOTIF_COLORS[row % MOTIF_COLORS.length];
    for (const start of motif.starts) {
      g.fillRect(axis.x(start), top + LANE * row + 2,
        Math.max(2, motif.length / axis.span * axis.width - 1), LANE - 4);
    }
  });
}

// Writes [text, y] of each row at the left of the axis.
function drawLabels(g, axis, labels) {
  g.fillStyle = styleOf("--soft");
  g.textAlign = "right";
  for (const [text, y] of labels) g.fillText(text, axis.left - 6, y);
}

// Labels of the curve; the lowest and the highest are moved off its edges.
function curveLabels(top, height) {
  return [0.05, 0.5, 1].map((value) => [String(value), top + (1 - value) * height
    - (value === 0.05 ? 2 : 0) + (value === 1 ? 5 : 0)]);
}

function stripeLabels(scales, top, stripe = STRIPE) {
  return scales.map((s, j) => [`${s} s`, top + stripe * (j + 0.5)]);
}

function motifLabels(motifs, top) {
  return motifs.map((_, row) => [`#${row + 1}`, top + LANE * (row + 0.5)]);
}

// Calls back when colors change: by the button, or because the system turns dark.
function whenColorsChange(button, changed) {
  const system = window.matchMedia("(prefers-color-scheme: dark)");
  button.hidden = false;
  button.addEventListener("click", () => {
    const root = document.documentElement;
    const dark = root.dataset.theme ? root.dataset.theme === "dark" : system.matches;
    root.dataset.theme = dark ? "light" : "dark";
    button.setAttribute("aria-pressed", String(!dark));
    changed();
  });
  system.addEventListener("change", changed);
}
