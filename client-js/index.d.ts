/** How the link of a live part of the page is. The class of the same name, after `lightspeed-`, is on its element. */
export type LinkState = "connecting" | "connected" | "disconnected" | "blocked" | "failed";

/** The element around a live component. */
export interface LightspeedViewElement extends HTMLElement {
  dataset: DOMStringMap & {
    /** The signed token of the session. */
    session: string;
  };
}

declare global {
  interface HTMLElementTagNameMap {
    "lightspeed-view": LightspeedViewElement;
  }

  /** Dispatched on a `lightspeed-view`; they bubble. Those of its link have no detail. */
  interface HTMLElementEventMap {
    "lightspeed:connecting": CustomEvent<null>;
    "lightspeed:connected": CustomEvent<null>;
    "lightspeed:disconnected": CustomEvent<null>;
    /** No socket can be opened, and the server tells why: the detail. */
    "lightspeed:blocked": CustomEvent<string>;
    "lightspeed:failed": CustomEvent<null>;
    /** Something had no effect. The detail is a message for the person, empty where there is nothing to tell; elements with `data-lightspeed-message` show it. */
    "lightspeed:refused": CustomEvent<string>;
    /** A component tells the person something: the detail. Elements with `data-lightspeed-message` show it. */
    "lightspeed:flash": CustomEvent<string>;
    /** A component hands a value to the page's own code. */
    "lightspeed:push": CustomEvent<{ name: string; data: unknown }>;
  }
}
