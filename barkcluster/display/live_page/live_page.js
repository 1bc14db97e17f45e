// What a performer glances at, a section a player; the server says what is new over a socket.
// Stands behind chart.js.

const CURVE_HEIGHT = 120, LIVE_STRIPE = 20;
// A server says something every two seconds, if only that it is there.
const SILENT_MS = 6000, LEAST_WAIT_MS = 500, MOST_WAIT_MS = 4000, SURE_MS = 4000;
// Up to each of these, and what it is called.
const LIKE = [[0.05, "strange"], [0.2, "unusual"], [0.7, "as usual"], [Infinity, "heard before"]];
const YOUNG_S = 60;

class Player {
  constructor(number, said) {
    this.number = number;
    const copy = document.getElementById("player").content.cloneNode(true);
    this.section = copy.querySelector("section");
    this.canvas = copy.querySelector("canvas");
    this.motifs = [];
    this.status = null;
    this.likest = null;
    this.data = { times: [], familiarity: [], by_scale: said.scales.map(() => []),
      scales: said.scales, step: 0.1 };
    if (said.name) {
      const title = copy.querySelector("h2");
      title.hidden = false;
      title.firstChild.textContent = said.name;
    }
    for (const button of copy.querySelectorAll("button[data-word]")) {
      button.addEventListener("click", () => this.press(button));
    }
    document.getElementById("main").append(copy);
    new ResizeObserver(drawSoon).observe(this.canvas);
  }

  hear(said, mostRows) {
    const { data } = this;
    if ("forgotten" in said) {
      for (const column of [data.times, data.familiarity, ...data.by_scale]) column.length = 0;
    }
    for (const [time, familiarity, ...scales] of said.rows ?? []) {
      data.times.push(time);
      data.familiarity.push(familiarity);
      data.by_scale.forEach((column, j) => column.push(scales[j] ?? null));
    }
    const extra = data.times.length - mostRows;
    if (extra > 0) {
      for (const column of [data.times, data.familiarity, ...data.by_scale]) {
        column.splice(0, extra);
      }
    }
    for (const fact of ["status", "motifs", "likest"]) if (fact in said) this[fact] = said[fact];
    this.write();
  }

  press(button) {
    // What was gathered is not thrown away by a slip of the thumb.
    if (button.dataset.word === "reset" && !button.dataset.sure) {
      button.dataset.sure = "yes";
      button.textContent = "Forget all: sure?";
      setTimeout(() => this.calm(button), SURE_MS);
      return;
    }
    this.calm(button);
    send({ token, player: this.number, word: button.dataset.word });
  }

  calm(button) {
    if (button.dataset.sure) {
      delete button.dataset.sure;
      button.textContent = "Begin anew";
    }
  }

  set(name, text) { this.section.querySelector(`[data-fact="${name}"]`).textContent = text; }

  write() {
    const { status } = this;
    if (!status) return;
    this.writeNow();
    this.set("tempo", status.bpm === null ? "–"
      : `${status.bpm.toFixed(0)} bpm, ${Math.round(100 * status.sure)} % sure`);
    this.set("likest", this.likest === null ? "–" : clock(this.likest, 0));
    this.set("model", status.age === null ? "none yet"
      : `${clock(status.known, 0)} known, ${clock(status.age, 0)} old`);
    this.set("state", status.state);
    this.set("heard", clock(status.heard, 0));
    for (const name of ["received", "late", "rejected", "gaps"]) this.set(name, status[name]);
    const troubles = [...status.troubles];
    if (status.elsewhere) troubles.push(`${status.elsewhere} frames to another address`);
    if (status.reason) troubles.push(`last rejected: ${status.reason}`);
    const trouble = this.section.querySelector(".trouble");
    trouble.hidden = !troubles.length;
    trouble.textContent = troubles.join("; ");
    const pause = this.section.querySelector("[data-word='pause'], [data-word='go on']");
    pause.dataset.word = status.paused ? "go on" : "pause";
    pause.textContent = status.paused ? "Go on" : "Pause";
    this.say(status.message);
    const list = this.section.querySelector(".motifs");
    list.replaceChildren(...(this.motifs.length ? this.motifs.map((motif, row) => {
      const name = document.createElement("span");
      name.className = "name";
      name.textContent = `#${row + 1}: ${motif.length.toFixed(1)} s, ${motif.starts.length} times, `
        + `last ${clock(motif.starts.at(-1), 0)}`;
      return name;
    }) : ["No motifs yet."]));
  }

  writeNow() {
    const { status } = this, now = this.section.querySelector(".now");
    const latest = this.data.familiarity.at(-1) ?? null;
    const known = status.state !== "silent" && status.age !== null ? latest : null;
    const like = known === null ? "unknown" : LIKE.find(([limit]) => known < limit)[1];
    const young = status.known !== null && status.known < YOUNG_S
      ? ` (only ${clock(status.known, 0)} known)` : "";
    now.dataset.like = like;
    now.style.borderColor = colorOf(known, paletteNow()) ?? "";
    this.put(now.querySelector(".value"), known === null ? "–" : known.toFixed(2));
    this.put(now.querySelector(".like"), known !== null ? like + young
      : status.state === "silent" ? `no frames for ${clock(status.silent, 0)}`
        : status.received ? "listening" : "waiting for frames");
  }

