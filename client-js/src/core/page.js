// The page: its sessions, each with a live part of the page, and how their links are.

import { CLOSE_BAD_TOKEN, LINK_BLOCKED, LINK_CONNECTED, LINK_CONNECTING, LINK_DISCONNECTED, LINK_FAILED } from "./links.js";
import { Program, end } from "./document.js";
import { announce, perform } from "./effects.js";
import { Events } from "./events.js";
import { Fields } from "./fields.js";
import { Foreign } from "./foreign.js";
import { Link } from "./link.js";
import { ask, closest, listen, matches } from "./natural.js";
import { templateOf } from "./templates.js";
import { decode, encode } from "./text.js";

/** By their codes. */
const STATES = ["connecting", "connected", "disconnected", "failed", "blocked"];
/** What the whole page is: the first of these that any of its sessions is. */
const PRECEDENCE = [LINK_FAILED, LINK_BLOCKED, LINK_DISCONNECTED, LINK_CONNECTING, LINK_CONNECTED];
/** How long a message stays. */
const TELL_MS = 10_000;
/** As `performance.navigation` has it, which is all that a page needs and shorter than what replaces it. */
const RELOADED = 1;
/** A page that was loaded again isn't once more before this time. */
const RELOADED_MS = 10_000;

export const viewsIn = (root) => [...ask(root, "querySelectorAll", "lightspeed-view")];

/** The tokens of views, as lines. */
export const tokensOf = (views) => views.map((view) => view.dataset.session ?? "").join("\n");

/** All that the client knows of a page, each part of it with the object that owns it. What the WebAssembly half calls is here and in `link`. */
export class Page {
  /** The inputs of the WebAssembly half: see machine.js. */
  machine;
  /**
   * The page's sessions, `{ number, view, instances, state, edited }`; `instances` is missing until the first program, and
   * `edited` has the last event of fields before that.
   */
  sessions = [];
  /** Templates by fingerprint. */
  templates = new Map();
  /** The nodes in which the selection begins and ends. To ask for them while a program runs would force a synchronous layout. */
  selected = [];
  fields = new Fields();
  foreign = new Foreign();
  events = new Events(this);
  link = new Link(this);

  /** The field or the form whose event is being sent. */
  #origin;

  /** Takes the page's views, in order, as the sessions 1, 2 and so on, and listens to what happens in them. */
  begin(views) {
    listen("selectionchange", () => {
      const { anchorNode, focusNode } = getSelection();
      this.selected = [anchorNode, focusNode];
    });
    views.forEach((view, index) => {
      this.sessions.push({ number: index + 1, view, instances: undefined, state: undefined, edited: new Map() });
    });
    this.fields.listen((fields) => this.events.tell(fields));
    this.events.listen();
  }

  /** Defines a template, or defines it again when its HTML has become known. */
  define(fingerprint, ...shape) {
    this.templates.set(fingerprint, templateOf(...shape));
  }

  /**
   * Runs a valid program on a session's document. `codes` and `text` are only valid during the call.
   *
   * Returns false when the document isn't what the program is about: something else has changed it,
   * and the server has to send it anew.
   */
  apply(number, ack, codes, text) {
    const session = this.sessions[number - 1];
    try {
      const program = new Program(this, session, ack, codes, decode(text));
      const changed = this.events.whileApplying(() => program.run());
      // Later, as the client that calls this is not ready for an event yet.
      if (changed) queueMicrotask(() => this.events.handleEarly(session, changed));
      for (const effect of program.effects) queueMicrotask(() => perform(this, session.view, effect));
      return true;
    } catch (error) {
      end(session);
      console.warn("lightspeed: the document was changed; it is fetched anew", error);
      return false;
    }
  }

  /** A session's link has changed. */
  state(number, code, message) {
    const session = this.sessions[number - 1];
    if (session.state === LINK_BLOCKED) this.tell();
    session.state = code;
    if (code === LINK_FAILED) this.events.abandon(session);
    show(session.view, code);
    show(ask(document, "documentElement"), PRECEDENCE.find((one) => this.sessions.some(({ state }) => state === one)));
    announce(session.view, STATES[code], message);
  }

  /** A session has ended for good. */
  failed(number, reason, message) {
    console.warn(`lightspeed: ended: ${decode(message)}`);
    // It may be somebody else's.
    if (reason === CLOSE_BAD_TOKEN) this.sessions[number - 1].view.replaceChildren();
    this.refused(number, message);
  }

  /** Sends an event of `node`: when it isn't taken, that is told there. */
  from(node, send) {
    this.#origin = node;
    const seq = send();
    this.#origin = undefined;
    return seq;
  }

  /** Something that the person did had no effect, or something else went wrong. */
  refused(number, bytes) {
    const message = decode(bytes);
    announce(this.#origin ?? this.sessions[number - 1].view, "refused", message);
    // What is merely no longer there needs no words.
    if (message) this.tell(message, TELL_MS);
  }

  /** Tells the person what a component has to say. */
  flash(view, message) {
    announce(view, "flash", message);
    this.tell(message, TELL_MS);
  }

  /** Says something, for a time if there is one: beside the form that it is about, or everywhere. */
  tell(message, ms) {
    const all = [...ask(document, "querySelectorAll", "[data-lightspeed-message]")];
    const origin = this.#origin;
    const form = origin && (matches(origin, "form") ? origin : origin.form);
    const near = all.filter((one) => form && closest(one, "form") === form);
    for (const one of near[0] ? near : all) {
      one.textContent = message;
      if (ms) setTimeout(() => one.textContent === message && (one.textContent = ""), ms);
    }
  }

  /** Fetches the page again, for new tokens. */
  async refresh() {
    let wait = 0;
    try {
      // A redirect is the browser's to follow, as what it leads to isn't this page.
      const options = { headers: { accept: "text/html" }, cache: "no-store", redirect: "manual" };
      const response = await fetch(location, options);
      if (!/5..|4(08|25|29)/.test(response.status)) {
        const fresh = viewsIn(new DOMParser().parseFromString(await response.text(), "text/html"));
        if (response.ok && fresh[this.sessions.length - 1]) return this.machine.tokens(encode(tokensOf(fresh)));
        return this.go() || this.machine.tokens([]);
      }
      const after = response.headers.get("retry-after");
      // Seconds, or a date.
      wait = Math.max(after * 1000 || new Date(after) - new Date() || 0, 0);
      if (wait) this.tell(`This page goes on in ${(wait / 1000) | 0} s.`, wait);
    } catch {}
    this.machine.refresh_failed(wait);
  }

  /**
   * What is shown can't go on: has the browser ask for the page, and show whatever it is answered, wherever that leads.
   * Not again and again, though; returns whether it does.
   */
  go() {
    if (performance.navigation.type === RELOADED && performance.now() < RELOADED_MS) return;
    location.reload();
    return true;
  }
}

function show({ classList }, code) {
  STATES.forEach((name, index) => classList.toggle(`lightspeed-${name}`, index === code));
}
