"use strict";
// One chart a session: levels, familiarity, a stripe a scale, motifs; zoomed and read by pointer,
// touch and keyboard. The numbers come from the JSON element beside it.

const MOTIF_COLORS = ["#3f8fd2", "#e08a2e", "#4aa564", "#c65b9a", "#8c7bd6", "#b59a2b", "#52aab0",
  "#d0695a"];
const LEVELS_HEIGHT = 84, CURVE_HEIGHT = 116, STRIPE = 15, LANE = 13, GAP = 8, AXIS = 24;

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

function levelsImage(data) {
  const raw = atob(data.levels.pixels), image = document.createElement("canvas");
  image.width = data.levels.columns;
  image.height = data.levels.bands;
  const context = image.getContext("2d"), pixels = context.createImageData(image.width, image.height);
  for (let x = 0; x < image.width; x++) {
    for (let band = 0; band < image.height; band++) {
      const v = raw.charCodeAt(x * image.height + band) / 255;
      const at = 4 * ((image.height - 1 - band) * image.width + x);
      pixels.data[at] = 255 * Math.min(1, 0.04 + 1.5 * v);
      pixels.data[at + 1] = 255 * Math.max(0, 1.5 * v * v - 0.25 * v);
      pixels.data[at + 2] = 255 * (0.12 + 0.75 * v * (1.25 - v));
      pixels.data[at + 3] = 255;
    }
  }
  context.putImageData(pixels, 0, 0);
  return image;
}

class Chart {
  constructor(section) {
    this.section = section;
    this.data = JSON.parse(section.querySelector("script[type='application/json']").textContent);
    this.canvas = section.querySelector("canvas");
    this.output = section.querySelector("output");
    this.marker = section.querySelector("svg .here");
    this.image = levelsImage(this.data);
    this.stop = this.data.start + this.data.duration;
    this.view = [this.data.start, this.stop];
    this.cursor = this.data.times.indexOf(this.data.strangest);
    if (this.cursor < 0) this.cursor = 0;
    this.pointers = new Map();
    this.listen();
    new ResizeObserver(() => this.draw()).observe(this.canvas);
    this.draw();
  }

  get lanes() {
    const { scales, motifs } = this.data;
    const top = LEVELS_HEIGHT + GAP, stripes = top + CURVE_HEIGHT + GAP;
    const motifsAt = stripes + STRIPE * scales.length + (motifs.length ? GAP : 0);
    return { curve: top, stripes, motifs: motifsAt,
      axis: motifsAt + LANE * motifs.length, height: motifsAt + LANE * motifs.length + AXIS };
  }

  get left() { return this.canvas.clientWidth < 500 ? 40 : 54; }
  get span() { return this.view[1] - this.view[0]; }
  x(time) { return this.left + (time - this.view[0]) / this.span * (this.canvas.clientWidth - this.left); }
  timeAt(x) {
    return this.view[0] + (x - this.left) / (this.canvas.clientWidth - this.left) * this.span;
  }

  look(start, stop) {
    const least = Math.min(this.data.duration, 2);
    const span = Math.min(this.data.duration, Math.max(least, stop - start));
    const from = Math.min(Math.max(this.data.start, (start + stop - span) / 2), this.stop - span);
    this.view = [from, from + span];
    this.draw();
  }

  zoom(factor, around = null) {
    const at = around ?? Math.min(Math.max(this.data.times[this.cursor], this.view[0]), this.view[1]);
    const share = (at - this.view[0]) / this.span, span = this.span / factor;
    this.look(at - share * span, at + (1 - share) * span);
  }

