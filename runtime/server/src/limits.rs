//! The bounds that are the server's own; those of the wire are [`lightspeed_protocol::limits`].

use std::time::Duration;

pub use lightspeed_core::session::hibernation::HIBERNATE_AFTER_MS;
pub use lightspeed_protocol::limits::{
    CLOSE_MESSAGE_BYTES_MAX, EVENT_BYTES_CEILING, EVENT_BYTES_MAX, FRAME_HEAD_BYTES_MAX, HEARTBEAT_MS,
    INBOUND_BYTES_PER_SECOND_MIN, INBOUND_FRAME_BYTES_MAX, INBOX_EVENTS_MAX, OUTBOUND_FRAME_BYTES_MAX,
    RECORDING_BYTES_MAX, RECORDING_RECORDS_MAX, RETRY_MS_MAX, SESSIONS_PER_SOCKET_MAX, SILENCE_MS_MAX,
    TEMPLATES_PER_PAGE_MAX,
};

/// How long a client that has said hello may hold a socket without a session.
pub const JOIN_WITHIN: Duration = Duration::from_secs(30);

/// How long a connection or socket that asks for nothing is left alone before it may have to make room for another.
pub const MAKES_ROOM_AFTER: Duration = Duration::from_secs(2);

/// Bytes of a request's head; more are answered with 431. Also what hyper gathers of a response before it
/// waits for the client.
pub const REQUEST_HEAD_BYTES_MAX: usize = 32 * 1024;

/// The slowest client that a request's body is awaited from, or a response is sent to, in bytes a second.
/// Beside it holds [`STALL_MAX`].
pub const HTTP_BYTES_PER_SECOND_MIN: usize = 1024;

/// Bytes of one connection that the kernel holds and hasn't sent, so that it is soon known that a client reads nothing.
pub const UNSENT_BYTES_MAX: u32 = 16 * 1024;

/// Bytes that are kept for clients in all, unless the operator says otherwise.
pub const WAITING_BYTES_MAX: usize = 256 * 1024 * 1024;

/// The same for one address.
pub const WAITING_BYTES_PER_IP_MAX: usize = 64 * 1024 * 1024;

/// Bytes that are kept for one session, one socket or one connection whatever others keep: an answer of the
/// usual size is never refused.
pub const WAITING_BYTES_FREE: usize = 64 * 1024;

/// Bytes of a frame of a client's that are taken in whatever is kept.
pub const INBOUND_BYTES_FREE: usize = 4 * 1024;

/// Bytes of a message that isn't whole that are counted.
pub(crate) const UNREAD_BYTES_MAX: usize = 1024 * 1024;

/// Connections of one address, as long as no [`Config`](crate::Config) is known that says otherwise.
pub const CONNECTIONS_PER_IP_MAX: usize = 4_000;

/// Sockets of an address beyond twice its sessions.
pub(crate) const SOCKETS_SPARE: usize = 16;

/// Connections in all where the system tells no limit of open files.
pub const CONNECTIONS_MAX: usize = 200_000;

/// Of the files that a process may open, the share that connections leave to others: files of the
/// application, its database.
pub const DESCRIPTORS_SPARE_SHARE: usize = 16;

/// Tasks of one session that run at a time.
pub const TASKS_IN_FLIGHT_MAX: usize = 32;

/// Tasks of one session that wait for others to end; one more ends the session.
pub const TASKS_WAITING_MAX: usize = 1024;

/// How long tasks wait without any being started before the log says so.
pub const TASKS_WAIT_TOLD_AFTER: Duration = Duration::from_secs(10);

/// How long the code of a component may run until another thread has its thread's place. The watch notices it
/// at most 2 milliseconds later.
pub const TURN_HANDED_ON_AFTER: Duration = Duration::from_millis(2);

/// The same for a new page that computes or waits for a processor, and for such a turn of a session whose
/// earlier turns have computed for long.
pub const TURN_COMPUTES_MAX: Duration = Duration::from_millis(50);

/// The same for those that wait, for a database for example. Longer than it takes until the system tells what
/// a thread has used.
pub const TURN_WAITS_AFTER: Duration = Duration::from_millis(12);

/// How long a component may compute until its thread gets less of a core than others, on Linux. Not sooner,
/// since such a thread may hold a lock of the allocator, for which others wait.
pub const TURN_MAKES_WAY_AFTER: Duration = Duration::from_millis(50);

/// How long after a turn that computed a session counts as one that computes. So long a new one counts as
/// others of its component do.
pub const HEAVY_FOR: Duration = Duration::from_secs(10);

/// How long it may run until the log tells of it.
pub const TURN_SLOW_AFTER: Duration = Duration::from_millis(100);

