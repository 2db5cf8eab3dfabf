// The rows' ids and labels, from a generator with a seed: the same as the other contenders'.

const ADJECTIVES = [
  "pretty", "large", "big", "small", "tall", "short", "long", "handsome", "plain", "quaint", "clean", "elegant",
  "easy", "angry", "crazy", "helpful", "mushy", "odd", "unsightly", "adorable", "important", "inexpensive", "cheap",
  "expensive", "fancy",
];
const COLOURS = ["red", "yellow", "blue", "green", "pink", "brown", "purple", "brown", "white", "black", "orange"];
const NOUNS = [
  "table", "chair", "house", "bbq", "desk", "car", "pony", "cookie", "sandwich", "burger", "pizza", "mouse", "keyboard",
];
const MASK = (1n << 64n) - 1n;

export class Labels {
  #nextId = 0;
  #generator = 0n;

  rows(count) {
    return Array.from({ length: count }, () => ({
      id: ++this.#nextId,
      label: `${this.#pick(ADJECTIVES)} ${this.#pick(COLOURS)} ${this.#pick(NOUNS)}`,
    }));
  }

  /** A word, by SplitMix64. */
  #pick(words) {
    this.#generator = (this.#generator + 0x9e3779b97f4a7c15n) & MASK;
    let bits = this.#generator;
    bits = ((bits ^ (bits >> 30n)) * 0xbf58476d1ce4e5b9n) & MASK;
    bits = ((bits ^ (bits >> 27n)) * 0x94d049bb133111ebn) & MASK;
    bits ^= bits >> 31n;
    return words[Number(bits % BigInt(words.length))];
  }
}
