// Form fields: what the person typed and what the server says about it.
//
// A field that the person edited is its own until the server has handled the event that carried
// the edit: an answer to an older event never undoes a newer edit. See specs/session.md.

/**
 * The fields that a person edited: the number of the event that last carried the value, or
 * `UNSENT`.
 */
const edits = new WeakMap();
const UNSENT = Infinity;

/** The field in which an input method is composing; writing to it would end the composition. */
let composing;

export function watchFields() {
  const on = (type, listener) => document.addEventListener(type, listener, true);
  on("input", (event) => edited(originOf(event)));
  on("compositionstart", (event) => (composing = originOf(event)));
  on("compositionend", () => (composing = undefined));
}

/** What an event began at, within shadow trees too. */
export const originOf = (event) => event.composedPath()[0] ?? event.target;

const edited = (field) => group(field).forEach((one) => edits.set(one, UNSENT));

/** The radio buttons that change with `field`, or the field alone. */
function group(field) {
  if (field.type !== "radio" || !field.name) return [field];
  return fieldsIn(field.form ?? field.getRootNode()).filter(
    (one) => one.type === "radio" && one.name === field.name && one.form === field.form,
  );
}

const fieldsIn = (root) => [...root.querySelectorAll("input,select,textarea")];

export const isActive = (field) => field.getRootNode().activeElement === field;

/** The values of `element`, a field or a form, went out with the event `seq`. */
export function sent(element, seq) {
  for (const field of element.elements ?? group(element)) {
    if (edits.has(field)) edits.set(field, seq);
  }
}

/** Whether the server, having handled the events up to `ack`, must leave the field as it is. */
function isHeld(field, ack) {
  const seq = edits.get(field);
  if (field === composing) return true;
  if (!(seq > ack) || field.hasAttribute("data-lightspeed-force")) return false;
  return seq !== UNSENT || group(field).some(isActive);
}

/** Sets a property of a field and the attribute that is its default. */
export function setProperty(element, name, value, ack) {
  if (isHeld(element.closest("select") ?? element, ack)) return;
  if (typeof value === "boolean") element.toggleAttribute(name, value);
  else if (element.localName === "textarea") element.defaultValue = value ?? "";
  else if (value === null) element.removeAttribute(name);
  else element.setAttribute(name, value);
  value ??= "";
  const before = element[name];
  if (before === value) return;
  const { selectionStart, selectionEnd } = element;
  element[name] = value;
  // A caret at the end stays at the end, any other where it is.
  if (selectionStart !== null && selectionStart < before.length && isActive(element))
    element.setSelectionRange(selectionStart, selectionEnd);
}

/** Whether the field differs from what its HTML says: a person or the browser has changed it. */
function isChanged(field) {
  if (field.options) {
    const options = [...field.options];
    const hasDefault = field.multiple || options.some((option) => option.defaultSelected);
    return hasDefault ? options.some((option) => option.selected !== option.defaultSelected) : field.selectedIndex > 0;
  }
  if (/^(checkbox|radio)$/.test(field.type)) return field.checked !== field.defaultChecked;
  // The values of these are never empty, whatever the HTML says.
  return !/^(range|color)$/.test(field.type) && field.value !== field.defaultValue;
}

/** The fields that were changed before their handlers could hear of it. */
export function findChanged(root) {
  const changed = fieldsIn(root).filter(isChanged);
  changed.forEach(edited);
  return changed;
}

/**
 * Remembers the fields in `root`, which is about to be filled anew. Returns a function that gives
 * the focus and what the server doesn't know yet to the fields that stand for them then, and
 * returns the fields that it changed.
 */
export function keepFields(root, ack) {
  const kept = new Map();
  for (const [name, field] of named(root)) {
    const { selectionStart: start, selectionEnd: end } = field;
    kept.set(name, { field, wasActive: isActive(field), start, end });
  }
  return () =>
    named(root)
      .filter(([name, field]) => {
        const old = kept.get(name);
        const hasChanged = edits.get(old?.field) > ack && restore(old.field, field);
        if (old?.wasActive) {
          field.focus({ preventScroll: true });
          if (old.start != null) field.setSelectionRange(old.start, old.end);
        }
        return hasChanged;
      })
      .map(([, field]) => field);
}

/** Fields under names by which they are found in another rendering of the same page. */
function named(root) {
  const counts = {};
  return fieldsIn(root).map((field) => {
    const name = [field.localName, field.type, field.id, field.name, field.form?.id].join();
    counts[name] = (counts[name] ?? 0) + 1;
    return [name + counts[name], field];
  });
}

/** Gives `field` what the person had put into `old`; returns whether that changes it. */
function restore(old, field) {
  if (old.options) {
    const values = new Set([...old.selectedOptions].map((option) => option.value));
    for (const option of field.options) option.selected = values.has(option.value);
  } else if (old.type === "file") {
    field.files = old.files;
  } else {
    field.checked = old.checked;
    field.value = old.value;
  }
  edits.set(field, UNSENT);
  return isChanged(field);
}
