// The WebAssembly half, and how calls cross between the halves: by the ABI of the wasm-bindgen that Cargo.lock names. Numbers cross as
// they are, bytes as where they lie and how many they are. What wasm-bindgen writes for that by itself is several times as large.
// The imports are those of client-wasm/src/page.rs, the exports those of client-wasm/src/lib.rs.

/** Loads the module. Its outputs are performed by `page`; its inputs are what this returns. */
export async function load(source, page) {
  let wasm;
  // The memory has another buffer whenever it has grown.
  const bytes = (at, length) => new Uint8Array(wasm.memory.buffer, at >>> 0, length);
  const words = (at, length) => new Uint32Array(wasm.memory.buffer, at >>> 0, length);

  /** Copies bytes to the other side, which owns them from then on. */
  const pass = (data) => {
    const { length } = data;
    const at = wasm.__wbindgen_malloc(length, 1);
    bytes(at, length).set(data);
    return [at, length];
  };

  const imports = {
    connect: () => page.link.connect(),
    disconnect: () => page.link.disconnect(),
    schedule: (due) => page.link.schedule(due),
    transmit: (...frame) => page.link.transmit(bytes(...frame)),
    refresh: () => page.refresh(),
    state: (session, code) => page.state(session, code),
    failed: (session, reason, ...text) => page.failed(session, reason, bytes(...text)),
    refused: (session, ...text) => page.refused(session, bytes(...text)),
    apply: (session, ack, codes, count, ...text) => page.apply(session, ack, words(codes, count), bytes(...text)),
    define: (fingerprint, check, roots, html, length, slots, count, ...names) =>
      page.define(fingerprint >>> 0, check, roots, html ? bytes(html, length) : undefined, words(slots, count), bytes(...names)),
    now: () => performance.now(),
  };
  const { instance } = await WebAssembly.instantiateStreaming(source, { "lightspeed-dom": imports });
  wasm = instance.exports;
  return {
    ...wasm,
    message: (data) => wasm.message(...pass(data)),
    tokens: (data) => wasm.tokens(...pass(data)),
    start: (seed, names) => wasm.start(seed, ...pass(names)),
    event: (session, instance, slot, kind, value) => wasm.event(session, instance, slot, kind, ...pass(value)),
  };
}
