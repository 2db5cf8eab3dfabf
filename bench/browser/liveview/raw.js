// JSON as it is written. A parser would order the keys of rows by number; the server that sent
// them did not, and how they are ordered is part of a browser's work.

/** The members of the object or array that `text` is: key and raw text, in their order. */
export function members(text) {
  const isObject = text[0] === "{";
  const found = [];
  let depth = 0;
  let start = 1;
  for (let at = 1; at < text.length; at++) {
    const sign = text[at];
    if (sign === '"') {
      while (text[++at] !== '"') if (text[at] === "\\") at++;
    } else if (sign === "{" || sign === "[") {
      depth++;
    } else if (depth === 0 && (sign === "," || sign === "}" || sign === "]")) {
      if (at > start) found.push(text.slice(start, at));
      start = at + 1;
    } else if (sign === "}" || sign === "]") {
      depth--;
    }
  }
  if (!isObject) return found.map((raw, index) => [index, raw]);
  return found.map((raw) => {
    const end = raw.indexOf('":');
    return [raw.slice(1, end), raw.slice(end + 2)];
  });
}

/** The raw text at a path. */
export function at(text, ...path) {
  return path.reduce((part, step) => members(part).find(([key]) => key === step)[1], text);
}
