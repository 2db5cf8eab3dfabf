//! What an operator can set.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::http::request::Parts;
use axum::http::uri::Authority;
use ipnet::IpNet;

use crate::limits;
#[cfg(feature = "recording")]
use crate::recording::recorder::Recording;
use crate::storage::store::SnapshotStore;

/// What a request says of who sent it.
type FromRequest<T> = Arc<dyn Fn(&Parts) -> Option<T> + Send + Sync>;

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
    /// Hosts that pages, socket and files are served for besides those that nobody elsewhere can have lead to
    /// this server: see [`Config::with_hosts`].
    pub hosts: Vec<String>,
    /// Origins whose pages may frame those with live components, besides the server's own.
    pub(crate) framers: Vec<String>,
    /// What pages with live components may load and run: without it, they only say who may frame them.
    pub(crate) content_security_policy: Option<String>,
    /// The key that session tokens and stored sessions are signed with: a random one per process unless set.
    pub secret: Option<[u8; 32]>,
    /// Where sessions are stored whose components ask for it: nowhere unless set.
    pub store: Option<Arc<dyn SnapshotStore>>,
    /// How long a stored session waits for its page: a day.
    pub stored_ttl: Duration,
    /// Who a request comes from, as far as a session is bound to it: nobody unless set.
    pub(crate) identity: Option<FromRequest<String>>,
    /// The address that a request comes from: the connection's unless set.
    pub(crate) client_ip: Option<FromRequest<IpAddr>>,
    /// Sessions in all: 100,000. At the bound, those that no page holds make room; then new pages get a 503.
    pub sessions_max: usize,
    /// Sessions that no socket has joined yet: 10,000. At the bound the oldest makes room.
    pub unattached_max: usize,
    /// Sessions of one address, or of one /64 of IPv6: 1,000, since many people may share one. At the bound,
    /// its oldest that no page holds makes room; then its new pages get a 429.
    pub sessions_per_ip_max: usize,
    /// Sessions of one identity: 200. At the bound as for an address.
    pub sessions_per_identity_max: usize,
    /// Events, resyncs and joins that a session takes a second: 1,000. The socket of one that sends more is
    /// read more slowly.
    pub events_per_second: u32,
    /// Events that a session takes at once before that rate counts: 2,000.
    pub events_burst: u32,
    /// How long a session waits for its page's socket: 30 seconds.
    pub unattached_ttl: Duration,
    /// How long a session waits for a lost socket to come back: 3 minutes.
    pub parked_ttl: Duration,
    /// Sockets in all: 100,000. Further ones get a 503 and come back later.
    pub sockets_max: usize,
    /// Bytes of an event's payload, as a form's fields: 1 MiB. The page tells the person of a larger one, and
    /// doesn't send it.
    pub event_bytes_max: usize,
    /// Bytes of a patch or snapshot from which on it is compressed for clients that can inflate: 1,400, which
    /// one packet carries. `None` compresses nothing.
    pub compressed_bytes_min: Option<usize>,
    /// Threads that run the code of components at a time; code that takes long has one more. As many as tokio's runtime
    /// has workers unless set, and none on a runtime of one thread, which runs that code itself.
    pub author_threads: Option<usize>,
    pub(crate) seed: Option<u64>,
    /// Which sessions are recorded and where to: none unless set. Needs the feature `recording`.
    #[cfg(feature = "recording")]
    pub recording: Option<Recording>,
    /// The proxies whose word on a client's address counts: none.
    pub(crate) trusted_proxies: Vec<IpNet>,
    /// The header that they give it in: `x-forwarded-for`.
    pub client_ip_header: String,
    /// Connections of one address: twice as many as its sockets, since a browser has others beside them, and
    /// no more than half of all that the server may have. At the bound, its oldest that neither asks for
    /// anything nor holds a session makes room; then further ones are closed.
    pub connections_per_ip_max: Option<usize>,
    /// Sockets of one address: twice as many as its sessions and 16, for pages that come back while their old
    /// sockets aren't known to be dead. At the bound, its oldest that holds no session makes room; then
    /// further ones get a 429.
    pub sockets_per_ip_max: Option<usize>,
    /// Bytes that the server keeps for clients in all, because they have not read, acknowledged or finished
    /// them: 256 MiB.
    pub waiting_bytes_max: usize,
    /// The same for one address: 64 MiB, and never more than the server has left.
    pub waiting_bytes_per_ip_max: usize,
}