  // Only what changes: a reader of screens would say it all again.
  put(element, text) { if (element.textContent !== text) element.textContent = text; }
  say(text) { this.put(this.section.querySelector(".word"), text); }

  draw(span) {
    const { data, canvas, motifs } = this;
    const stripes = CURVE_HEIGHT + GAP, lanes = stripes + LIVE_STRIPE * data.scales.length + GAP;
    const bottom = lanes + LANE * motifs.length;
    const g = contextOf(canvas, bottom + AXIS);
    if (!g) return;
    // It fills from the left, then scrolls.
    const stop = Math.max((data.times[0] ?? 0) + span, data.times.at(-1) ?? 0);
    const axis = new TimeAxis(stop - span, stop, canvas.clientWidth < 500 ? 40 : 54,
      canvas.clientWidth);
    g.save();
    g.beginPath();
    g.rect(axis.left, 0, axis.width, bottom + AXIS);
    g.clip();
    drawTimes(g, axis, 0, bottom);
    drawMarks(g, axis, data.times.at(-1) ?? 0, bottom);
    drawCurve(g, axis, data, 0, CURVE_HEIGHT);
    drawStripes(g, axis, data, stripes, LIVE_STRIPE);
    drawMotifs(g, axis, motifs, lanes);
    g.restore();
    drawLabels(g, axis, [...curveLabels(0, CURVE_HEIGHT),
      ...stripeLabels(data.scales, stripes, LIVE_STRIPE), ...motifLabels(motifs, lanes)]);
  }
}

function drawMarks(g, axis, latest, bottom) {
  g.textAlign = "left";
  // What is still to come is no surprise if it is told. Neighbors' names stand on three lines.
  for (const [i, [start, stop, text]] of marks.entries()) {
    if (start > latest || stop < axis.start) continue;
    g.fillStyle = styleOf("--grid");
    g.fillRect(axis.x(start), 0, axis.x(stop) - axis.x(start), bottom);
    g.fillStyle = styleOf("--soft");
    const from = Math.max(axis.x(start), axis.left) + 4;
    g.fillText(text, Math.min(from, axis.right - g.measureText(text).width - 4), 8 + 14 * (i % 3));
  }
}

const players = new Map();
const link = document.getElementById("link");
const spanChoice = document.getElementById("span");
let socket = null, wait = LEAST_WAIT_MS, lastHeard = 0, mostRows = 0, drawing = false, marks = [];
let token = tokenIn(location.hash);

// Whoever copies an address may cut it short: the page is there all the same.
function tokenIn(hash) {
  try {
    return decodeURIComponent(hash.slice(1));
  } catch {
    return hash.slice(1);
  }
}

function drawSoon() {
  if (drawing) return;
  drawing = true;
  requestAnimationFrame(() => {
    drawing = false;
    for (const player of players.values()) player.draw(Number(spanChoice.value));
  });
}

function receive(said) {
  if (said.run) {
    players.clear();
    document.getElementById("main").replaceChildren();
    mostRows = said.most_rows;
    marks = said.marks;
  }
  if ("said" in said) answered(said.said);
  for (const [number, news] of Object.entries(said.players ?? {})) {
    if (!players.has(number)) players.set(number, new Player(Number(number), news));
    players.get(number).hear(news, mostRows);
  }
  drawSoon();
}

function connect() {
  socket = new WebSocket(`ws://${location.host}/live`);
  const mine = socket;
  lastHeard = performance.now();
  mine.onmessage = (event) => {
    lastHeard = performance.now();
    wait = LEAST_WAIT_MS;
    show("Connected.", "there");
    receive(JSON.parse(event.data));
  };
  mine.onclose = () => lost(mine);
}

function lost(which) {
  if (socket !== which) return;
  socket = null;
  show("Connection lost: what stands here is old. Trying again.", "lost");
  setTimeout(connect, wait);
  wait = Math.min(2 * wait, MOST_WAIT_MS);
}

function show(text, state) {
  if (link.textContent !== text) link.textContent = text;
  link.dataset.state = state;
}

function send(message) {
  if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message));
}

function answered(text) {
  const unlock = document.getElementById("unlock");
  unlock.hidden = text !== "token";
  if (text === "token") {
    unlock.scrollIntoView({ block: "nearest" });
    document.getElementById("token").focus();
  }
}

document.getElementById("unlock").addEventListener("submit", (event) => {
  event.preventDefault();
  token = document.getElementById("token").value.trim().replace(/^.*#/, "");
  history.replaceState(null, "", `#${encodeURIComponent(token)}`);
  event.target.hidden = true;
});
window.addEventListener("hashchange", () => { token = tokenIn(location.hash); });
spanChoice.addEventListener("change", drawSoon);
whenColorsChange(document.getElementById("theme"), drawSoon);
// A machine that slept, or a network that went, may leave a socket that says nothing.
setInterval(() => {
  const old = socket;
  if (!old || performance.now() - lastHeard < SILENT_MS) return;
  lost(old);
  old.close();
}, 1000);
document.addEventListener("visibilitychange", drawSoon);
connect();
