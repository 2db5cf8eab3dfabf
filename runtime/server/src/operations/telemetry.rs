//! What is told of sessions: one [tracing] event for each transition.
//!
//! All of them have the target [`TARGET`] and the field `transition`, one of [`TRANSITIONS`]. `component` is
//! the component's type, `session` its id in hexadecimal, which is no secret: a token is the id with a
//! signature. `draining` and `drained`, which are of the whole server, have neither. A layer that counts or
//! measures filters by the target.

use std::fmt::{self, Display, Write};

use lightspeed_core::session::Unfit;
use lightspeed_protocol::close::CloseReason;
use lightspeed_protocol::template::EventKind;

use crate::id::SessionId;

/// The target of every event.
pub const TARGET: &str = "lightspeed::session";

macro_rules! transitions {
    ($($name:ident = $text:literal $meaning:literal,)*) => {
        $(pub(crate) const $name: &str = $text;)*

        /// The values of the field `transition`, and what they mean.
        pub const TRANSITIONS: &[(&str, &str)] = &[$(($text, $meaning)),*];
    };
}

transitions! {
    MOUNTED = "mounted" "a page's request has made a session",
    ATTACHED = "attached" "a socket has joined; `epoch` counts them, `peer` is its address",
    REPLACED = "replaced" "a newer socket has taken over from the one of `epoch`",
    PARKED = "parked" "the socket is lost; the session waits for another",
    STORED = "stored" "a checkpoint is stored; `seq` is the last event in it, `bytes` its size",
    STORE_FAILED = "store-failed" "a checkpoint could not be stored and is tried again; `error` tells why",
    RESTORED = "restored" "the session has come back from the store",
    FENCED = "fenced" "another server has the session: this one has let it go",
    RESTARTED = "restarted" "the component panicked and is back at its last good state; `panic` is what it said",
    QUARANTINED = "quarantined" "`events` that made it panic are undone and refused",
    TASK_FAILED = "task-failed" "a task of the component panicked; `panic` is what it said",
    UNFIT = "unfit" "an event was refused: it carries what its handler doesn't take; `place`, `event`, `received` and `expected` say where and what",
    TASKS_WAIT = "tasks-wait" "no task has ended for long, so that `waiting` ones wait behind `running`",
    SLOW = "slow" "code of the component takes long: `what` it is and for how many `ms` by now; `is_over` when it has ended",
    SUSPENDED = "suspended" "the session makes room, or its server ends",
    CLOSED = "closed" "the session has ended; `reason` is its close reason",
    DRAINING = "draining" "the server ends; `sessions` are handed over",
    DRAINED = "drained" "`sessions` are left that could not be handed over in time",
}

macro_rules! tell {
    ($level:ident, $transition:expr, $component:expr, $session:expr $(, $($field:tt)*)?) => {
        tracing::$level!(
            target: $crate::telemetry::TARGET,
            transition = $transition,
            component = $component,
            session = %$session,
            $($($field)*)?
        )
    };
}
pub(crate) use tell;

/// A text that somebody else may have written, as one line: what would begin another line, or steer a
/// terminal, is escaped. Fields with `%` and messages need this; fields that are recorded as strings don't.
pub(crate) fn one_line(text: &impl Display) -> impl Display {
    struct OneLine<'a, T>(&'a T);

    impl<T: Display> Display for OneLine<'_, T> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(Escaping(f), "{}", self.0)
        }
    }

    struct Escaping<'a, 'f>(&'a mut fmt::Formatter<'f>);

    impl fmt::Write for Escaping<'_, '_> {
        fn write_str(&mut self, text: &str) -> fmt::Result {
            text.chars().try_for_each(|char| {
                // Beside control characters: the separators of lines and paragraphs, and what turns the
                // direction of writing.
                let is_plain = !char.is_control()
                    && !matches!(char, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
                if is_plain { self.0.write_char(char) } else { write!(self.0, "{}", char.escape_debug()) }
            })
        }
    }

    OneLine(text)
}

pub(crate) fn store_failed(session: SessionId, component: &str, error: &dyn Display) {
    tell!(warn, STORE_FAILED, component, session, error = %one_line(&error));
}

pub(crate) fn unfit(session: SessionId, component: &str, unfit: &Unfit) {
    let Unfit { instance, slot, place, event, received, expected, .. } = *unfit;
    let event = event.map_or("of a stream's row", EventKind::name);
    tell!(
        warn,
        UNFIT,
        component,
        session,
        event,
        instance,
        slot,
        place,
        received,
        expected,
        "an event carries {received} and its handler takes {expected}: what a field sends goes by the kind of the field. Put the \
         handler on the field itself, or have it take `()`"
    );
}

pub(crate) fn closed(
    session: SessionId,
    component: &str,
    reason: CloseReason,
    peer: Option<std::net::SocketAddr>,
    detail: Option<&str>,
) {
    let (reason_name, peer) = (reason.name(), peer.map(tracing::field::display));
    match reason {
        CloseReason::Left | CloseReason::ShuttingDown | CloseReason::SessionGone => {
            tell!(info, CLOSED, component, session, reason = reason_name, peer, detail, "session closed");
        }
        CloseReason::ComponentFailed | CloseReason::PatchTooLarge => {
            tell!(error, CLOSED, component, session, reason = reason_name, peer, detail, "session closed");
        }
        _ => tell!(warn, CLOSED, component, session, reason = reason_name, peer, detail, "session closed"),
    }
}
