// Texts, which cross to and from the client as their UTF-8.

export const encode = (text) => new TextEncoder().encode(text);

/** The bytes are only valid during the call. A decoder of its own each time: Safari's fail after 2 GiB. */
export const decode = (bytes) => new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
