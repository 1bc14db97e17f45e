// Sends 25 levels in dB, 100 times a second, to barkcluster live; takes familiarity back.
//
//     barkcluster live --in osc://127.0.0.1:7400/bark --out osc://127.0.0.1:7401
//     node barkcluster.js                  a test signal; other ports: node barkcluster.js 7500 7501
//     node barkcluster.js 7400 7401 8080   what a browser at http://127.0.0.1:8080 hears
//
// Needs Node.js 18 or later, nothing else: an OSC message is 20 lines of code.
"use strict";
const dgram = require("node:dgram");
const fs = require("node:fs");
const http = require("node:http");
const path = require("node:path");

const LOCAL = "127.0.0.1";
const [port, back, web] = [2, 3, 4].map((i) => Number(process.argv[i] || [7400, 7401, 0][i - 2]));

// Text in OSC ends in one to four zeros, so that four bytes fit in evenly.
const padded = (text) => Buffer.concat([Buffer.from(text), Buffer.alloc(4 - (text.length % 4))]);

function encode(address, numbers) {
  const values = Buffer.alloc(4 * numbers.length);
  numbers.forEach((number, i) => values.writeFloatBE(number, 4 * i));
  return Buffer.concat([padded(address), padded("," + "f".repeat(numbers.length)), values]);
}

function decode(message) {
  let at = 0;
  const text = () => {
    const end = message.indexOf(0, at);
    const word = message.toString("utf8", at, end);
    at = end + 4 - ((end - at) % 4);
    return word;
  };
  const [address, tags] = [text(), text()];
  const values = [...tags.slice(1)].map((tag) => {
    if (tag === "s") return text();
    at += 4;
    return tag === "i" ? message.readInt32BE(at - 4) : message.readFloatBE(at - 4);
  });
  return { address, values };
}

function end(error) {
  console.error(error.code === "EADDRINUSE" ? `Port ${error.port} is taken.` : error.message);
  process.exit(1);
}

const out = dgram.createSocket("udp4");
const send = (levels) => out.send(encode("/bark", levels), port, LOCAL);

const pages = new Set(); // browsers that listen
const heard = dgram.createSocket("udp4");
heard.on("message", (message) => {
  const { address, values } = decode(message);
  if (address !== "/familiarity") return;
  console.log("familiarity", values[0]);
  for (const page of pages) page.write(`data: ${values[0]}\n\n`);
});
heard.on("error", end).bind(back, LOCAL);

if (web) serve(web);
else playTestSignal();

// A wave through the bands. setInterval drifts: count how many are due.
function playTestSignal() {
  const start = performance.now();
  let sent = 0;
  setInterval(() => {
    for (; sent < (performance.now() - start) / 10; sent++) {
      send(Array.from({ length: 25 }, (_, band) =>
        -50 + 20 * Math.sin((2 * Math.PI * sent) / 100 + band / 4)));
    }
  }, 5);
}

// A browser can send no UDP: barkcluster.html posts its frames here, lines of 25 numbers.
function serve(at) {
  const own = [`${LOCAL}:${at}`, `localhost:${at}`];
  http.createServer((request, response) => {
    const { host, origin } = request.headers;
    // Other pages that are open in the browser have no business here.
    if (!own.includes(host) || (origin && !own.includes(origin.replace("http://", "")))) {
      response.writeHead(403).end();
    } else if (request.method === "POST" && request.url === "/frames") {
      let text = "";
      request.on("data", (piece) => {
        text += piece;
        if (text.length > 100000) request.destroy();
      });
      request.on("end", () => {
        for (const line of text.split("\n").filter(Boolean)) send(line.split(" ").map(Number));
        response.writeHead(204).end();
      });
    } else if (request.url === "/answers") {
      response.writeHead(200, { "Content-Type": "text/event-stream" }).flushHeaders();
      pages.add(response);
      request.on("close", () => pages.delete(response));
    } else {
      response.writeHead(200, { "Content-Type": "text/html; charset=utf-8" });
      fs.createReadStream(path.join(__dirname, "barkcluster.html")).pipe(response);
    }
  }).on("error", end).listen(at, LOCAL, () => console.log(`listening on http://${LOCAL}:${at}`));
}
