// The floor: what a person writes who needs this one page and nothing else. The rows live here,
// the changes travel as JSON over a WebSocket, and the page's script knows what each means.

import { createReadStream } from "node:fs";
import { createServer } from "node:http";
import { WebSocketServer } from "ws";
import { Labels } from "./labels.js";

const TYPES = { html: "text/html; charset=utf-8", js: "text/javascript; charset=utf-8" };
const FILES = { "/rows": "rows.html", "/rows.js": "rows.js", "/counter": "counter.html", "/counter.js": "counter.js" };

const server = createServer((request, response) => {
  const file = FILES[request.url];
  if (!file) return response.writeHead(404).end();
  response.writeHead(200, { "content-type": TYPES[file.split(".").at(-1)] });
  createReadStream(new URL(file, import.meta.url)).pipe(response);
});

new WebSocketServer({ server }).on("connection", (socket, request) => {
  const answer = request.url === "/counter" ? counter() : rows();
  socket.on("message", (data) => {
    const change = answer(JSON.parse(data));
    if (change) socket.send(JSON.stringify(change));
  });
});

function counter() {
  let count = 0;
  return ({ by }) => ({ count: (count += by) });
}

function rows() {
  const labels = new Labels();
  let list = [];
  const create = (count) => ({ create: (list = labels.rows(count)).map(({ id, label }) => [id, label]) });
  const commands = {
    run: () => create(1_000),
    runlots: () => create(10_000),
    add() {
      const added = labels.rows(1_000);
      list.push(...added);
      return { append: added.map(({ id, label }) => [id, label]) };
    },
    update() {
      const changed = list.filter((_, index) => index % 10 === 0);
      for (const row of changed) row.label += " !!!";
      return { update: changed.map(({ id, label }) => [id, label]) };
    },
    clear() {
      list = [];
      return { clear: true };
    },
    swaprows() {
      if (list.length <= 998) return undefined;
      [list[1], list[998]] = [list[998], list[1]];
      return { swap: [list[1].id, list[998].id] };
    },
    select: (id) => ({ select: id }),
    remove(id) {
      list = list.filter((row) => row.id !== id);
      return { remove: id };
    },
  };
  return ({ do: name, id }) => commands[name](id);
}

server.listen(0, "127.0.0.1", () => console.log(`The floor is at http://127.0.0.1:${server.address().port}`));
