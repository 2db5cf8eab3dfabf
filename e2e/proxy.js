// A TCP proxy before the gallery that can be cut, also after so many bytes more of an answer, can lose or delay what passes, and
// can answer itself, or change (`rewrite`) what is asked.

import { createServer, connect } from "node:net";

export async function proxy(stage) {
  const pairs = new Set();
  const state = { isCut: false, losesAnswers: false, losesAll: false, truncateAfter: Infinity, delayMs: 0, bytesUp: 0, answer: () => {} };
  const server = createServer((client) => {
    if (state.isCut) return client.destroy();
    const upstream = connect(stage.gallery.port, "127.0.0.1");
    const pair = [client, upstream];
    pairs.add(pair);
    client.on("data", (bytes) => {
      state.bytesUp += bytes.length;
      const answer = state.answer(bytes);
      if (answer) client.end(answer);
      else if (!state.losesAll) upstream.write(state.rewrite ? Buffer.from(state.rewrite(bytes.toString("latin1")), "latin1") : bytes);
    });
    upstream.on("data", (bytes) => {
      if (state.losesAnswers || state.losesAll) return;
      state.truncateAfter -= bytes.length;
      if (state.truncateAfter < 0) return client.write(bytes.subarray(0, state.truncateAfter), state.cut);
      setTimeout(() => client.writable && client.write(bytes), state.delayMs);
    });
    for (const [one, other] of [pair, pair.toReversed()]) {
      one.on("error", () => {});
      one.on("close", () => {
        other.destroy();
        pairs.delete(pair);
      });
    }
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  state.url = `http://127.0.0.1:${server.address().port}`;
  state.cut = () => {
    state.isCut = true;
    for (const [client] of pairs) client.destroy();
  };
  state.mend = () => Object.assign(state, { isCut: false, losesAnswers: false, losesAll: false, truncateAfter: Infinity });
  stage.cleanup(() => {
    state.cut();
    return new Promise((resolve) => server.close(resolve));
  });
  return state;
}

/**
 * A browser says so itself, whatever a page does. The last two are of a page that asks the socket's address why no socket opens, and
 * is answered because all is well again; any other answer of that status names its address.
 */
export const CONNECTION_FAULTS = new RegExp(
  [
    "WebSocket connection to .* failed",
    "ERR_(CONNECTION|SOCKET_NOT_CONNECTED|EMPTY_RESPONSE|NETWORK|INTERNET_DISCONNECTED)",
    "response: \\S*/socket(\\?deflate)? 400$",
    "console: Failed to load resource: .* status of 400",
  ].join("|"),
);
