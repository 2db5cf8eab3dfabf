//! Every bound of the wire, in one place, with their relations asserted.

/// The largest message that a server takes from a client, in bytes, unless the message is an event.
pub const INBOUND_FRAME_BYTES_MAX: usize = 64 * 1024;

/// The largest payload of an event, in bytes of MessagePack, unless the operator says otherwise.
pub const EVENT_BYTES_MAX: usize = 1024 * 1024;

/// The most that an operator may let a payload have, in bytes.
pub const EVENT_BYTES_CEILING: usize = 8 * 1024 * 1024;

/// What a frame has around a payload or a program, in bytes.
pub const FRAME_HEAD_BYTES_MAX: usize = 64;

/// Bytes of events that a client keeps until they are acknowledged, as a multiple of the largest payload.
pub const EVENTS_UNACKED_LARGEST_MAX: usize = 4;

/// The slowest client whose large message is waited for, in bytes a second, counted over the whole message.
pub const INBOUND_BYTES_PER_SECOND_MIN: u64 = 1024;

/// The largest message that a server sends, in bytes; a client refuses a larger one.
pub const OUTBOUND_FRAME_BYTES_MAX: usize = 8 * 1024 * 1024;

/// What a byte of DEFLATE can inflate to, in bytes: 258 of them take two bits at least.
pub const INFLATE_RATIO_MAX: usize = 1032;

/// Patches sent and not acknowledged, after which rendering waits.
pub const PATCHES_UNACKED_MAX: usize = 10;

/// Bytes of patches sent and not acknowledged, after which rendering waits.
pub const PATCHES_UNACKED_BYTES_MAX: usize = OUTBOUND_FRAME_BYTES_MAX;

/// Older versions whose events are still understood; an event of one before is refused.
pub const VERSIONS_SEEN_MAX: usize = 32;

/// Events that a client keeps until they are acknowledged; more are not taken from the page.
pub const EVENTS_UNACKED_MAX: usize = 256;

/// Events waiting in a session's inbox on the server.
pub const INBOX_EVENTS_MAX: usize = 64;

/// Sessions on one socket.
pub const SESSIONS_PER_SOCKET_MAX: usize = 64;

/// Templates that a client keeps for a page, and that a hello may list.
pub const TEMPLATES_PER_PAGE_MAX: usize = 4096;

/// Slots of one template.
pub const TEMPLATE_SLOTS_MAX: u32 = 4096;

/// Steps in a slot's path.
pub const TEMPLATE_DEPTH_MAX: u32 = 256;

/// Bytes of one record of a recording: a frame, and the templates before it.
pub const RECORD_BYTES_MAX: usize = OUTBOUND_FRAME_BYTES_MAX + 4 * 1024 * 1024;

/// Bytes of a recording.
pub const RECORDING_BYTES_MAX: usize = 1024 * 1024 * 1024;

/// Records of a recording.
pub const RECORDING_RECORDS_MAX: usize = 1_000_000;

/// Nesting of instances within instances.
pub const INSTANCE_DEPTH_MAX: usize = 128;

/// Nesting of MessagePack arrays in any frame: instances nest twice per level.
pub const VALUE_DEPTH_MAX: usize = 2 * INSTANCE_DEPTH_MAX + 8;

/// Instances in one document, and instances that one program makes; a program that asks for more is invalid.
pub const INSTANCES_MAX: usize = 1_000_000;

/// Bytes of text in a close frame.
pub const CLOSE_MESSAGE_BYTES_MAX: usize = 100;

/// How often a client that has nothing to say pings, in milliseconds.
pub const HEARTBEAT_MS: u64 = 15_000;

/// Silence after which either side takes the socket for dead, in milliseconds.
pub const SILENCE_MS_MAX: u64 = 30_000;

/// How long an acknowledgement waits for an event to ride on, in milliseconds.
pub const ACK_DELAY_MS: u64 = 50;

/// How long a client may owe an acknowledgement, in milliseconds: a hidden page's timers run once a minute.
pub const ACK_MS_MAX: u64 = 120_000;

/// The longest time that a server may tell a client to stay away, in milliseconds.
pub const RETRY_MS_MAX: u64 = 60_000;

/// The first reconnect happens within this time, in milliseconds; the bound doubles each time.
pub const RECONNECT_MS_MIN: u64 = 50;

/// The longest wait before a reconnect, in milliseconds.
pub const RECONNECT_MS_MAX: u64 = 5_000;

const _: () = {
    assert!(HEARTBEAT_MS * 2 <= SILENCE_MS_MAX, "one lost heartbeat must not end a socket");
    assert!(ACK_DELAY_MS < HEARTBEAT_MS, "a waiting acknowledgement goes out before a ping");
    assert!(ACK_MS_MAX > 60_000 + ACK_DELAY_MS, "the acknowledgement of a hidden page comes in time");
    assert!(VERSIONS_SEEN_MAX > PATCHES_UNACKED_MAX, "what the client may show is understood");
    assert!(RECONNECT_MS_MIN < RECONNECT_MS_MAX, "the backoff grows");
    assert!(
        PATCHES_UNACKED_BYTES_MAX >= OUTBOUND_FRAME_BYTES_MAX,
        "one patch of the largest size fits the window"
    );
    assert!(OUTBOUND_FRAME_BYTES_MAX < 1 << 24, "the size of a compressed frame begins with a 0");
    assert!(EVENT_BYTES_MAX <= EVENT_BYTES_CEILING, "an operator may leave it as it is");
    assert!(
        EVENT_BYTES_MAX + FRAME_HEAD_BYTES_MAX > INBOUND_FRAME_BYTES_MAX,
        "an event may be larger than everything else"
    );
    assert!(
        EVENT_BYTES_CEILING + FRAME_HEAD_BYTES_MAX < RECORD_BYTES_MAX,
        "the largest event fits a recording"
    );
    assert!(RECORD_BYTES_MAX < 1 << 24, "an offset in a record fits an error");
    assert!(RECORDING_BYTES_MAX > 2 * RECORD_BYTES_MAX, "the page and a frame of the largest size fit");
    assert!(CLOSE_MESSAGE_BYTES_MAX <= 123, "RFC 6455, 5.5: a close frame's reason");
    assert!(
        TEMPLATES_PER_PAGE_MAX * 5 + 1024 < INBOUND_FRAME_BYTES_MAX,
        "a hello that lists every template fits"
    );
};
