// Form fields: what the person typed and what the server says about it.
//
// A field that the person edited is its own until the server has handled the event that carried
// the edit: an answer to an older event never undoes a newer edit. See specs/session.md.
//
// What the server says is written to the attribute that is the field's default, and what the field shows
// follows when the program has ended. What it says in the midst of a composition is kept until that ends. What
// an event tells of the field is its default, too: the server compares with it, and says nothing of the same.

import { PAYLOAD_FALSE, PAYLOAD_TEXT, PAYLOAD_TRUE } from "./codes.js";
import { ask, closest, create, elements, listen } from "./natural.js";
import { setAttribute } from "./templates.js";

/** The number of an event that isn't sent yet. */
const UNSENT = Infinity;

/** What is known of the fields of a page. */
export class Fields {
  /** The fields that a person edited: the number of the event that last carried the value, or `UNSENT`. */
  #edits = new WeakMap();
  /** The fields whose default is what an event told the server, unless it has said something else since: the event's number. */
  #told = new WeakMap();
  /** What the server said of a field in which an input method composes, or whose edit is unsent: a property, its value and the last event handled then. */
  #withheld = new WeakMap();
  /** Fields that are to show what the server says when the program has ended. */
  #changing = new Set();
  /** The options that a person chose, by select of one. */
  #chosen = new Map();
  /** The field in which an input method is composing; writing to it would end the composition. */
  #composing;
  /** What was sent last: `[field, number]`. */
  #last = [];
  /** Tells of the reset that has happened and isn't told of. */
  #tellReset;

