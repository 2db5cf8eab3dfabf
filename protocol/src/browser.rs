//! Codes that the two halves of the browser client give each other. They never travel.
//!
//! The Rust half (`client-wasm`) has these tables, the JavaScript half a file that is generated from them:
//! `client-js/src/core/codes.js`, written by `make generate`.

use crate::codes::codes;

codes! {
    /// A change to a document. A patch is one array of numbers, which holds changes one after another, and one string.
    ///
    /// The operands of each change follow its code. The array holds no strings: it holds their lengths in UTF-16
    /// units, and the strings stand in the one string in the same order.
    ChangeCode {
        /// `instance, slot, text`
        Text = 1 "text",
        /// `instance, slot, start, delete, length`
        Splice = 2 "splice",
        /// `instance, slot, text`
        Attribute = 3 "attribute",
        /// `instance, slot, 0 | 1`
        Flag = 4 "flag",
        /// `instance, slot, length`
        Html = 5 "html",
        /// `instance, slot`
        Empty = 6 "empty",
        /// `instance, slot, before, count`, then that many instances
        Build = 7 "build",
        /// `instance, before`
        Move = 8 "move",
        /// `instance`
        Remove = 9 "remove",
        /// `0 | 1` (adopted), then one instance
        Root = 10 "root",
        /// `kind, length of the name, length of the data`
        Effect = 11 "effect",
    }
}

codes! {
    /// The form of a value. A `text` among the operands, the value of an attribute and the value of a content slot are
    /// one number each, `count * 4 + form`.
    ///
    /// An instance is `id, template`, then a value for each slot but handlers; of an adopted instance, only for content
    /// slots.
    ValueForm {
        /// Text; the count is its length plus one, or 0 for none.
        Text = 0 "text",
        /// Raw HTML; the count is its length.
        Html = 1 "html",
        /// Instances, which follow at once; the count is theirs.
        Children = 2 "children",
        /// Raw HTML that the page holds already.
        Adopted = 3 "adopted",
    }
}

codes! {
    /// The kind of an event's payload.
    PayloadCode {
        /// No payload.
        None = 0 "none",
        /// An unchecked box.
        False = 1 "false",
        /// A checked box.
        True = 2 "true",
        /// A text.
        Text = 3 "text",
    }
}

codes! {
    /// The state of a session's link, as the page shows it.
    LinkCode {
        /// Nothing has come yet.
        Connecting = 0 "connecting",
        /// The session is live.
        Connected = 1 "connected",
        /// The connection is lost; the client tries to get it back.
        Disconnected = 2 "disconnected",
        /// The session has ended for good.
        Failed = 3 "failed",
        /// No socket can be opened. JavaScript finds that out by itself (`client-js/src/features/why.js`).
        Blocked = 4 "blocked",
    }
}
