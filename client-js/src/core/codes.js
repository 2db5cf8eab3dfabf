// What client-wasm tells the DOM, as numbers. The other side of this table is the module `codes`
// in client-wasm/src/document.rs.
//
// A patch is one array of codes and one string. Strings are not in the array: it carries their
// lengths in UTF-16 units, and they stand in the string one behind the other.

/** `instance, slot, text` */
export const TEXT = 1;
/** `instance, slot, start, delete, length` */
export const SPLICE = 2;
/** `instance, slot, text` */
export const ATTRIBUTE = 3;
/** `instance, slot, 0 | 1` */
export const FLAG = 4;
/** `instance, slot, length` */
export const HTML = 5;
/** `instance, slot` */
export const EMPTY = 6;
/** `instance, slot, before, count`, then that many instances */
export const BUILD = 7;
/** `instance, before` */
export const MOVE = 8;
/** `instance` */
export const REMOVE = 9;
/** `0 | 1` (adopted), then one instance */
export const ROOT = 10;

// An instance is `id, template` and a value for each slot but handlers; only for content slots
// when it is adopted. `text` above and the values of content slots and attributes are one number,
// `count * 4 + form`:
/** Text; the count is its length plus one, or 0 for none. */
export const FORM_TEXT = 0;
/** Raw HTML; the count is its length. */
export const FORM_HTML = 1;
/** Instances, which follow at once; the count is theirs. */
export const FORM_CHILDREN = 2;
/** Raw HTML that the page holds already. */
export const FORM_ADOPTED = 3;

// Kinds of slots, as in specs/protocol.md, clause 5.
export const KIND_SPLICE = 0;
export const KIND_ATTRIBUTE = 1;
export const KIND_FLAG = 2;
export const KIND_CLASS = 3;
export const KIND_PROPERTY = 4;
export const KIND_BOOL_PROPERTY = 5;
export const KIND_HANDLER = 6;
export const KIND_BRANCH = 7;
export const KIND_LIST = 8;

/** Whether slots of this kind hold child nodes. */
export const isContent = (kind) => kind === KIND_SPLICE || kind >= KIND_BRANCH;

/** The events that handlers listen to, by their codes. */
export const EVENTS = ["", "click", "input", "change", "submit", "keydown"];

// Payloads of events.
export const PAYLOAD_NONE = 0;
export const PAYLOAD_FALSE = 1;
export const PAYLOAD_TRUE = 2;
export const PAYLOAD_TEXT = 3;