/// How many turns may be long at a time, each in a thread of its own: half of them turns of sessions, a
/// quarter new pages, a quarter turns of sessions that compute for long. One more holds up the others of its
/// kind.
pub const TURNS_LONG_MAX: usize = 512;

/// How long turns of sessions may wait for a thread until new pages are taken up more slowly.
pub const TURNS_WAIT_MAX: Duration = Duration::from_micros(500);

/// The longest that a thread pauses before it takes up the next page then.
pub const PAGES_PAUSE_MAX: Duration = Duration::from_millis(5);

/// How long a client may take to say hello.
pub const HELLO_WITHIN: Duration = Duration::from_secs(10);

/// Bytes that a socket takes without a message in them that makes sense, before a session has joined on it.
pub const INBOUND_UNJOINED_BYTES_MAX: usize = INBOUND_FRAME_BYTES_MAX + 1024;

/// How often a client is told that a large message of its is coming in. Sooner than a page that is shown again gives a
/// socket up (5 seconds).
pub const PROGRESS_EVERY: Duration = Duration::from_secs(2);

/// How long a client may take to read anything at all.
pub const STALL_MAX: Duration = Duration::from_secs(10);

/// The slowest client that large frames are sent to, in bytes a second.
pub const DRAIN_BYTES_PER_SECOND_MIN: usize = 16 * 1024;

/// Bytes of a patch or snapshot from which on it is compressed, unless the operator says otherwise.
pub const COMPRESSED_BYTES_MIN: usize = 1400;

/// Bytes that are compressed before other tasks have their turn: one millisecond's worth.
pub const COMPRESSED_AT_A_TIME_BYTES: usize = 64 * 1024;

/// Frames that wait for one socket.
pub const OUTBOX_FRAMES_MAX: usize = 1024;

/// Bytes that wait for one socket.
pub const OUTBOX_BYTES_MAX: usize = 2 * OUTBOUND_FRAME_BYTES_MAX;

/// How long a socket that is being closed waits for the other side.
pub const CLOSE_WITHIN: Duration = Duration::from_secs(2);

/// How long a client may take to send a request's head.
pub const REQUEST_HEAD_WITHIN: Duration = Duration::from_secs(10);

/// How long a store may take for one answer before it is asked again.
pub const STORE_ANSWER_WITHIN: Duration = Duration::from_secs(5);

/// The longest wait before a store that fails is asked again; the first is 50 milliseconds.
pub const STORE_RETRY_MAX: Duration = Duration::from_secs(5);

/// How long a durable session waits for the store until its page is told that it is unavailable.
pub const STORE_OUT_AFTER: Duration = Duration::from_secs(15);

/// How long a session that has to make room waits for the store.
pub const SUSPEND_WITHIN: Duration = Duration::from_secs(10);

/// The longest that a session waits for its page, in memory or in the store: a hundred years.
pub const TTL_MAX: Duration = Duration::from_hours(100 * 365 * 24);

/// Bytes of one stored session.
pub const STORED_BYTES_MAX: usize = 16 * 1024 * 1024;

/// How long bringing a session back may take: reading it, mounting, and storing that it is here.
pub const RESTORE_WITHIN: Duration = Duration::from_secs(10);

/// Sessions that are handed over at a time when a server ends.
pub const DRAIN_BATCH: usize = 256;

/// How long handing all of them over may take.
pub const DRAIN_WITHIN: Duration = Duration::from_secs(8);

/// Sessions that come back in a second after a server has ended: the others are told to wait.
pub const RETURNS_PER_SECOND: u64 = 4_000;

/// Bytes that wait to be recorded; more end the recording that they are of.
pub const RECORDER_QUEUE_BYTES_MAX: usize = 4 * OUTBOUND_FRAME_BYTES_MAX;

/// Values of a session that are kept out of its recording; more end it.
pub const RECORDER_SECRETS_MAX: usize = 4096;

/// Bytes of a value from which on it is looked for within other texts.
pub const RECORDER_SECRET_BYTES_MIN: usize = 3;

/// Bytes of a record without a frame or a state.
#[cfg(feature = "recording")]
pub(crate) const RECORD_HEAD_BYTES: usize = 64;

const _: () = {
    assert!(OUTBOX_BYTES_MAX > OUTBOUND_FRAME_BYTES_MAX, "the largest frame fits");
    assert!(TASKS_WAITING_MAX > INBOX_EVENTS_MAX, "a full inbox of events may each perform a task");
    assert!(
        OUTBOX_FRAMES_MAX >= SESSIONS_PER_SOCKET_MAX * 16,
        "every session's window of patches and its replies fit"
    );
};