  /** Listens to what happens in fields. Those that a reset has changed are given to `tell`. */
  listen(tell) {
    const on = (type, listener) => listen(type, (event) => listener(originOf(event)), true);
    on("input", (field) => this.#edited(field));
    on("compositionstart", (field) => (this.#composing = field));
    const end = (field) => {
      this.#composing = undefined;
      const word = this.#withheld.get(field);
      if (this.#edits.get(field) === UNSENT && isChanged(field)) tell([field]);
      else if (word) {
        this.setProperty(field, ...word);
        this.showFields(word[2]);
      }
    };
    on("compositionend", end);
    on("focusout", end);
    on("reset", (form) => {
      this.tellReset();
      const before = [...elements(form)].map((field) => [field, stateOf(field)]);
      const own = (this.#tellReset = () => {
        const changed = before.filter(([field, state]) => state !== stateOf(field)).map(([field]) => field);
        changed.forEach((field) => this.#edited(field));
        tell(changed);
      });
      // When it has happened.
      setTimeout(() => own === this.#tellReset && this.tellReset());
    });
  }

  /** Tells of the reset that has happened and isn't told of: before anything else is shown, as the handlers are those that were there. */
  tellReset() {
    const own = this.#tellReset;
    this.#tellReset = undefined;
    own?.();
  }

  #edited(field) {
    // The click that has changed a checkbox or radio button comes before this, and may have told of it.
    const seq = isToggle(field) && field === this.#last[0] ? this.#last[1] : UNSENT;
    for (const one of group(field)) this.#edits.set(one, seq);
    if (field.type === "select-one") this.#chosen.set(field, field.selectedOptions[0]);
  }

  /**
   * The values of `element`, a field or a form, went out with the event `seq`. What the server has for the field's
   * `property` is `value` from then on: the next render is compared with it.
   */
  sent(element, seq, property, value) {
    this.#last = [element, seq];
    for (const field of element instanceof HTMLFormElement ? elements(element) : group(element)) {
      if (this.#edits.has(field)) this.#edits.set(field, seq);
    }
    if (property && element.type !== "radio") {
      this.#edits.delete(element);
      this.#told.set(element, seq);
      write(element, property, value);
    }
  }

  #seqOf(field) {
    return this.#edits.get(field) ?? this.#told.get(field);
  }

  /** Whether the server, having handled the events up to `ack`, must leave the field as it is. */
  #isHeld(field, ack) {
    const seq = this.#seqOf(field);
    if (field === this.#composing) return true;
    // What was sent is held whatever the field gives way to: the server compares with it.
    return seq > ack && (seq !== UNSENT || (!field.hasAttribute("data-lightspeed-force") && group(field).some(isActive)));
  }

  /** Sets the attribute that is a property's default, unless the field is held. `showFields` does the rest. */
  setProperty(element, name, value, ack) {
    const field = fieldOf(element);
    // What a box stands for is never the person's.
    const isEntered = typeof value === "boolean" || !isToggle(field);
    if (isEntered && this.#isHeld(field, ack)) {
      if (field.type === "radio") {
        // The button that the person chose may be refused: what the server says of the others is shown then.
        // What was set once is changed by no attribute.
        for (const one of group(field)) one.checked = one.checked;
        write(field, name, value);
      } else if (field === this.#composing || (field === element && this.#edits.get(field) === UNSENT)) this.#withheld.set(field, [name, value, ack]);
      return;
    }
    this.#withheld.delete(field);
    write(element, name, value);
    if (isEntered) this.#changing.add(element);
  }

  /** An attribute has changed; where it decides which values a field may have, the field is to show its default again. */
  constrain(element, name) {
    if (/^(m(in|ax|ul)|step|type|si|dis)/.test(name) && !this.#edits.has(fieldOf(element))) this.#changing.add(element);
  }

  /** A program has ended, after the events up to `ack`: fields show what it said of them. */
  showFields(ack) {
    for (const [select, option] of this.#chosen) {
      // An option that comes selected is what the server says, and one that is gone nobody's choice.
      if (option.isConnected) this.#isHeld(select, ack) && (option.selected = true);
      else this.#changing.add(select) && this.#edits.delete(select);
    }
    for (const field of new Set([...this.#changing].map(fieldOf))) (this.#edits.has(field) && this.#isHeld(field, ack)) || this.#show(field);
    this.#changing.clear();
  }

  #show(field) {
    this.#edits.delete(field);
    this.#chosen.delete(field);
    if (field.options) {
      for (const option of field.options) if (option.selected !== option.defaultSelected) option.selected = option.defaultSelected;
    } else if (isToggle(field)) {
      if (field.checked !== field.defaultChecked) for (const one of group(field)) one.checked = one.defaultChecked;
    } else if ("defaultValue" in field) {
      const { selectionStart, selectionEnd, value } = field;
      if (value === field.defaultValue) return;
      field.value = field.defaultValue;
      // A caret at the end stays at the end, any other where it is.
      if (selectionStart !== null && selectionStart < value.length && isActive(field))
        field.setSelectionRange(selectionStart, selectionEnd);
    }
  }

  /** The fields that were changed before their handlers could hear of it. */
  findChanged(root) {
    const changed = fieldsIn(root).filter(isChanged);
    changed.forEach((field) => this.#edited(field));
    return changed;
  }

  /**
   * Remembers the fields in `root`, which is about to be filled anew. Returns a function that gives
   * the focus and what the server doesn't know yet to the fields that stand for them then, and
   * returns the fields that it changed.
   */
  keepFields(root, ack) {
    const kept = new Map();
    for (const [name, field] of named(root)) {
      kept.set(name, [field, isActive(field), field.selectionStart, field.selectionEnd]);
    }
    return () =>
      named(root)
        .filter(([name, field]) => {
          const [old, wasActive, start, end] = kept.get(name) ?? [];
          const hasChanged = this.#seqOf(old) > ack && this.#restore(old, field);
          if (wasActive) {
            field.focus({ preventScroll: true });
            if (start != null) field.setSelectionRange(start, end);
          }
          return hasChanged;
        })
        .map(([, field]) => field);
  }

  /** Gives `field` what the person had put into `old`; returns whether that changes it. */
  #restore(old, field) {
    if (old.options) {
      const values = [...old.selectedOptions].map((option) => option.value);
      for (const option of field.options) option.selected = values.includes(option.value);
    } else if (old.type === "file") {
      field.files = old.files;
    } else if (isToggle(old)) field.checked = old.checked;
    else field.value = old.value;
    return isChanged(field) && this.#edits.set(field, UNSENT);
  }
}

/** What an event began at, within shadow trees too. */
export const originOf = (event) => event.composedPath()[0] ?? event.target;

/** The radio buttons that change with `field`, or the field alone. */
function group(field) {
  if (field.type !== "radio" || !field.name) return [field];
  return fieldsIn(field.form ?? field.getRootNode()).filter(
    (one) => one.type === "radio" && one.name === field.name && one.form === field.form,
  );
}

const fieldsIn = (root) => [...ask(root, "querySelectorAll", "input,select,textarea")];

export const isToggle = (field) => /^(checkbox|radio)$/.test(field.type);

/** Whether a change is yet to come: a browser tells of what is typed when the person leaves the field. */
export const isTyping = (field) => /^(te|sea|[uepn])/.test(field.type) && isActive(field);

const isActive = (field) => ask(field.getRootNode(), "activeElement") === field;

/** The payload of a field or a form. */
export function valueOf(field, submitter) {
  if (field.type === "checkbox") return [field.checked ? PAYLOAD_TRUE : PAYLOAD_FALSE, ""];
  let pairs;
  if (field instanceof HTMLFormElement) pairs = [...new FormData(field, submitter)].filter(([, value]) => !(value instanceof File));
  else if (field.multiple && field.selectedOptions) pairs = [...field.selectedOptions].map((one) => [field.name, one.value]);
  return [PAYLOAD_TEXT, pairs ? `${new URLSearchParams(pairs)}` : `${field.value ?? field.textContent}`];
}

const stateOf = (field) => [field.checked, ...valueOf(field)].join();

/** Writes the attribute that is a property's default. */
function write(element, name, value) {
  if (typeof value === "boolean") element.toggleAttribute(name, value);
  else if (element.localName === "textarea") element.defaultValue = value ?? "";
  else setAttribute(element, name, value);
}

/** The select that an option is of, or the element. */
const fieldOf = (element) => closest(element, "select") ?? element;

/** Whether the field differs from what its HTML says: a person has changed it, or the browser what a person had changed before. */
function isChanged(field) {
  // What a browser makes of the HTML is more than the HTML: a number with a comma is none, a range has bounds.
  const form = create("form");
  const fresh = form.appendChild(field.cloneNode(true));
  ask(form, "reset");
  return stateOf(field) !== stateOf(fresh);
}

/** Fields under names by which they are found in another rendering of the same page. */
function named(root) {
  const counts = {};
  return fieldsIn(root).map((field) => {
    const name = [field.localName, field.type, field.id, field.name, ask(field.form ?? field, "id")].join();
    counts[name] = (counts[name] ?? 0) + 1;
    return [name + counts[name], field];
  });
}
