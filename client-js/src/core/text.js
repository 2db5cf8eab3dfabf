// Texts, which cross to and from the client as their UTF-8.

export const encode = (text) => new TextEncoder().encode(text);

/**
 * The bytes are only valid during the call. A decoder of its own each time, for Safari's fail after 2 GiB; none for
 * nothing, as it takes a tenth of a small patch's time.
 */
export const decode = (bytes) => (bytes.length ? new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes) : "");
