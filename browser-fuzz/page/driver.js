// The person, the extension, the translator and the input method of every case on the page, and an eye on what
// becomes of it. It runs inside of the page, so that what is done takes no round trip through the browser's debugger.
//
// Forms hide their own properties behind fields of the same names: what is asked of nodes is asked of prototypes.

"use strict";

globalThis.fuzz = (() => {
  const WITHIN_MS = 30_000;
  /** Documents that a case may ask for: one for each that its extension or translator does, and more. */
  const RESYNCS_MAX = 60;
  const TYPES = ["click", "input", "change", "submit", "keydown"];
  const VIEW = "lightspeed-view";

  // ---- Nodes, whatever their names hide.

  const getter = (owner, name) => {
    const { get } = Object.getOwnPropertyDescriptor(owner.prototype, name);
    return (node) => get.call(node);
  };
  const method = (owner, name) => {
    const own = owner.prototype[name];
    return (node, ...values) => own.apply(node, values);
  };
  const typeOf = getter(Node, "nodeType");
  const parentOf = getter(Node, "parentNode");
  const childrenOf = (node) => [...getter(Node, "childNodes")(node)];
  const isConnected = getter(Node, "isConnected");
  const tagOf = getter(Element, "localName");
  const namespaceOf = getter(Element, "namespaceURI");
  const attributesOf = (node) => [...getter(Element, "attributes")(node)];
  const attribute = method(Element, "getAttribute");
  const setAttribute = method(Element, "setAttribute");
  const has = method(Element, "hasAttribute");
  const matches = method(Element, "matches");
  const closest = method(Element, "closest");
  const all = (node, selector) => [...method(Element, "querySelectorAll")(node, selector)];
  const insert = method(Node, "insertBefore");
  const isElement = (node) => node instanceof Element;
  const property = (node, name) => node[name];
  const setValue = (field, value) =>
    Object.getOwnPropertyDescriptor(Object.getPrototypeOf(field), "value").set.call(field, value);
  const formOf = (field) => field.form;

  // ---- The socket: what is on its way.

  /** By number: the events that were sent and acknowledged, the versions, the documents that were asked for. */
  const links = [];
  let moved = () => {};
  /** Messages that are held back at the moment. */
  let held = 0;
  let isSlow = false;
  /** Resolves when what is done while the client starts has been done. */
  let started;

  const linkOf = (number) =>
    (links[number] ??= { sent: 0, settled: 0, version: -1, acked: -1, documents: 0, resyncs: 0, refused: 0, closed: undefined });

  /** The unsigned integers that a frame begins with. */
  function numbers(data) {
    const view = new DataView(data.buffer ?? data, data.byteOffset ?? 0, data.byteLength);
    const read = [];
    let at = (view.getUint8(0) & 0xf0) === 0x90 ? 1 : 3;
    while (at < view.byteLength && read.length < 5) {
      const byte = view.getUint8(at++);
      if (byte < 0x80) read.push(byte);
      else if (byte === 0xcc) read.push(view.getUint8(at++));
      else if (byte === 0xcd) (read.push(view.getUint16(at)), (at += 2));
      else if (byte === 0xce) (read.push(view.getUint32(at)), (at += 4));
      else if (byte === 0xcf) (read.push(Number(view.getBigUint64(at))), (at += 8));
      else break;
    }
    return read;
  }

  function sent([number, kind, first, second]) {
    if (!number) return;
    const link = linkOf(number);
    if (kind === 2) link.sent = second;
    if (kind === 2 || kind === 3) link.acked = first;
    if (kind === 5) link.resyncs++;
    // The client has found that the page isn't what the server sent.
    if (kind === 5 && link.documents === 1 && link.resyncs === 1) link.isUnadopted = true;
  }

  function received([number, kind, first, second]) {
    if (!number) return;
    const link = linkOf(number);
    if (kind >= 1 && kind <= 4) link.settled = Math.max(link.settled, first);
    if (kind === 2 || kind === 3) link.version = second;
    if (kind === 3) link.documents++;
    if (kind === 5) (link.refused++, (link.settled = Math.max(link.settled, first)));
    if (kind === 7) link.closed = first;
  }

  const turn = () =>
    new Promise((resolve) => {
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = () => (port1.close(), resolve());
      port2.postMessage(0);
    });
  // Spread by what a page has seen, so that a case comes out the same again.
  let jitter = 1;
  const later = () => new Promise((resolve) => setTimeout(resolve, (jitter = (jitter * 73) % 101) % 23));

  const Native = WebSocket;
  window.WebSocket = class extends Native {
    #incoming = Promise.resolve();
    #outgoing = Promise.resolve();
    #hasBegun = whileStarting();

    set onmessage(listener) {
      super.onmessage = (event) => {
        held++;
        const before = this.#incoming;
        this.#incoming = (async () => {
          await before;
          await this.#hasBegun;
          if (isSlow) await later();
          received(numbers(event.data));
          listener(event);
          held--;
          await turn();
          moved();
        })();
      };
    }

    send(bytes) {
      const copy = bytes.slice();
      sent(numbers(copy));
      if (!isSlow) return super.send(copy);
      const before = this.#outgoing;
      held++;
      this.#outgoing = (async () => {
        await before;
        await later();
        held--;
        if (this.readyState === 1) super.send(copy);
      })();
    }
  };

  const isSettled = (link) =>
    link && (link.closed !== undefined || (link.settled >= link.sent && link.documents > 0 && link.documents > link.resyncs));
  const isAcknowledged = (link) => link && (link.closed !== undefined || link.acked >= link.version);

  /** Waits until `holds` for each case of `some`; says for which it never did. */
  async function until(some, holds, what) {
    const end = performance.now() + WITHIN_MS;
    for (;;) {
      await turn();
      some = some.filter((one) => !one.fault);
      for (const one of some)
        if (links[one.number]?.resyncs > RESYNCS_MAX) fail(one, "fetched anew", "the document is asked for without end");
      const left = some.filter((one) => !holds(links[one.number]));
      if (!left.length && !held) {
        await turn();
        if (!held && some.every((one) => one.fault || holds(links[one.number]))) return;
        continue;
      }
      if (performance.now() > end) {
        for (const one of left.length ? left : some) fail(one, "never settles", `${what}: ${JSON.stringify(links[one.number])}`);
        return;
      }
      await new Promise((resolve) => {
        const timer = setTimeout(resolve, 250);
        moved = () => (clearTimeout(timer), resolve());
      });
    }
  }
  const settle = (some) => until(some, isSettled, "what was sent is handled");

  // ---- Cases.

  let cases = [];
  let pageId;
  let phase = 0;
  /** The case whose person does something at the moment. */
  let acting;
  const faults = [];

  function fail(one, kind, message) {
    one.fault ??= { kind, message, phase, act: one.done };
  }

  const caseOf = (path) => {
    const view = path.find((node) => isElement(node) && tagOf(node) === VIEW);
    return view && cases.find((one) => one.view === view);
  };

  /** The closest handler of an event, by what it was rendered as; nothing where a browser would not let it run. */
  function handlerOf(type, path) {
    const element = path.find((node) => isElement(node) && has(node, `data-${type}`));
    if (!element) return;
    return { element, id: attribute(element, `data-${type}`), isDisabled: matches(element, ":disabled") };
  }

  const isField = (node) => isElement(node) && ["input", "select", "textarea"].includes(tagOf(node));

  function groupOf(field) {
    if (field.type !== "radio" || !field.name) return [field];
    return all(field.getRootNode().documentElement ?? field.getRootNode(), "input").filter(
      (other) => other.type === "radio" && other.name === field.name && other.form === field.form,
    );
  }

  function touch(one, field, isHeard) {
    for (const other of groupOf(field)) {
      const before = one.touched.get(other);
      // What is told after the last change counts.
      one.touched.set(other, { isHeard, isEarly: before?.isEarly || phase < 2 });
    }
  }

  function witness(event) {
    const path = event.composedPath();
    const one = caseOf(path);
    if (!one) return;
    const { type } = event;
    const origin = path[0];
    const handler = handlerOf(type, path);
    const isPersons = acting === one;
    if (isField(origin) && (type === "input" || type === "change")) {
      ["input", "change"].forEach((other) => {
        const id = handlerOf(other, path)?.id;
        if (id) one.ofFields.add(id);
      });
      if (type === "change") one.changed.add(origin);
      const before = one.touched.get(origin);
      // A change without a handler tells nothing, and takes nothing back that an input has told.
      if (type === "input" || handler) touch(one, origin, !!handler && !handler.isDisabled);
      else if (!before) touch(one, origin, false);
    }
    if (type === "submit" && handler && !handler.isDisabled && phase > 0) {
      for (const field of all(one.view, "input,select,textarea"))
        if (formOf(field) === origin && one.touched.has(field)) touch(one, field, true);
    }
    if (!handler || handler.isDisabled || phase === 0) return;
    if (phase === 1 && (type === "input" || type === "change")) return;
    if (type === "keydown" && (event.isComposing || !event.key)) return;
    const isOwn = isField(origin) && handler.element === origin && (type === "input" || type === "change");
    const payload = !isOwn || origin.multiple ? undefined : origin.type === "checkbox" ? `${origin.checked}` : origin.value;
    one.expected.push({ id: handler.id, type, payload, isSoft: !isPersons, phase });
  }

  function watch() {
    for (const type of TYPES) window.addEventListener(type, witness, true);
    window.addEventListener("reset", beforeReset, true);
    window.addEventListener("toggle", ({ target }) => opened.add(target), true);
    window.addEventListener("submit", (event) => {
      const one = caseOf(event.composedPath());
      const handler = handlerOf("submit", event.composedPath());
      if (one && phase > 0 && handler && !event.defaultPrevented)
        fail(one, "left the page", `the form of the handler ${handler.id} was submitted by the browser`);
      event.preventDefault();
    });
    window.addEventListener("click", (event) => {
      const path = event.composedPath();
      const link = path.find((node) => isElement(node) && (tagOf(node) === "a" || tagOf(node) === "area"));
      if (!link) return;
      const one = caseOf(path);
      const handler = handlerOf("click", path);
      if (one && phase > 1 && handler && !handler.isDisabled && !event.defaultPrevented && has(link, "href") && handler.element === link)
        fail(one, "left the page", `the link of the handler ${handler.id} was followed`);
      event.preventDefault();
    });
    window.addEventListener("error", ({ message, error }) => faults.push(`${message}\n${error?.stack}`));
    window.addEventListener("unhandledrejection", ({ reason }) => faults.push(`${reason?.stack ?? reason}`));
    for (const level of ["warn", "error"]) {
      const own = console[level];
      console[level] = (...said) => {
        own.apply(console, said);
        // Whether it had to is told by what was asked for.
        if (!/fetched anew/.test(said[0])) faults.push(said.map((what) => what?.stack ?? what).join(" "));
      };
    }
  }

  // ---- What is done.

  /** Elements whose `open` a person has changed. */
  const opened = new WeakSet();
  /** Nodes that an extension has put here; elements that a translator has put around texts. */
  const foreign = new WeakSet();
  const fonts = new WeakSet();
  /** By element: the names of an extension's attributes. */
  const marks = new WeakMap();

  const TEXT_TYPES = ["text", "search", "password", "tel", "email", "url"];
  const SETTABLE = {
    number: ["1", "12.5", "", "-3"],
    range: ["1", "50", "99", "-5"],
    color: ["#00ff00", "#123456"],
    date: ["2020-02-29", ""],
    time: ["01:02", ""],
    "datetime-local": ["2020-02-29T01:02", ""],
    month: ["2020-02", ""],
    week: ["2020-W05", ""],
  };

  /** Whether a person could do something to it. */
  const isReachable = (node) =>
    !foreign.has(node) && !matches(node, ":disabled") && !closest(node, "[inert],[hidden]") && method(Element, "checkVisibility")(node);
  const enabled = (one, selector, holds = () => true) =>
    all(one.view, selector).filter((node) => isReachable(node) && holds(node));
  const textFields = (one) =>
    enabled(one, "input,textarea", (node) => !node.readOnly && (tagOf(node) === "textarea" || TEXT_TYPES.includes(node.type)));
  const at = (list, pick) => list[pick % list.length];
  const dispatch = (node, event) => EventTarget.prototype.dispatchEvent.call(node, event);
  const focus = (node) => HTMLElement.prototype.focus.call(node, { preventScroll: true });

  function click(node) {
    if (node instanceof HTMLElement) HTMLElement.prototype.click.call(node);
    else dispatch(node, new MouseEvent("click", { bubbles: true, composed: true, cancelable: true }));
  }

  const edit = (node, type, options) =>
    dispatch(node, new InputEvent(type, { bubbles: true, composed: type === "input", ...options }));

  /** The fields of forms that are being reset, by a script or a button, and what they held before. */
  let resetting = [];
  const beforeReset = ({ target }) => {
    const fields = all(document.documentElement, "input,select,textarea").filter((field) => formOf(field) === target);
    resetting.push(...fields.map((field) => [field, stateOf(field)]));
  };

  /** A reset is an edit (specs/session.md, 6.7), which the client tells when it has happened. Whether there was one. */
  function afterReset(one) {
    const fields = resetting;
    resetting = [];
    for (const [field, before] of fields) if (stateOf(field) !== before) changedByReset(one, field);
    return fields.length > 0;
  }

  function changedByReset(one, field) {
    const handlers = ["input", "change"].map((type) => [type, handlerOf(type, [...ancestorsOf(field)])]).filter(([, handler]) => handler);
    touch(one, field, handlers.some(([, handler]) => !handler.isDisabled));
    for (const [type, { id, isDisabled }] of handlers) {
      one.ofFields.add(id);
      if (!isDisabled && phase > 0) one.expected.push({ id, type, payload: undefined, isSoft: true, phase });
    }
  }

  /** Does it, if there is anything to do it to. */
  const ACTS = {
    click: (one, { pick }) => {
      const node = at(enabled(one, "[data-click]"), pick);
      if (node) click(node);
    },
    press: (one, { pick }) => {
      const node = at(enabled(one, "button,label,summary,a,span,b,i,li,td,p,circle,mi,x-tag,output"), pick);
      if (node) click(node);
    },
    type: (one, { pick, value }) => {
      const field = at(textFields(one), pick);
      if (!field) return;
      focus(field);
      if (document.activeElement !== field) return;
      if (value) document.execCommand("insertText", false, value);
      else {
        document.execCommand("selectAll");
        document.execCommand("delete");
      }
    },
    toggle: (one, { pick }) => {
      const field = at(enabled(one, "input", (node) => ["checkbox", "radio"].includes(node.type)), pick);
      if (field) click(field);
    },
    choose: (one, { pick }) => {
      const field = at(enabled(one, "select"), pick);
      if (!field) return;
      const options = [...field.options].filter((option) => !matches(option, ":disabled"));
      const option = at(options, pick >> 3);
      if (!option || (option.selected && !field.multiple)) return;
      option.selected = !option.selected || !field.multiple;
      edit(field, "input");
      edit(field, "change");
    },
    set: (one, { pick }) => {
      const field = at(enabled(one, "input", (node) => node.type in SETTABLE && !node.readOnly), pick);
      if (!field) return;
      const before = field.value;
      setValue(field, at(SETTABLE[field.type], pick >> 3));
      if (field.value === before) return;
      edit(field, "input");
      edit(field, "change");
    },
    submit: (one, { pick }) => {
      const form = at(all(one.view, "form"), pick);
      if (form) HTMLFormElement.prototype.requestSubmit.call(form);
    },
    reset: (one, { pick }) => {
      const form = at(all(one.view, "form"), pick);
      if (form) HTMLFormElement.prototype.reset.call(form);
    },
    key: (one, { pick, value }) => {
      const node = at(enabled(one, "[data-keydown]"), pick);
      if (node) dispatch(node, new KeyboardEvent("keydown", { key: value, bubbles: true, composed: true }));
    },
    focus: (one, { pick }) => {
      const node = at(enabled(one, "input,select,textarea,button,a"), pick);
      if (node instanceof HTMLElement) focus(node);
    },
    blur: () => document.activeElement?.blur?.(),
    wait: async (one) => {
      if (phase < 2) return;
      acting = undefined;
      await settle([one]);
    },
    compose: async (one, { pick, value }) => {
      const field = at(textFields(one), pick);
      if (!field || !value) return;
      focus(field);
      if (document.activeElement !== field) return;
      dispatch(field, new CompositionEvent("compositionstart", { bubbles: true, composed: true, data: "" }));
      document.execCommand("insertText", false, value);
      const end = () =>
        dispatch(field, new CompositionEvent("compositionend", { bubbles: true, composed: true, data: value }));
      if (phase > 1) {
        // The server goes on meanwhile.
        const button = at(enabled(one, "button[data-click]"), pick >> 2);
        if (button) click(button);
        acting = undefined;
        await settle([one]);
        acting = one;
      }
      if (pick & 1) HTMLElement.prototype.blur.call(field);
      end();
    },
    insert: (one, { pick }) => {
      const parents = [one.view, ...all(one.view, "*")].filter(
        (node) => !closest(node, "textarea,select,style,script,title,desc,noscript") && !foreign.has(node),
      );
      const parent = at(parents, pick);
      const what = (pick >> 7) % 4;
      if (what === 3 && parent !== one.view) {
        const name = `data-extension-${pick % 3}`;
        setAttribute(parent, name, "1");
        marks.set(parent, (marks.get(parent) ?? new Set()).add(name));
        return;
      }
      const node = what === 0 ? new Comment("an extension's") : document.createElement(what === 1 ? "button" : "span");
      if (what === 1) node.type = "button";
      if (what) node.append("an extension's");
      foreign.add(node);
      const children = childrenOf(parent);
      insert(parent, node, children[(pick >> 4) % (children.length + 1)] ?? null);
    },
    translate: (one, { pick }) => {
      const texts = [];
      const walker = document.createTreeWalker(one.view, NodeFilter.SHOW_TEXT);
      while (walker.nextNode()) {
        const node = walker.currentNode;
        if (node.data.trim() && !closest(parentOf(node), "textarea,select,style,script,title,desc,svg,math")) texts.push(node);
      }
      const text = at(texts, pick);
      if (!text) return;
      const parent = parentOf(text);
      if ((pick >> 6) % 4 === 0) return Node.prototype.normalize.call(parent);
      if (fonts.has(parent)) return;
      const [outer, inner] = [document.createElement("font"), document.createElement("font")];
      [outer, inner].forEach((font) => fonts.add(font));
      inner.append(text.data);
      outer.append(inner);
      Node.prototype.replaceChild.call(parent, outer, text);
    },
  };

  async function perform(one) {
    for (const act of one.acts) {
      if (act.phase !== phase || one.fault) continue;
      one.done = act.id;
      acting = one;
      const running = ACTS[act.act](one, act);
      const isReset = afterReset(one);
      // Before the client has started nothing waits.
      if (phase > 1) await running;
      // Nobody types in the same moment.
      if (phase > 1 && isReset) await new Promise((resolve) => setTimeout(resolve));
      acting = undefined;
    }
  }

  /** Whoever was editing ends that. */
  function leave() {
    const active = document.activeElement;
    acting = active && active !== document.body ? caseOf([...ancestorsOf(active)]) : undefined;
    active?.blur?.();
    acting = undefined;
  }

  function* ancestorsOf(node) {
    for (; node; node = parentOf(node) ?? node.host) yield node;
  }

  async function whileStarting() {
    await turn();
    if (phase === 0) {
      phase = 1;
      for (const one of cases) perform(one);
      for (const one of cases) one.initial.forEach(judge);
    }
  }

  /** What the client has to tell of a field when it begins: nothing of what a person has put back, or of a button that lost the choice. */
  function judge(early) {
    const { field, before } = early;
    early.isActive = field.getRootNode().activeElement === field;
    if (stateOf(field) === before || (field.type === "radio" && !field.checked)) early.told = [];
  }

  // ---- What is compared.

  /** The child nodes that are ours, with texts that touch as one. */
  function ours(node, isLenient, into = []) {
    for (const child of childrenOf(node)) {
      if (fonts.has(child)) ours(child, isLenient, into);
      else if (foreign.has(child)) continue;
      else if (typeOf(child) === Node.TEXT_NODE) {
        if (!child.data) continue;
        if (into.at(-1)?.text !== undefined) into.at(-1).text += child.data;
        else into.push({ text: child.data });
      } else if (typeOf(child) === Node.COMMENT_NODE) {
        if (!isLenient) into.push({ comment: child.data });
      } else into.push({ element: child });
    }
    return into;
  }

  const told = ({ text, comment, element } = {}) =>
    text !== undefined ? JSON.stringify(text) : comment !== undefined ? `<!--${comment}-->` : element ? `<${tagOf(element)}>` : "nothing";

  function differs(one, live, fresh, where, isLenient) {
    const [left, right] = [ours(live, isLenient), ours(fresh, isLenient)];
    for (let index = 0; index < Math.max(left.length, right.length); index++) {
      const [actual, expected] = [left[index], right[index]];
      const place = `${where} > ${index}`;
      if (!actual?.element || !expected?.element) {
        if (told(actual) !== told(expected)) return `${place}: ${told(actual)} instead of ${told(expected)}`;
        continue;
      }
      const found = differsElement(one, actual.element, expected.element, place, isLenient);
      if (found) return found;
    }
  }

  function differsElement(one, actual, expected, where, isLenient) {
    const name = (node) => `${namespaceOf(node).split("/").at(-1)}:${tagOf(node)}`;
    if (name(actual) !== name(expected)) return `${where}: ${name(actual)} instead of ${name(expected)}`;
    const place = `${where} ${tagOf(actual)}`;
    // What a person changed is the server's again once it has heard of it; a class attribute is its tokens, in any order.
    const field = tagOf(actual) === "option" ? closest(actual, "select") : actual;
    const touched = one.touched.get(field);
    const isTouched = touched && !(touched.isHeard && isServers(field));
    const isLeftOut = ({ name }) =>
      marks.get(actual)?.has(name) ||
      (name === "open" && opened.has(actual)) ||
      (isTouched && ["value", "checked", "selected"].includes(name));
    const named = (node) => {
      const list = attributesOf(node).filter((one) => !isLeftOut(one));
      const valueOf = ({ name, value }) => (name === "class" ? value.trim().split(/[\t\n\f\r ]+/).sort().join(" ") : value);
      return list.map((one) => `${one.namespaceURI ?? ""}|${one.name}=${JSON.stringify(valueOf(one))}`).sort().join(" ");
    };
    if (named(actual) !== named(expected)) return `${place}: [${named(actual)}] instead of [${named(expected)}]`;
    const shown = isField(actual) && differsField(one, actual, expected, place);
    if (shown) return shown;
    return isTouched && tagOf(actual) === "textarea" ? undefined : differs(one, actual, expected, place, isLenient);
  }

  /** Whether the server says what the field holds. */
  const isServers = (field) =>
    (tagOf(field) === "select" ? [...field.options] : groupOf(field)).every((node) => has(node, "data-held"));

  /** Live properties of a field, unless a person's edit is in it that the server can't know. */
  function differsField(one, actual, expected, place) {
    const touched = one.touched.get(actual);
    // An option that is chosen by nobody is the browser's choice, which depends on what was there before.
    if ((touched && !touched.isHeard) || ((touched || tagOf(actual) === "select") && !isServers(actual))) return;
    if (actual.type === "file") return;
    const what = (field) =>
      tagOf(field) === "select"
        ? [...field.options].map((option) => (option.selected ? `[${option.value}]` : option.value)).join()
        : ["checkbox", "radio"].includes(field.type)
          ? `${field.checked}`
          : field.value;
    if (what(actual) !== what(expected))
      return `${place}: shows ${JSON.stringify(what(actual))} instead of ${JSON.stringify(what(expected))}`;
  }

  /** What was heard beside what was done. */
  function differsHeard(one, heard) {
    const link = links[one.number];
    const fits = (expected, message) =>
      expected.id === message.id && (expected.payload === undefined || expected.payload === message.payload);
    // Fields that were edited before the client knew them, or before a document came anew, are told of by the client.
    const isAgain = link.documents > 1 || one.acts.some((act) => act.phase < 2);
    const isAllowed = ({ id }) => isAgain && one.ofFields.has(id);
    // What fits best in both orders, from the end: what was heard and not done is worse than what was done and not heard.
    const none = { extra: 0, missing: 0, cost: 0 };
    const add = ({ extra, missing, cost, other, lost }, more) => ({ extra, missing, cost: cost + (more.cost ?? 0), other: more.other ?? other, lost: more.lost ?? lost, ...more.count?.({ extra, missing }) });
    let below = [];
    for (let i = heard.length; i >= 0; i--) {
      const row = [];
      for (let j = one.expected.length; j >= 0; j--) {
        const [message, expected] = [heard[i], one.expected[j]];
        const ways = [];
        if (message && expected && fits(expected, message)) ways.push(below[j + 1]);
        if (expected)
          // Of a page that couldn't be adopted no event is sent but those of fields (specs/isa.md, 5.5).
          ways.push(expected.isSoft || (link.isUnadopted && expected.phase < 2) ? row[j + 1] : add(row[j + 1], { cost: 1, lost: expected, count: ({ missing }) => ({ missing: missing + 1 }) }));
        if (message)
          ways.push(isAllowed(message) ? below[j] : add(below[j], { cost: 100, other: message, count: ({ extra }) => ({ extra: extra + 1 }) }));
        row[j] = ways.reduce((best, way) => (best && best.cost <= way.cost ? best : way), undefined) ?? none;
      }
      below = row;
    }
    const { missing, lost, extra, other } = below[0];
    const tell = () =>
      `\n  heard    ${heard.map(({ id, payload }) => `${id}${payload === null ? "" : `=${JSON.stringify(payload)}`}`).join(" ")}` +
      `\n  expected ${one.expected.map(({ id, payload, isSoft }) => `${id}${payload === undefined ? "" : `=${JSON.stringify(payload)}`}${isSoft ? "?" : ""}`).join(" ")}`;
    if (missing > link.refused) return `not heard: ${lost.type} at ${lost.id}${tell()}`;
    if (extra) return `heard, and nobody did it: ${other.id}${tell()}`;
  }

  function differsEarly(one, heard) {
    let missing = 0;
    for (const { field, told, before, isActive } of one.initial) {
      if (!one.touched.get(field)?.isEarly || !isConnected(field)) continue;
      for (const { type, id } of told) {
        // A browser tells of a change when the person leaves the field, and of none that a script has overwritten by then.
        if (type === "change" && isActive && !one.changed.has(field)) continue;
        // By then the handler may be rendered as another.
        const site = (id) => (isActive ? id.replace(/:\d+$/, "") : id);
        if (heard.some((message) => site(message.id) === site(id))) continue;
        // What came before it may have made a place out of reach of it.
        if (++missing <= links[one.number].refused) continue;
        return `edited before the client was there, and never heard: ${id}; it was ${before}`;
      }
    }
  }

  const stateOf = (field) =>
    tagOf(field) === "select" ? [...field.options].map((option) => option.selected).join() : `${field.value} ${field.checked}`;

  async function check(isLast) {
    const left = () => cases.filter((one) => !one.fault);
    leave();
    await settle(left());
    for (let attempt = 0; attempt < 3; attempt++) {
      const response = await fetch(`/states/${pageId}`);
      const states = await response.json();
      const found = left().map((one) => [one, differsNow(one, states[one.number - 1], isLast)]).filter(([, kind]) => kind);
      if (!found.length) return;
      if (attempt === 2) return found.forEach(([one, [kind, message]]) => fail(one, kind, message));
      // What the server makes of an event after it has acknowledged it comes when there is room for it.
      await until(left(), isAcknowledged, "what came is acknowledged");
      await settle(left());
    }
  }

  /** A document that has come anew has other fields; what a person had put into the old ones is in those. */
  function inherit(one) {
    for (const [old, touched] of [...one.touched]) {
      if (isConnected(old)) continue;
      const heir = all(one.view, "input,select,textarea").find(
        (field) =>
          !one.touched.has(field) &&
          [tagOf, (node) => node.type, (node) => node.name, (node) => node.id, stateOf].every((what) => what(field) === what(old)),
      );
      if (heir) one.touched.set(heir, touched);
    }
  }

  function differsNow(one, { html, heard }, isLast) {
    const link = links[one.number];
    if (link.documents > 1) inherit(one);
    if (link.closed !== undefined) return ["ended", `the session was ended, reason ${link.closed}`];
    const isDisturbed = one.knobs.includes("extension") || one.knobs.includes("translator");
    if (link.resyncs && !isDisturbed) return ["fetched anew", "the document was asked for, and nobody had changed it"];
    const fresh = new DOMParser().parseFromString(`<!DOCTYPE html><body><${VIEW}>${html}</${VIEW}>`, "text/html");
    const view = fresh.querySelector(VIEW);
    const document = differs(one, one.view, view, "view", isDisturbed);
    if (document) return [/: shows /.test(document) ? "fields" : "document", `${document}\n  actual   ${one.view.innerHTML}\n  expected ${html}`];
    const events = differsHeard(one, heard) ?? (isLast ? differsEarly(one, heard) : undefined);
    if (events) return ["events", events];
  }

  // ---- The whole.

  function begin({ page, refused, cases: plans }) {
    pageId = page;
    const views = [...document.querySelectorAll(VIEW)];
    cases = plans.map((plan, index) => ({
      ...plan,
      number: index + 1,
      view: views[index],
      expected: [],
      /** Identities of handlers of fields that were edited. */
      ofFields: new Set(),
      touched: new Map(),
      /** Fields that have had a `change`. */
      changed: new Set(),
      initial: [],
    }));
    if (views.length !== plans.length) faults.push(`${views.length} views for ${plans.length} cases`);
    isSlow = cases.some((one) => one.knobs.includes("slow"));
    fuzz.refused = refused;
    watch();
    for (const one of cases) {
      if (one.knobs.includes("shadow")) shadow(one);
      one.initial = all(one.view, "input,select,textarea").map((field) => ({
        field,
        before: stateOf(field),
        told: ["input", "change"]
          .filter((type) => !matches(field, ":disabled") && has(field, `data-${type}`))
          .map((type) => ({ type, id: attribute(field, `data-${type}`) })),
      }));
      perform(one);
    }
    fuzz.done = run();
  }

  /** A script of the page's gives elements a shadow tree. */
  function shadow(one) {
    const attach = () =>
      all(one.view, "x-card").forEach((node) => {
        if (!node.shadowRoot) node.attachShadow({ mode: "open" }).innerHTML = "<div><slot></slot></div>";
      });
    attach();
    new MutationObserver(attach).observe(one.view, { childList: true, subtree: true });
  }

  async function run() {
    await until(cases, isSettled, "the client starts");
    for (phase of [1, 2, 3]) {
      if (phase > 1) for (const one of cases) await perform(one);
      await check(phase === 3);
    }
    for (const fault of faults) cases.forEach((one) => fail(one, "page", fault));
    return cases.map(({ name, fault, expected }) => ({ name, fault, events: expected.length }));
  }

  return { begin, done: undefined, refused: 0 };
})();
