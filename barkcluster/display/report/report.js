// One chart a session: levels, familiarity, a stripe a scale, motifs; zoomed and read by pointer,
// touch and keyboard. The numbers come from the JSON element beside it. Stands behind chart.js.

const LEVELS_HEIGHT = 84, CURVE_HEIGHT = 116;

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
    this.say("The least familiar moment: ");
  }

  get lanes() {
    const { scales, motifs } = this.data;
    const top = LEVELS_HEIGHT + GAP, stripes = top + CURVE_HEIGHT + GAP;
    const motifsAt = stripes + STRIPE * scales.length + (motifs.length ? GAP : 0);
    return { curve: top, stripes, motifs: motifsAt,
      axis: motifsAt + LANE * motifs.length, height: motifsAt + LANE * motifs.length + AXIS };
  }

  get axis() {
    const width = this.canvas.clientWidth;
    return new TimeAxis(...this.view, width < 500 ? 40 : 54, width);
  }
  get span() { return this.view[1] - this.view[0]; }

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

  say(before = "") {
    const { times, familiarity, by_scale: byScale, scales } = this.data, i = this.cursor;
    const parts = scales.map((s, j) => `${s} s: ${figure(byScale[j][i])}`);
    this.output.textContent = `${before}${clock(times[i])}: familiarity ${figure(familiarity[i])}. `
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
      this.zoom(Math.exp(-(event.deltaY || event.deltaX) / 250), this.axis.timeAt(event.offsetX));
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
      const after = [...this.pointers.values()], { width } = this.axis;
      if (before.length > 1) {
        const wide = Math.max(10, Math.abs(before[0] - before[1]));
        this.zoom(Math.max(10, Math.abs(after[0] - after[1])) / wide,
          this.axis.timeAt((after[0] + after[1]) / 2));
      } else {
        const shift = (before[0] - after[0]) / width * this.span;
        this.look(this.view[0] + shift, this.view[1] + shift);
      }
    });
    for (const end of ["pointerup", "pointercancel"]) {
      canvas.addEventListener(end, (event) => {
        if (end === "pointerup" && this.pointers.size === 1 && this.moved < 5) {
          this.point(this.axis.timeAt(event.offsetX));
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
    const { canvas, data, lanes, axis } = this;
    const g = contextOf(canvas, lanes.height);
    if (!g) return;
    g.save();
    g.beginPath();
    g.rect(axis.left, 0, axis.width, lanes.height);
    g.clip();
    g.imageSmoothingEnabled = false;
    const first = axis.x(data.start), last = axis.x(data.start + data.levels.duration);
    g.drawImage(this.image, first, 0, last - first, LEVELS_HEIGHT);
    this.drawLearned(g, axis, lanes);
    drawTimes(g, axis, lanes.curve, lanes.axis);
    drawCurve(g, axis, data, lanes.curve, CURVE_HEIGHT);
    drawStripes(g, axis, data, lanes.stripes);
    drawMotifs(g, axis, data.motifs, lanes.motifs);
    const at = axis.x(data.times[this.cursor]);
    g.strokeStyle = styleOf("--cursor");
    g.lineWidth = 1.5;
    g.beginPath();
    g.moveTo(at, 0);
    g.lineTo(at, lanes.axis);
    g.stroke();
    g.restore();
    drawLabels(g, axis, [["Bark", LEVELS_HEIGHT / 2], ...curveLabels(lanes.curve, CURVE_HEIGHT),
      ...stripeLabels(data.scales, lanes.stripes), ...motifLabels(data.motifs, lanes.motifs)]);
    this.showHere();
  }

  drawLearned(g, axis, lanes) {
    if (!this.data.learned) return;
    const first = axis.x(this.data.start), last = axis.x(this.data.start + this.data.learned);
    g.fillStyle = styleOf("--grid");
    g.fillRect(first, lanes.curve, last - first,
      CURVE_HEIGHT + GAP + STRIPE * this.data.scales.length);
    g.fillStyle = styleOf("--soft");
    g.textAlign = "left";
    const from = Math.max(first, axis.left) + 6;
    if (last - from > 60) {
      g.fillText("learned", from, lanes.curve + CURVE_HEIGHT / 2);
    }
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
whenColorsChange(document.getElementById("theme"), () => charts.forEach((chart) => chart.draw()));
