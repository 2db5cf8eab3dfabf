// Writes programs as client-wasm does; runs in the page.

import * as codes from "../src/core/codes.js";
import { encode } from "../src/core/text.js";

/**
 * What a server says of how the HTML of an instance looks (specs/isa.md, 5.5), from the template's own HTML.
 *
 * Written apart from the client: from the text on, and with no instance in it.
 */
export function checkOf(html, slots) {
  const holder = Document.prototype.createElement.call(document, "template");
  holder.innerHTML = html;
  let seen = "";
  // A form's fields may be called like its properties.
  const of = (node, name) => Reflect.get(Object.getPrototypeOf(node), name, node);
  const walk = (nodes, path) =>
    nodes.forEach((node, index) => {
      const here = [...path, index].join();
      const at = slots.filter((slot) => slot[1].join() === here);
      if (at.some(([kind]) => ["SPLICE", "BRANCH", "LIST"].includes(kind))) return (seen += "#");
      const type = of(node, "nodeType");
      if (type === 3) return (seen += `<#text${node.data}`);
      if (type === 8) return (seen += `<#comment${node.data}`);
      const name = of(node, "localName");
      seen += `<${name.toLowerCase()}`;
      const isInside = slots.some((slot) => slot[1].join().startsWith(`${here},`));
      const isHeard = at.some(([kind]) => kind === "HANDLER");
      const marks = ["id", "name", "type", "value", "href", "title", "aria-label"];
      for (const mark of isHeard ? marks : [])
        if (!slots.some((slot) => slot[0] !== "HANDLER" && slot[2] === mark)) seen += ` ${Element.prototype.getAttribute.call(node, mark)}`;
      if (isInside) {
        walk([...of(node, "childNodes")], [...path, index]);
        seen += ">";
      } else if (isHeard && name !== "textarea" && !name.includes("-")) seen += of(node, "textContent");
    });
  walk([...holder.content.childNodes], []);
  return [...seen].reduce((sum, letter) => Math.imul(sum ^ letter.codePointAt(), 0x1000193), 0x811c9dc5) >>> 0;
}

/** `template(fingerprint, html, slots, more)`: slots are `[kind, path, name or event]`; `like` is the HTML of one that is only adopted, where the view doesn't hold just that. */
export const template = (client) => (fingerprint, html, slots, { roots = 1, like = html ?? view.innerHTML } = {}) => {
  const numbers = [];
  let names = "";
  for (const [kind, path, more] of slots) {
    numbers.push(codes[`KIND_${kind}`], path.length, ...path);
    if (kind === "HANDLER") numbers.push(codes.EVENTS.indexOf(more));
    else if (more) names += `${more} `;
  }
  client.define(fingerprint, checkOf(like, slots), roots, html === undefined ? undefined : encode(html), new Uint32Array(numbers), encode(names));
};

/** `program(...instructions)` runs instructions, each `[name, operands..]`, with `ack` handled. */
export const program = (client) => {
  const run = (ack, ...instructions) => {
    const numbers = [];
    let text = "";
    const string = (value) => {
      text += value;
      return value.length;
    };
    const optional = (value) => numbers.push(value === null ? 0 : (string(value) + 1) << 2);
    // An instance is `[id, template, value..]`: a text, null, a flag, { html }, { adopted: true }, { text } or instances.
    const instance = ([id, fingerprint, ...values]) => {
      numbers.push(id, fingerprint);
      for (const value of values) {
        if (typeof value === "boolean") numbers.push(+value);
        else if (value === null || typeof value === "string") optional(value);
        else if (Array.isArray(value)) {
          numbers.push((value.length << 2) | codes.FORM_CHILDREN);
          value.forEach(instance);
        } else if (value.adopted) numbers.push(codes.FORM_ADOPTED);
        else numbers.push((string(value.html) << 2) | codes.FORM_HTML);
      }
    };
    for (const [name, ...operands] of instructions) {
      numbers.push(codes[name]);
      if (name === "ROOT") {
        numbers.push(+operands[0]);
        instance(operands[1]);
      } else if (name === "BUILD") {
        const [at, slot, before, ...instances] = operands;
        numbers.push(at, slot, before, instances.length);
        instances.forEach(instance);
      } else if (name === "TEXT" || name === "ATTRIBUTE") {
        numbers.push(operands[0], operands[1]);
        optional(operands[2]);
      } else if (name === "SPLICE" || name === "HTML") {
        const value = operands.pop();
        numbers.push(...operands, string(value));
      } else if (name === "EFFECT") {
        const [kind, ...texts] = operands;
        numbers.push(kind, ...texts.map(string));
      } else numbers.push(...operands.map(Number));
    }
    return client.apply(1, ack, new Uint32Array(numbers), encode(text));
  };
  const program = (...instructions) => run(0, ...instructions);
  program.answering = run;
  return program;
};
