// What is measured: the operations of js-framework-benchmark, each with those before it on an
// empty table. What they click, and what is right afterwards, is in page.js.

export const operations = [
  { name: "create", before: [] },
  { name: "replace", before: ["create"] },
  { name: "append", before: ["create"] },
  { name: "update", before: ["create"] },
  { name: "select", before: ["create"] },
  { name: "swap", before: ["create"] },
  { name: "remove", before: ["create"] },
  { name: "clear", before: ["create"] },
  { name: "create10k", before: [] },
];

/** How much longer than vanilla Lightspeed may take, from the click to the changed document. */
export const budgets = {
  create: 1.15,
  update: 2.5 / 1.7,
  select: 1.4 / 0.9,
  swap: 1.8 / 1.3,
  remove: 2 / 1.4,
  clear: 10 / 9,
  create10k: 115 / 77,
};