/// Scripts of the server's own and none within the page; the client is WebAssembly. What else a page shows,
/// and from where, is left to its author.
const CONTENT_SECURITY_POLICY: &str =
    "script-src 'self' 'wasm-unsafe-eval'; object-src 'none'; base-uri 'self'";

impl Default for Config {
    fn default() -> Self {
        Self {
            prefix: "/lightspeed".to_owned(),
            allowed_origins: Vec::new(),
            hosts: Vec::new(),
            framers: Vec::new(),
            content_security_policy: Some(CONTENT_SECURITY_POLICY.to_owned()),
            secret: None,
            store: None,
            stored_ttl: Duration::from_hours(24),
            identity: None,
            client_ip: None,
            sessions_per_ip_max: 1_000,
            sessions_per_identity_max: 200,
            events_per_second: 1_000,
            events_burst: 2_000,
            event_bytes_max: limits::EVENT_BYTES_MAX,
            compressed_bytes_min: Some(limits::COMPRESSED_BYTES_MIN),
            author_threads: None,
            seed: None,
            sessions_max: 100_000,
            unattached_max: 10_000,
            unattached_ttl: Duration::from_secs(30),
            parked_ttl: Duration::from_mins(3),
            sockets_max: 100_000,
            #[cfg(feature = "recording")]
            recording: None,
            trusted_proxies: Vec::new(),
            client_ip_header: "x-forwarded-for".to_owned(),
            connections_per_ip_max: None,
            sockets_per_ip_max: None,
            waiting_bytes_max: limits::WAITING_BYTES_MAX,
            waiting_bytes_per_ip_max: limits::WAITING_BYTES_PER_IP_MAX,
        }
    }
}

