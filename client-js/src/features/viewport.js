// <ls-viewport rows="100000" first="960" row-height="32">: a scrolled box as high as all rows, of which it holds
// a few. It tells by an `input` event which rows are seen, as "first-last", when those that it holds run out.

/** Between two reports, in milliseconds. */
const PAUSE = 50;

class Viewport extends HTMLElement {
  static observedAttributes = ["rows", "first", "row-height"];

  /** What an `oninput` handler is given. */
  value;
  #all = document.createElement("div");
  #held = document.createElement("slot");
  #pause;
  #resized = new ResizeObserver(() => this.#scrolled());

  constructor() {
    super();
    this.#held.style.display = "block";
    this.#held.style.position = "relative";
    this.#all.append(this.#held);
    this.attachShadow({ mode: "open" }).append(this.#all);
    this.addEventListener("scroll", () => this.#scrolled(), { passive: true });
  }

  connectedCallback() {
    Object.assign(this.style, { display: "block", overflowY: "auto", overflowAnchor: "none" });
    this.#resized.observe(this);
    this.#view?.addEventListener("lightspeed:connected", this.#connected);
    this.#scrolled();
  }

  disconnectedCallback() {
    this.#resized.disconnect();
    clearTimeout(this.#pause);
    this.#pause = undefined;
  }

  attributeChangedCallback() {
    this.#all.style.height = `${this.#number("rows") * this.#height}px`;
    this.#held.style.top = `${this.#number("first") * this.#height}px`;
  }

  get #view() {
    return this.closest("lightspeed-view");
  }

  get #height() {
    return this.#number("row-height");
  }

  #number(name) {
    return Number(this.getAttribute(name)) || 0;
  }

  #connected = () => {
    this.value = undefined;
    this.#scrolled();
  };

  #scrolled() {
    if (this.#pause) return;
    this.#report();
    this.#pause = setTimeout(() => {
      this.#pause = undefined;
      this.#report();
    }, PAUSE);
  }

  #report() {
    if (!this.#view?.classList.contains("lightspeed-connected") || !this.#height) return;
    const first = Math.floor(this.scrollTop / this.#height);
    const last = Math.ceil((this.scrollTop + this.clientHeight) / this.#height);
    const margin = Math.ceil((last - first) / 2);
    const held = this.#number("first");
    const end = held + this.children.length;
    const isEnough =
      (first - margin >= held || held === 0) && (last + margin <= end || end >= this.#number("rows"));
    if (isEnough || this.value === `${first}-${last}`) return;
    this.value = `${first}-${last}`;
    this.dispatchEvent(new Event("input", { bubbles: true }));
  }
}

customElements.define("ls-viewport", Viewport);
