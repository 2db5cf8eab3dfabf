// A socket that answers Phoenix LiveView's own client with the frames that its server once sent
// (bench/data/liveview-frames.json.gz): nothing is computed but the numbers of the messages.

import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { gunzipSync } from "node:zlib";
import { WebSocketServer } from "ws";
import { at, members } from "./raw.js";

const shipped = (path) => new URL(`../node_modules/${path}`, import.meta.url);
const FILES = {
  "/assets/phoenix/phoenix.min.js": shipped("phoenix/priv/static/phoenix.min.js"),
  "/assets/live_view/phoenix_live_view.min.js": shipped("phoenix_live_view/priv/static/phoenix_live_view.min.js"),
};

const text = gunzipSync(readFileSync(new URL("../../data/liveview-frames.json.gz", import.meta.url))).toString();
const variants = new Map(members(at(text, "variants")).map(([name, raw]) => [name, variant(raw)]));

function variant(raw) {
  const payloadOf = (frame) => members(frame)[4][1];
  const replies = new Map(
    members(at(raw, "ops")).map(([, op]) => {
      const frames = members(at(op, "frames"));
      if (frames.length !== 1) throw new Error("an operation was answered by more than one frame");
      return [JSON.parse(at(op, "op")), payloadOf(frames[0][1])];
    }),
  );
  if (replies.has("add")) replies.set("replace", replace(replies.get("add")));
  return { page: JSON.parse(at(raw, "page")), join: payloadOf(at(raw, "join")), replies };
}

/**
 * "Replace" was not recorded. All of its rows are new, as the appended ones are, so it is made of
 * what the server sent for these, in their places: by index, or in a stream that is reset.
 */
function replace(add) {
  const diff = at(add, "response", "diff", "1");
  const changed = members(diff).map(([name, raw]) => {
    if (name === "stream") return [name, raw.replace(/\]$/, ",true]")];
    if (name !== "k" || diff.includes('"stream"')) return [name, raw];
    const rows = members(raw).map(([key, row]) => (key === "kc" ? [key, "1000"] : [String(key - 1000), row]));
    return [name, object(rows)];
  });
  return add.replace(diff, () => object(changed));
}

function object(list) {
  return `{${list.map(([key, raw]) => `"${key}":${raw}`).join(",")}}`;
}

const server = createServer((request, response) => {
  const file = FILES[request.url];
  const page = variants.get(request.url.slice(1))?.page;
  if (file) response.writeHead(200, { "content-type": "text/javascript" }).end(readFileSync(file));
  else if (page) response.writeHead(200, { "content-type": "text/html; charset=utf-8" }).end(page);
  else response.writeHead(404).end();
});

new WebSocketServer({ server }).on("connection", (socket) => {
  let live;
  let isFilled = false;
  socket.on("message", (data) => {
    const [joinRef, ref, topic, event, payload] = JSON.parse(data);
    const reply = (raw) => {
      const head = [joinRef, ref, topic, "phx_reply"].map((one) => JSON.stringify(one)).join(",");
      socket.send(`[${head},${raw}]`);
    };
    if (event === "phx_join") {
      live = variants.get(new URL(payload.url).pathname.slice(1));
      isFilled = false;
      return reply(live.join);
    }
    if (event !== "event") return reply('{"status":"ok","response":{}}');
    const name = operation(payload, isFilled);
    const answer = live.replies.get(name);
    if (!answer) throw new Error(`no answer was recorded to ${name}`);
    isFilled = name !== "clear";
    reply(answer);
  });
});

/** Which recorded operation an event is. */
function operation({ event, value }, isFilled) {
  if (event === "run" && isFilled) return "replace";
  return value?.id ? `${event} ${value.id}` : event;
}

server.listen(0, "127.0.0.1", () => console.log(`The frames are at http://127.0.0.1:${server.address().port}`));
