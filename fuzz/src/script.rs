//! A client's day as bytes: any bytes are one, so that a fuzzer's change is a small change.
//!
//! ```text
//! script = step*
//! step   = kind u8, then
//!          0 message   length u16, bytes
//!          1 event     session u8, instance u8, slot u8, payload u8, length u8
//!          2 open
//!          3 closed
//!          4 time      milliseconds u16
//!          5 timeout   at the time that the client gave
//!          6 tokens    bits u8: which parts the page still has
//!          7 refresh failed
//!          8 wake
//!          9 broken    session u8
//! ```
//!
//! A kind above counts again from 0; numbers are little-endian; what is cut short is 0.

/// One thing that happens to a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step<'a> {
    /// A message has come.
    Message(&'a [u8]),
    /// Something happened at a place; the payload is of this kind and so long.
    Event {
        /// The session.
        session: u32,
        /// The instance.
        instance: u32,
        /// The slot.
        slot: u32,
        /// The kind of the payload.
        payload: u8,
        /// How long it is.
        len: u8,
    },
    /// The socket is open.
    Open,
    /// The socket is closed.
    Closed,
    /// Milliseconds pass.
    Time(u16),
    /// The client's timeout is due.
    Timeout,
    /// The page has been fetched again; which parts it still has, a bit each.
    Tokens(u8),
    /// The page could not be fetched.
    RefreshFailed,
    /// The page is shown again.
    Wake,
    /// A session's document is not what it should be.
    Broken(u32),
}

/// Reads a script.
#[derive(Debug)]
pub struct Script<'a>(pub &'a [u8]);

impl Script<'_> {
    fn byte(&mut self) -> u8 {
        let (first, rest) = self.0.split_first().map_or((0, self.0), |(first, rest)| (*first, rest));
        self.0 = rest;
        first
    }

    fn short(&mut self) -> u16 {
        u16::from_le_bytes([self.byte(), self.byte()])
    }
}

impl<'a> Iterator for Script<'a> {
    type Item = Step<'a>;

    fn next(&mut self) -> Option<Step<'a>> {
        if self.0.is_empty() {
            return None;
        }
        Some(match self.byte() % 10 {
            0 => {
                let length = usize::from(self.short()).min(self.0.len());
                let (message, rest) = self.0.split_at(length);
                self.0 = rest;
                Step::Message(message)
            }
            1 => Step::Event {
                session: u32::from(self.byte()),
                instance: u32::from(self.byte()),
                slot: u32::from(self.byte()),
                payload: self.byte(),
                len: self.byte(),
            },
            2 => Step::Open,
            3 => Step::Closed,
            4 => Step::Time(self.short()),
            5 => Step::Timeout,
            6 => Step::Tokens(self.byte()),
            7 => Step::RefreshFailed,
            8 => Step::Wake,
            _ => Step::Broken(u32::from(self.byte())),
        })
    }
}

/// Appends a message to a script.
pub fn push_message(script: &mut Vec<u8>, message: &[u8]) {
    let length = u16::try_from(message.len()).expect("a seed's messages are short");
    script.push(0);
    script.extend(length.to_le_bytes());
    script.extend(message);
}
