// Fails when more than three source files import each other in a circle.
//
//     node scripts/circles.mjs [--max 3] [FOLDER...]      every crate's `src`, and the client's JavaScript
//
// A file imports another when it names something of it: by a `use`, by a path that begins with `crate::`, `super::`, `self::` or
// the name of a child module, or by a JavaScript `import`. A parent that uses its children while they use the parent is a circle
// as well. A name that a module only passes on (`pub use`) is of the file that it comes from. Tests, and modules that only tests
// compile, aren't looked at.

import { existsSync, readFileSync, readdirSync, statSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { parseArgs } from "node:util";

const root = resolve(import.meta.dirname, "..");
const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: { max: { type: "string", default: "3" }, all: { type: "boolean", default: false } },
});
const max = Number(options.max);

/** Every file below `folder` whose name ends with `end`. */
function* filesOf(folder, end) {
  for (const name of readdirSync(folder).sort()) {
    const path = join(folder, name);
    if (statSync(path).isDirectory()) {
      if (!["target", "node_modules", "dist", "tests"].includes(name)) yield* filesOf(path, end);
    } else if (name.endsWith(end)) yield path;
  }
}

/** Rust without comments and texts, which may name what they like. */
const bare = (source) =>
  source
    .replace(/"(?:[^"\\]|\\[^])*"|'(?:[^'\\\n]|\\[^\n]{1,8})'|\/\/[^\n]*|\/\*[^]*?\*\//g, (token) => (token.startsWith("/") ? " " : '""'))
    .replace(/\br(#+)""\1/g, '""');

/** The files of a Rust crate by the path of their module (`a::b`), each with its source and the names of its child modules. */
function modulesOf(entry) {
  const modules = new Map();
  const read = (path, name, folder) => {
    const source = bare(readFileSync(path, "utf8"));
    const children = [];
    modules.set(name, { path, source, children });
    for (const [, attributes, child] of source.matchAll(/((?:#\[[^\]]*\]\s*)*)(?:pub(?:\([^)]*\))?\s+)?mod\s+([a-z_0-9]+)\s*;/g)) {
      if (/cfg\(test\)/.test(attributes)) continue;
      const file = [join(folder, `${child}.rs`), join(folder, child, "mod.rs")].find(existsSync);
      if (!file) continue;
      children.push(child);
      read(file, name ? `${name}::${child}` : child, join(folder, child));
    }
  };
  read(entry, "", dirname(entry));
  return modules;
}

/** The paths of a `use` tree: `a::{b, c::{self, d}}` is `a::b`, `a::c` and `a::c::d`. */
function pathsOf(tree) {
  const brace = tree.indexOf("{");
  if (brace < 0) return [tree.replace(/\s+as\s+\w+\s*$/, "").replace(/\s/g, "")];
  const head = tree.slice(0, brace).replace(/\s/g, "");
  const paths = [];
  let depth = 0;
  let begin = brace + 1;
  for (let at = brace; at < tree.length; at++) {
    if (tree[at] === "{") depth++;
    const ends = tree[at] === "}" && --depth === 0;
    if (ends || (tree[at] === "," && depth === 1)) {
      const one = tree.slice(begin, at);
      if (one.trim()) paths.push(...pathsOf(one).map((path) => (path === "self" ? head.replace(/::$/, "") : head + path)));
      begin = at + 1;
    }
    if (ends) break;
  }
  return paths;
}

/** Where a path leads from the module `name`: the path of a module, and what is named in it. `null` when it leaves the crate. */
function follow(modules, name, path, depth = 0) {
  const parts = path.split("::");
  const own = name ? name.split("::") : [];
  let at;
  if (parts[0] === "crate") at = [];
  else if (parts[0] === "self") at = own;
  else if (parts[0] === "super") at = own.slice(0, -1);
  else if (modules.get(name).children.includes(parts[0])) at = [...own, parts[0]];
  else return null;
  let rest = parts.slice(1);
  while (rest[0] === "super") {
    at = at.slice(0, -1);
    rest = rest.slice(1);
  }
  while (rest.length && modules.has([...at, rest[0]].join("::"))) at = [...at, rest.shift()];
  const module = modules.get(at.join("::"));
  if (!module) return null;
  const passed = rest.length && depth < 8 ? module.passed.get(rest[0]) : undefined;
  const further = passed && follow(modules, at.join("::"), passed, depth + 1);
  return further ?? { module, item: rest[0] };
}

function importsOfRust(modules) {
  for (const module of modules.values()) {
    // What only tests compile in this file stands last in it.
    module.code = module.source.split(/#\[cfg\(test\)\]\s*mod\s+\w+\s*\{/)[0];
    module.passed = new Map();
    for (const [, tree] of module.code.matchAll(/\bpub(?:\([^)]*\))?\s+use\s+([^;]+);/g)) {
      for (const path of pathsOf(tree)) module.passed.set(path.split("::").at(-1), path);
    }
  }
  const imports = new Map();
  for (const [name, { path, code }] of modules) {
    const found = new Set();
    const uses = [...code.matchAll(/(pub(?:\([^)]*\))?\s+)?\buse\s+([^;]+);/g)].flatMap(([, passes, tree]) => (passes ? [] : pathsOf(tree)));
    const rest = code.replace(/\buse\s+[^;]+;/g, "");
    const inline = [...rest.matchAll(/(?<![\w:])((?:crate|super|self|[a-z_][a-z_0-9]*)(?:::\w+)+)/g)].map(([, named]) => named);
    for (const named of [...uses, ...inline]) {
      const to = follow(modules, name, named);
      if (to && to.module.path !== path && to.item) found.add(to.module.path);
    }
    // A name that is passed on may be used here as well.
    for (const [item, named] of modules.get(name).passed) {
      const to = new RegExp(`(?<![\\w:])${item}\\b`).test(rest) ? follow(modules, name, named) : null;
      if (to && to.module.path !== path && to.item) found.add(to.module.path);
    }
    imports.set(path, found);
  }
  return imports;
}

function importsOfJs(files) {
  const imports = new Map();
  for (const path of files) {
    const source = readFileSync(path, "utf8").replace(/\/\*[^]*?\*\/|^\s*\/\/.*$/gm, "");
    const named = [...source.matchAll(/(?:\bfrom|\bimport)\s*\(?\s*["'](\.[^"']+)["']/g)];
    imports.set(path, new Set(named.map(([, to]) => resolve(dirname(path), to)).filter((to) => files.includes(to))));
  }
  return imports;
}

/** Tarjan's strongly connected components of more than one file. */
function circlesOf(imports) {
  const index = new Map();
  const low = new Map();
  const stack = [];
  const circles = [];
  const visit = (file) => {
    index.set(file, index.size);
    low.set(file, index.get(file));
    stack.push(file);
    for (const next of imports.get(file) ?? []) {
      if (!index.has(next)) visit(next);
      if (stack.includes(next)) low.set(file, Math.min(low.get(file), low.get(next)));
    }
    if (low.get(file) === index.get(file)) {
      const circle = stack.splice(stack.indexOf(file));
      if (circle.length > 1) circles.push(circle);
    }
  };
  for (const file of imports.keys()) if (!index.has(file)) visit(file);
  return circles.sort((a, b) => b.length - a.length);
}

const folders = positionals.length ? positionals.map((folder) => resolve(folder)) : [root];
const circles = [];
let files = 0;
for (const folder of folders) {
  for (const manifest of filesOf(folder, "Cargo.toml")) {
    const entries = ["src/lib.rs", "src/main.rs"].map((entry) => join(dirname(manifest), entry)).filter(existsSync);
    for (const entry of entries) {
      const imports = importsOfRust(modulesOf(entry));
      files += imports.size;
      circles.push(...circlesOf(imports).map((circle) => ({ circle, imports })));
    }
  }
  for (const source of [folder, join(folder, "src"), join(folder, "client-js/src")].filter((path) => path.endsWith("client-js/src") && existsSync(path))) {
    const imports = importsOfJs([...filesOf(source, ".js")]);
    files += imports.size;
    circles.push(...circlesOf(imports).map((circle) => ({ circle, imports })));
  }
}

let tooLarge = 0;
for (const { circle, imports } of circles) {
  if (circle.length <= max && !options.all) continue;
  if (circle.length > max) tooLarge++;
  console.log(`a circle of ${circle.length} files:`);
  for (const file of circle.sort()) {
    const to = [...imports.get(file)].filter((other) => circle.includes(other)).map((other) => relative(root, other));
    console.log(`  ${relative(root, file)} -> ${to.join(", ")}`);
  }
}
if (tooLarge) {
  console.error(`error: ${tooLarge} circles of more than ${max} files\n       have what two of them share stand in a file of its own, or hand it over as an argument`);
  process.exit(1);
}
console.log(`${files} files, ${circles.length} circles, none of more than ${max}`);