impl Config {
    /// Sets where the socket and the client's files are.
    ///
    /// # Panics
    ///
    /// When `prefix` doesn't start with one slash or ends with one.
    pub fn with_prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        assert!(
            self.prefix.starts_with('/') && !self.prefix.starts_with("//") && !self.prefix.ends_with('/'),
            "the prefix must start with one slash and not end with one, as in \"/lightspeed\"; it is {:?}",
            self.prefix
        );
        self
    }

    /// Allows the pages of one more origin to open a socket.
    pub fn with_allowed_origin(mut self, origin: impl Into<String>) -> Self {
        self.allowed_origins.push(origin.into());
        self
    }

    /// Names hosts, without a port, that pages, socket and files are served for: `example.com`; `.example.com` for
    /// it and all names below it; `*` for any, where whatever is before the server sees to that.
    ///
    /// Needed for a server that is reached by a name of the public DNS. Those names pass anyway that nobody
    /// elsewhere can have lead here: addresses, `localhost` and all below it, names without a dot, and the
    /// hosts of [allowed origins](Config::with_allowed_origin). Any other is answered with 421: a page
    /// elsewhere might have its own name lead to this server, and read as its visitor what is meant for that
    /// visitor (DNS rebinding).
    ///
    /// ```
    /// let config = lightspeed::Config::default().with_hosts(["example.com", "www.example.com"]);
    /// ```
    ///
    /// # Panics
    ///
    /// When one of them isn't a host.
    pub fn with_hosts(mut self, hosts: impl IntoIterator<Item = impl Into<String>>) -> Self {
        for host in hosts {
            let host = host.into();
            let name = host.strip_prefix('.').unwrap_or(&host);
            let is_name = name.parse::<Authority>().is_ok_and(|authority| authority.host() == name);
            assert!(
                is_name || host == "*",
                "a host is named without scheme and port, as in \"example.com\"; it is {host:?}"
            );
            self.hosts.push(host);
        }
        self
    }

    /// Lets pages of these origins, as `https://www.example.com` or `https://*.example.com`, frame pages with
    /// live components. Without it, only the server's own may: whoever frames a page can have its visitor
    /// click on what they don't see.
    ///
    /// # Panics
    ///
    /// When one of them isn't an origin.
    pub fn with_framers(mut self, framers: impl IntoIterator<Item = impl Into<String>>) -> Self {
        for framer in framers {
            let framer = framer.into();
            let is_origin = framer.split_once("://").is_some_and(|(scheme, host)| {
                let is_plain =
                    framer.bytes().all(|byte| byte.is_ascii_graphic() && !b";,'\"".contains(&byte));
                is_plain && !scheme.is_empty() && !host.is_empty() && !host.contains('/')
            });
            assert!(is_origin, "a framer is an origin, as in \"https://www.example.com\"; it is {framer:?}");
            self.framers.push(framer);
        }
        self
    }

    /// Sets the [Content-Security-Policy](https://developer.mozilla.org/docs/Web/HTTP/Guides/CSP) of pages
    /// with live components, in place of
    /// `script-src 'self' 'wasm-unsafe-eval'; object-src 'none'; base-uri 'self'`. The client needs scripts
    /// of the server's own, `'wasm-unsafe-eval'`, connections to the server's own, and its style. A response
    /// that has a policy of its own keeps that one. `frame-ancestors` is added: it is set by
    /// [`Config::with_framers`].
    ///
    /// # Panics
    ///
    /// When it is no text of a header, or says `frame-ancestors`.
    pub fn with_content_security_policy(mut self, policy: impl Into<String>) -> Self {
        let policy = policy.into();
        let policy = policy.trim().trim_end_matches(';');
        assert!(
            policy.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic()),
            "a policy is one line of ASCII; it is {policy:?}"
        );
        assert!(
            !policy.to_ascii_lowercase().contains("frame-ancestors"),
            "who may frame a page is set by `Config::with_framers`; the policy is {policy:?}"
        );
        self.content_security_policy = Some(policy.to_owned()).filter(|policy| !policy.is_empty());
        self
    }

    /// Sends no Content-Security-Policy of the runtime's own but for `frame-ancestors`.
    pub fn without_content_security_policy(mut self) -> Self {
        self.content_security_policy = None;
        self
    }

    /// Sets the key that session tokens and stored sessions are signed with: 32 random bytes that
    /// nobody else knows, and the same for every server that shares a store.
    pub fn with_secret(mut self, secret: [u8; 32]) -> Self {
        self.secret = Some(secret);
        self
    }

    /// Sets where sessions are stored whose components ask for it by their
    /// [`POLICY`](crate::Live::POLICY). Set the secret too: it has to outlive the process as well.
    pub fn with_store(mut self, store: impl SnapshotStore) -> Self {
        self.store = Some(Arc::new(store));
        self
    }

    /// Sets how long a stored session waits for its page to come back.
    pub fn with_stored_ttl(mut self, stored_ttl: Duration) -> Self {
        self.stored_ttl = stored_ttl;
        self
    }

    /// Binds each session to who is at the browser: `identity` names them from a request's head, say
    /// by the user id that a login layer has put into its extensions. A session that one
    /// has begun is nobody else's, whatever token they show.
    ///
    /// ```
    /// #[derive(Clone)]
    /// struct UserId(u64);
    ///
    /// let config = lightspeed::Config::default()
    ///     .with_identity(|parts| parts.extensions.get::<UserId>().map(|user| user.0.to_string()));
    /// ```
    pub fn with_identity(
        mut self,
        identity: impl Fn(&Parts) -> Option<String> + Send + Sync + 'static,
    ) -> Self {
        self.identity = Some(Arc::new(identity));
        self
    }

    /// Sets how a client's address is found, where [`Config::with_trusted_proxies`] doesn't fit: from what a
    /// client cannot write. When it finds none, the connection's address counts. Once proxies are
    /// named it is asked only about requests that come from them.
    ///
    /// ```
    /// use std::net::IpAddr;
    ///
    /// #[derive(Clone)]
    /// struct Tunnel { client: IpAddr }
    ///
    /// let config = lightspeed::Config::default()
    ///     .with_client_ip(|parts| parts.extensions.get::<Tunnel>().map(|tunnel| tunnel.client));
    /// ```
    pub fn with_client_ip(
        mut self,
        client_ip: impl Fn(&Parts) -> Option<IpAddr> + Send + Sync + 'static,
    ) -> Self {
        self.client_ip = Some(Arc::new(client_ip));
        self
    }

    /// Sets how many sessions one address may have. Of IPv6 the first 64 bits count: a customer has all
    /// addresses that begin with them.
    pub fn with_sessions_per_ip_max(mut self, sessions_max: usize) -> Self {
        self.sessions_per_ip_max = sessions_max;
        self
    }

    /// Sets how many sessions one identity may have.
    pub fn with_sessions_per_identity_max(mut self, sessions_max: usize) -> Self {
        self.sessions_per_identity_max = sessions_max;
        self
    }

    /// Sets how many events a session takes a second, and how many at once before that counts.
    ///
    /// # Panics
    ///
    /// When one of them is 0.
    pub fn with_event_rate(mut self, per_second: u32, burst: u32) -> Self {
        assert!(
            per_second > 0 && burst > 0,
            "a session takes some events: {per_second} a second, {burst} at once"
        );
        self.events_per_second = per_second;
        self.events_burst = burst;
        self
    }

    /// Sets how many bytes an event's payload may have: a form's fields, URL-encoded, or what a field holds.
    /// A session's inbox takes as much in all as one event may have, and a page keeps four times as much.
    ///
    /// # Panics
    ///
    /// When it is less than 64 KiB or more than 8 MiB.
    pub fn with_event_bytes_max(mut self, bytes_max: usize) -> Self {
        let (least, most) = (limits::INBOUND_FRAME_BYTES_MAX, limits::EVENT_BYTES_CEILING);
        assert!(
            (least..=most).contains(&bytes_max),
            "an event has from {least} to {most} bytes at most; {bytes_max} is neither"
        );
        self.event_bytes_max = bytes_max;
        self
    }

    /// How many places of a session's inbox a frame takes: all of them together hold about as much as the
    /// largest frame.
    pub(crate) fn inbox_places(&self, frame_bytes: usize) -> u32 {
        let places = 1 + frame_bytes.saturating_mul(limits::INBOX_EVENTS_MAX) / self.event_bytes_max;
        u32::try_from(places.min(limits::INBOX_EVENTS_MAX)).unwrap_or(1)
    }

    /// Sets from how many bytes on a patch or snapshot is compressed.
    pub fn with_compressed_bytes_min(mut self, bytes_min: usize) -> Self {
        self.compressed_bytes_min = Some(bytes_min);
        self
    }

    /// Compresses nothing. For one component alone, [`Live::IS_COMPRESSED`](crate::Live::IS_COMPRESSED) says so.
    pub fn without_compression(mut self) -> Self {
        self.compressed_bytes_min = None;
        self
    }

    /// Sets how many threads run the code of components at a time, whatever tokio's runtime has.
    ///
    /// # Panics
    ///
    /// When it is 0.
    pub fn with_author_threads(mut self, threads: usize) -> Self {
        assert!(threads > 0, "the code of components needs a thread to run: set at least 1");
        self.author_threads = Some(threads);
        self
    }

    /// Makes everything that is random a function of `seed`. For simulations: whoever knows the seed knows every token.
    #[doc(hidden)]
    pub fn with_seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
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

    /// Records sessions, for `lightspeed replay`. Needs the feature `recording`.
    #[cfg(feature = "recording")]
    pub fn with_recording(mut self, recording: Recording) -> Self {
        self.recording = Some(recording);
        self
    }

    /// Names the proxies that stand between this server and its clients, each an address or a network. Of a request
    /// that comes from one of them, the right-most address in `X-Forwarded-For` that is none of them counts as the
    /// client's; nobody else's header is read. Their connections have no bound of their own.
    ///
    /// ```
    /// let config = lightspeed::Config::default().with_trusted_proxies(["10.0.0.0/8", "::1"]);
    /// ```
    ///
    /// # Panics
    ///
    /// When one of them is neither an address nor a network.
    pub fn with_trusted_proxies<P: AsRef<str>>(mut self, proxies: impl IntoIterator<Item = P>) -> Self {
        self.trusted_proxies = proxies
            .into_iter()
            .map(|proxy| {
                let text = proxy.as_ref();
                let network = text.parse::<IpNet>().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
                network.unwrap_or_else(|_| {
                    panic!("a trusted proxy is an address or a network, as \"10.0.0.1\" or \"10.0.0.0/8\"; this is {text:?}")
                })
            })
            .collect();
        self
    }

    /// Sets the header in which the trusted proxies give a client's address: `Forwarded`, or one with nothing
    /// but addresses. It must be one that each of them sets or adds to, and doesn't pass on as it came.
    pub fn with_client_ip_header(mut self, name: impl Into<String>) -> Self {
        self.client_ip_header = name.into().to_ascii_lowercase();
        self
    }

    /// Sets how many connections one address may have. [`Server`](crate::Server) knows it from the first request on
    /// that is for a page or a socket; until then it is 4,000.
    pub fn with_connections_per_ip_max(mut self, connections_max: usize) -> Self {
        self.connections_per_ip_max = Some(connections_max);
        self
    }

    /// Sets how many sockets one address may have.
    pub fn with_sockets_per_ip_max(mut self, sockets_max: usize) -> Self {
        self.sockets_per_ip_max = Some(sockets_max);
        self
    }

    /// Sets how many bytes the server keeps for clients: what they haven't read or acknowledged, older
    /// versions of their pages that their events may name, frames and request heads of theirs. What a
    /// component's state takes is its own. At a bound, a session that asks for more loses what waits for it
    /// and its socket, and is sent its document when it comes back.
    pub fn with_waiting_bytes_max(mut self, bytes_max: usize) -> Self {
        self.waiting_bytes_max = bytes_max;
        self
    }

    /// Sets how many bytes the server keeps for clients of one address. No address takes more than is left
    /// for all the others together.
    pub fn with_waiting_bytes_per_ip_max(mut self, bytes_max: usize) -> Self {
        self.waiting_bytes_per_ip_max = bytes_max;
        self
    }

    pub(crate) fn sockets_of_an_address_max(&self) -> usize {
        let of_sessions = self.sessions_per_ip_max.saturating_mul(2).saturating_add(limits::SOCKETS_SPARE);
        self.sockets_per_ip_max.unwrap_or(of_sessions)
    }

    pub(crate) fn connections_of_an_address_max(&self) -> usize {
        self.connections_per_ip_max.unwrap_or(self.sockets_of_an_address_max().saturating_mul(2))
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Config");
        shown
            .field("prefix", &self.prefix)
            .field("allowed_origins", &self.allowed_origins)
            .field("hosts", &self.hosts)
            .field("framers", &self.framers)
            .field("content_security_policy", &self.content_security_policy)
            .field("secret", &self.secret.map(|_| "set"))
            .field("store", &self.store.as_ref().map(|_| "set"))
            .field("stored_ttl", &self.stored_ttl)
            .field("identity", &self.identity.as_ref().map(|_| "set"))
            .field("client_ip", &self.client_ip.as_ref().map(|_| "set"))
            .field("sessions_per_ip_max", &self.sessions_per_ip_max)
            .field("sessions_per_identity_max", &self.sessions_per_identity_max)
            .field("events_per_second", &self.events_per_second)
            .field("events_burst", &self.events_burst)
            .field("sessions_max", &self.sessions_max)
            .field("unattached_max", &self.unattached_max)
            .field("unattached_ttl", &self.unattached_ttl)
            .field("parked_ttl", &self.parked_ttl)
            .field("event_bytes_max", &self.event_bytes_max)
            .field("compressed_bytes_min", &self.compressed_bytes_min)
            .field("sockets_max", &self.sockets_max)
            .field("author_threads", &self.author_threads);
        #[cfg(feature = "recording")]
        shown.field("recording", &self.recording);
        shown
            .field("trusted_proxies", &self.trusted_proxies)
            .field("client_ip_header", &self.client_ip_header)
            .field("connections_per_ip_max", &self.connections_per_ip_max)
            .field("sockets_per_ip_max", &self.sockets_per_ip_max)
            .field("waiting_bytes_max", &self.waiting_bytes_max)
            .field("waiting_bytes_per_ip_max", &self.waiting_bytes_per_ip_max)
            .finish_non_exhaustive()
    }
}