  point(time, say = true) {
    const times = this.data.times;
    let low = 0, high = times.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (times[middle] < time) low = middle + 1; else high = middle;
    }
    this.cursor = low > 0 && time - times[low - 1] < times[low] - time ? low - 1 : low;
    const now = times[this.cursor];
    if (now < this.view[0] || now > this.view[1]) {
      this.look(now - this.span / 2, now + this.span / 2);
    }
    this.draw();
    if (say) this.say();
  }

  say() {
    const { times, familiarity, by_scale: byScale, scales } = this.data, i = this.cursor;
    const parts = scales.map((s, j) => `${s} s: ${figure(byScale[j][i])}`);
    this.output.textContent = `${clock(times[i])}: familiarity ${figure(familiarity[i])}. `
      + `By window length, ${parts.join(", ")}.`;
  }

  listen() {
    const { section, canvas } = this;
    const act = {
      in: () => this.zoom(2), out: () => this.zoom(0.5), all: () => this.look(this.data.start, this.stop),
      back: () => this.look(this.view[0] - this.span / 3, this.view[1] - this.span / 3),
      on: () => this.look(this.view[0] + this.span / 3, this.view[1] + this.span / 3),
      table: () => this.download(),
    };
    for (const button of section.querySelectorAll("button[data-act]")) {
      button.addEventListener("click", () => act[button.dataset.act]());
    }
    for (const button of section.querySelectorAll("button.time")) {
      button.addEventListener("click", () => {
        const start = Number(button.dataset.start), stop = Number(button.dataset.stop);
        const margin = Math.max(3, stop - start);
        this.look(start - margin, stop + margin);
        this.point(stop);
        canvas.scrollIntoView({ block: "center" });
      });
    }
    canvas.addEventListener("keydown", (event) => {
      const step = event.shiftKey ? this.span / 10 : Math.max(this.data.step, this.span / 200);
      const now = this.data.times[this.cursor];
      const keys = {
        ArrowLeft: () => this.point(now - step), ArrowRight: () => this.point(now + step),
        Home: () => this.point(this.data.times[0]), End: () => this.point(this.data.times.at(-1)),
        "+": act.in, "=": act.in, "-": act.out, 0: act.all,
      };
      if (keys[event.key] && !event.ctrlKey && !event.metaKey && !event.altKey) {
        event.preventDefault();
        keys[event.key]();
      }
    });
    canvas.addEventListener("wheel", (event) => {
      if (!event.ctrlKey && !event.shiftKey) return;   // the page scrolls
      event.preventDefault();
      this.zoom(Math.exp(-(event.deltaY || event.deltaX) / 250), this.timeAt(event.offsetX));
    }, { passive: false });
    canvas.addEventListener("pointerdown", (event) => {
      canvas.setPointerCapture(event.pointerId);
      this.pointers.set(event.pointerId, event.offsetX);
      this.moved = 0;
    });
    canvas.addEventListener("pointermove", (event) => {
      if (!this.pointers.has(event.pointerId)) return;
      const before = [...this.pointers.values()];
      this.moved += Math.abs(event.offsetX - this.pointers.get(event.pointerId));
      this.pointers.set(event.pointerId, event.offsetX);
      const after = [...this.pointers.values()], width = canvas.clientWidth - this.left;
      if (before.length > 1) {
        const wide = Math.max(10, Math.abs(before[0] - before[1]));
        this.zoom(Math.max(10, Math.abs(after[0] - after[1])) / wide,
          this.timeAt((after[0] + after[1]) / 2));
      } else {
        const shift = (before[0] - after[0]) / width * this.span;
        this.look(this.view[0] + shift, this.view[1] + shift);
      }
    });
    for (const end of ["pointerup", "pointercancel"]) {
      canvas.addEventListener(end, (event) => {
        if (end === "pointerup" && this.pointers.size === 1 && this.moved < 5) {
          this.point(this.timeAt(event.offsetX));
        }
        this.pointers.delete(event.pointerId);
      });
    }
  }

  download() {
    const { times, familiarity, by_scale: byScale, scales } = this.data;
    const rows = [["time_s", "familiarity", ...scales.map((s) => `scale_${s}s`)].join(",")];
    times.forEach((time, i) => rows.push(
      [time, familiarity[i], ...byScale.map((column) => column[i] ?? "")].join(",")));
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([`${rows.join("\n")}\n`], { type: "text/csv" }));
    link.download = "timeline.csv";
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  }

  draw() {
    const { canvas, data, lanes } = this;
    canvas.style.height = `${lanes.height}px`;
    const ratio = window.devicePixelRatio || 1, width = canvas.clientWidth;
    if (!width) return;
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(lanes.height * ratio);
    const g = canvas.getContext("2d");
    g.scale(ratio, ratio);
    g.font = "12px system-ui, sans-serif";
    g.textBaseline = "middle";
    const palette = Object.fromEntries(["strange", "typical", "known"].map(
      (name) => [name, styleOf(`--${name}`).split(",").map(Number)]));
    const ink = styleOf("--soft"), grid = styleOf("--grid");
    const label = (text, y) => {
      g.fillStyle = ink;
      g.textAlign = "right";
      g.fillText(text, this.left - 6, y);
    };
    g.save();
    g.beginPath();
    g.rect(this.left, 0, width - this.left, lanes.height);
    g.clip();
    g.imageSmoothingEnabled = false;
    const first = this.x(data.start);
    const last = this.x(data.start + data.levels.duration);
    g.drawImage(this.image, first, 0, last - first, LEVELS_HEIGHT);
    this.drawLearned(g, lanes, grid);
    this.drawAxis(g, lanes, ink, grid);
    this.drawFamiliarity(g, lanes, palette);
    data.motifs.forEach((motif, row) => {
      g.fillStyle = MOTIF_COLORS[row % MOTIF_COLORS.length];
      for (const start of motif.starts) {
        g.fillRect(this.x(start), lanes.motifs + LANE * row + 2,
          Math.max(2, motif.length / this.span * (width - this.left) - 1), LANE - 4);
      }
    });
    const at = this.x(data.times[this.cursor]);
    g.strokeStyle = styleOf("--cursor");
    g.lineWidth = 1.5;
    g.beginPath();
    g.moveTo(at, 0);
    g.lineTo(at, lanes.axis);
    g.stroke();
    g.restore();
    label("Bark", LEVELS_HEIGHT / 2);
    for (const value of [0.05, 0.5, 1]) {
      label(String(value), lanes.curve + (1 - value) * CURVE_HEIGHT - (value === 0.05 ? 2 : 0)
        + (value === 1 ? 5 : 0));
    }
    data.scales.forEach((s, j) => label(`${s} s`, lanes.stripes + STRIPE * (j + 0.5)));
    data.motifs.forEach((_, row) => {
      g.fillStyle = ink;
      label(`#${row + 1}`, lanes.motifs + LANE * (row + 0.5));
    });
    this.showHere();
  }

  drawLearned(g, lanes, grid) {
    if (!this.data.learned) return;
    const first = this.x(this.data.start), last = this.x(this.data.start + this.data.learned);
    g.fillStyle = grid;
    g.fillRect(first, lanes.curve, last - first,
      CURVE_HEIGHT + GAP + STRIPE * this.data.scales.length);
    g.fillStyle = styleOf("--soft");
    g.textAlign = "left";
    const from = Math.max(first, this.left) + 6;
    if (last - from > 60) {
      g.fillText("learned", from, lanes.curve + CURVE_HEIGHT / 2);
    }
  }

  drawAxis(g, lanes, ink, grid) {
    const width = this.canvas.clientWidth - this.left;
    const steps = [0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600];
    const step = steps.find((s) => s / this.span * width > 64) ?? 7200;
    g.textAlign = "center";
    for (let t = Math.ceil(this.view[0] / step) * step; t <= this.view[1]; t += step) {
      g.fillStyle = grid;
      g.fillRect(this.x(t), lanes.curve, 1, lanes.axis - lanes.curve);
      g.fillStyle = ink;
      const half = g.measureText(clock(t, step < 1 ? 1 : 0)).width / 2;
      const x = Math.min(Math.max(this.x(t), this.left + half), this.left + width - half);
      g.fillText(clock(t, step < 1 ? 1 : 0), x, lanes.axis + AXIS / 2 + 2);
    }
  }

  drawFamiliarity(g, lanes, palette) {
    const { times, familiarity, by_scale: byScale, step } = this.data;
    const from = Math.max(0, times.findIndex((t) => t >= this.view[0]) - 1);
    const past = times.findIndex((t) => t > this.view[1] + step);
    const to = past < 0 ? times.length : past;
    const y = (value) => lanes.curve + (1 - value) * CURVE_HEIGHT;
    g.strokeStyle = styleOf("--alarm");
    g.setLineDash([3, 3]);
    g.beginPath();
    g.moveTo(this.left, y(0.05));
    g.lineTo(this.canvas.clientWidth, y(0.05));
    g.stroke();
    g.setLineDash([]);
    g.strokeStyle = styleOf("--curve");
    g.lineWidth = 1.4;
    g.lineJoin = "round";
    g.beginPath();
    for (let i = from; i < to; i++) {
      // A pause is no line.
      const follows = i > from && times[i] - times[i - 1] < 1.5 * step;
      g[follows ? "lineTo" : "moveTo"](this.x(times[i]), y(familiarity[i]));
    }
    g.stroke();
    // A column of dots is as strange as the strangest moment in it.
    byScale.forEach((column, j) => {
      const worst = new Map();
      for (let i = from; i < to; i++) {
        if (column[i] === null) continue;
        const start = Math.floor(this.x(times[i] - step)), stop = Math.ceil(this.x(times[i]));
        for (let x = Math.max(start, this.left - 1); x < stop; x++) {
          worst.set(x, Math.min(worst.get(x) ?? 1, column[i]));
        }
      }
      for (const [x, value] of worst) {
        g.fillStyle = colorOf(value, palette);
        g.fillRect(x, lanes.stripes + STRIPE * j, 1, STRIPE - 1);
      }
    });
  }

  showHere() {
    const { path } = this.data;
    if (!this.marker || !path) return;
    const time = this.data.times[this.cursor];
    let best = 0;
    path.times.forEach((t, i) => {
      if (Math.abs(t - time) < Math.abs(path.times[best] - time)) best = i;
    });
    this.marker.setAttribute("cx", path.x[best]);
    this.marker.setAttribute("cy", path.y[best]);
  }
}

const charts = [...document.querySelectorAll("section.session")].map((s) => new Chart(s));
const theme = document.getElementById("theme");
theme.hidden = false;
theme.addEventListener("click", () => {
  const root = document.documentElement;
  const dark = root.dataset.theme ? root.dataset.theme === "dark"
    : window.matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = dark ? "light" : "dark";
  theme.setAttribute("aria-pressed", String(!dark));
  charts.forEach((chart) => chart.draw());
});
window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  charts.forEach((chart) => chart.draw());
});
