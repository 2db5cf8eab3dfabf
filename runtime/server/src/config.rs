//! What an operator can set.

use std::fmt;
use std::time::Duration;

use crate::recorder::Recording;

/// Settings of a [`Runtime`](crate::Runtime), each with a default that fits most servers.
///
/// ```
/// use std::time::Duration;
///
/// let config = lightspeed::Config::default()
///     .with_allowed_origin("https://www.example.com")
///     .with_parked_ttl(Duration::from_secs(600));
/// ```
#[derive(Clone)]
#[non_exhaustive]
pub struct Config {
    /// Where the socket and the client's files are: `/lightspeed`.
    pub prefix: String,
    /// Origins, as `https://www.example.com`, whose pages may open a socket besides those
    /// of the server's own host. Needed behind a proxy that doesn't pass the `Host` header on.
    pub allowed_origins: Vec<String>,
    /// The key that session tokens are signed with: a random one per process unless set.
    pub secret: Option<[u8; 32]>,
    /// Sessions in all: 100,000. At the bound, those that no page holds make room; then new pages get a 503.
    pub sessions_max: usize,
    /// Sessions that no socket has joined yet: 10,000. At the bound the oldest makes room.
    pub unattached_max: usize,
    /// How long a session waits for its page's socket: 30 seconds.
    pub unattached_ttl: Duration,
    /// How long a session waits for a lost socket to come back: 3 minutes.
    pub parked_ttl: Duration,
    /// Sockets in all: 100,000. Further ones get a 503 and come back later.
    pub sockets_max: usize,
    /// Which sessions are recorded and where to: none unless set.
    pub recording: Option<Recording>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            prefix: "/lightspeed".to_owned(),
            allowed_origins: Vec::new(),
            secret: None,
            sessions_max: 100_000,
            unattached_max: 10_000,
            unattached_ttl: Duration::from_secs(30),
            parked_ttl: Duration::from_mins(3),
            sockets_max: 100_000,
            recording: None,
        }
    }
}

impl Config {
    /// Sets where the socket and the client's files are.
    ///
    /// # Panics
    ///
    /// When `prefix` doesn't start with a slash or ends with one.
    pub fn with_prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        assert!(
            self.prefix.starts_with('/') && !self.prefix.ends_with('/'),
            "the prefix must start with a slash and not end with one, as in \"/lightspeed\"; it is {:?}",
            self.prefix
        );
        self
    }

    /// Allows the pages of one more origin to open a socket.
    pub fn with_allowed_origin(mut self, origin: impl Into<String>) -> Self {
        self.allowed_origins.push(origin.into());
        self
    }

    /// Sets the key that session tokens are signed with: 32 random bytes that nobody else knows.
    pub fn with_secret(mut self, secret: [u8; 32]) -> Self {
        self.secret = Some(secret);
        self
    }

    /// Sets how many sessions there may be.
    pub fn with_sessions_max(mut self, sessions_max: usize) -> Self {
        self.sessions_max = sessions_max;
        self
    }

    /// Sets how many sessions may wait for their first socket.
    pub fn with_unattached_max(mut self, unattached_max: usize) -> Self {
        self.unattached_max = unattached_max;
        self
    }

    /// Sets how long a session waits for its first socket.
    pub fn with_unattached_ttl(mut self, unattached_ttl: Duration) -> Self {
        self.unattached_ttl = unattached_ttl;
        self
    }

    /// Sets how long a session waits for a lost socket to come back.
    pub fn with_parked_ttl(mut self, parked_ttl: Duration) -> Self {
        self.parked_ttl = parked_ttl;
        self
    }

    /// Sets how many sockets there may be.
    pub fn with_sockets_max(mut self, sockets_max: usize) -> Self {
        self.sockets_max = sockets_max;
        self
    }

    /// Records sessions, for `lightspeed replay`.
    pub fn with_recording(mut self, recording: Recording) -> Self {
        self.recording = Some(recording);
        self
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("prefix", &self.prefix)
            .field("allowed_origins", &self.allowed_origins)
            .field("secret", &self.secret.map(|_| "set"))
            .field("sessions_max", &self.sessions_max)
            .field("unattached_max", &self.unattached_max)
            .field("unattached_ttl", &self.unattached_ttl)
            .field("parked_ttl", &self.parked_ttl)
            .field("sockets_max", &self.sockets_max)
            .field("recording", &self.recording)
            .finish()
    }
}
