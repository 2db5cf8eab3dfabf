// Compressed messages: specs/protocol.md, clause 8. The browser has the decoder. Loaded when the first one comes (link.js).

/**
 * The frame of a message that begins with a 0. What can't be inflated, or to more than it says, stays as it is: no
 * frame begins so, which the client takes for a reason to leave the socket and come back.
 */
export async function inflated(bytes) {
  try {
    // The number's first byte is 0, which bounds it. The rest is filled with what comes, and takes no more.
    const frame = new Uint8Array(new DataView(bytes.buffer).getUint32(0));
    const { readable, writable } = new DecompressionStream("deflate-raw");
    const writer = writable.getWriter();
    // What is wrong with it is told to the reader as well.
    writer.write(bytes.subarray(4)).catch(() => {});
    writer.close().catch(() => {});
    const reader = readable.getReader();
    for (let at = 0, part; !(part = await reader.read()).done; at += part.value.length) frame.set(part.value, at);
    return frame;
  } catch {
    return bytes;
  }
}
