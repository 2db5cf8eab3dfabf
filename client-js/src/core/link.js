// The page's one socket and one timer. When to connect, and how long to wait, is the machine's decision.

/** After so many sockets in a row that were closed and never open, the reason is asked for. */
const ASKED_AFTER = [4, 8, 32];

export class Link {
  /** Where sockets are opened. */
  url;
  #page;
  #socket;
  /** Sockets in a row that were closed since one was open. */
  #failures = 0;
  #timer;
  #timerDue = Infinity;
  /** When the timer is to be due, until it is set. */
  #nextDue;

  constructor(page) {
    this.#page = page;
  }

  /** Opens a socket. */
  connect() {
    this.disconnect();
    // What an abandoned socket still says is nobody's business.
    const own = (this.#socket = new WebSocket(this.url));
    own.binaryType = "arraybuffer";
    const { machine, fields } = this.#page;
    // One after the other: what comes behind a compressed message, and the end, waits until that is
    // inflated. Without one before it, it is handled as soon as the event that brings it has ended.
    let last;
    const take = async (before, handle, what) => {
      await before;
      const bytes = await what;
      if (own !== this.#socket) return;
      fields.tellReset();
      handle(bytes);
    };
    own.onopen = () => {
      this.#failures = 0;
      last = take(last, machine.opened);
    };
    own.onmessage = ({ data }) => (last = take(last, machine.message, this.#frameOf(new Uint8Array(data))));
    own.onclose = () => (last = take(last, () => this.#closed()));
  }

  /** The frame that a message is: no frame begins with a 0, and few pages load what inflates the messages that do. */
  #frameOf(bytes) {
    if (bytes[0]) return bytes;
    return import("../features/inflate.js").then(({ inflated }) => inflated(bytes)).catch(() => {
      // The next socket is asked for without, as a browser may not load again what it could not.
      [this.url] = this.url.split("?");
      return bytes;
    });
  }

  #closed() {
    this.#socket = undefined;
    this.#page.machine.closed();
    // Asks for the reason, and not for ever; few pages ever load what does.
    if (ASKED_AFTER.includes(++this.#failures)) import("../features/why.js").then((why) => why.ask(this.url, this.#page)).catch(() => {});
  }

  /** Lets the socket go. */
  disconnect() {
    const own = this.#socket;
    this.#socket = undefined;
    own?.close();
  }

  /** Sends a message, when the socket is open; the bytes are only valid during the call. */
  transmit(bytes) {
    if (this.#socket?.readyState === 1) this.#socket.send(bytes);
  }

  /** Calls the machine's `timeout` when `performance.now()` is `due`, or before. */
  schedule(due) {
    // Most timeouts move away before they are due; one that comes too early does no harm.
    if (due >= this.#timerDue) return;
    // Set once for all that a message causes, and after those have heard of it who watch the document.
    if (this.#nextDue === undefined) queueMicrotask(() => this.#setTimer());
    this.#nextDue = due;
  }

  #setTimer() {
    clearTimeout(this.#timer);
    this.#timerDue = this.#nextDue;
    this.#nextDue = undefined;
    // The machine's clock counts whole milliseconds.
    this.#timer = setTimeout(
      () => {
        this.#timerDue = Infinity;
        this.#page.machine.timeout();
      },
      Math.max(0, this.#timerDue + 1 - performance.now()),
    );
  }
}
