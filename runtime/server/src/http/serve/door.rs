//! Who may connect: so many in all, as the system's limit of open files has it, and so many of an address.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};

use axum::http::Extensions;
use axum::http::request::Parts;
use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::time::{Duration, Instant};

use super::connection::Connection;
use crate::config::Config;
use crate::http::admission::bytes::{Account, Accounts};
use crate::http::admission::{Admissions, Admitted, Full, address};
use crate::limits;

/// A server's connections.
#[derive(Debug)]
pub(crate) struct Door {
    admissions: Arc<Admissions>,
    connections_max: usize,
    terms: OnceLock<Terms>,
    refused: Mutex<Refused>,
}

/// What a runtime's operator has set of connections; the first request for a live page brings it to the door.
#[derive(Debug, Clone)]
pub(crate) struct Terms {
    config: Arc<Config>,
    accounts: Arc<Accounts>,
}

/// Connections that were refused, counted so that a flood of them is one line of the log now and then.
#[derive(Debug, Default)]
struct Refused {
    count: u64,
    told_at: Option<Instant>,
}

const TOLD_EVERY: Duration = Duration::from_secs(10);

/// What a connection is told that there is no room for, as far as its buffer takes it.
const FULL: &[u8] =
    b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 5\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
const FULL_OF_ADDRESS: &[u8] =
    b"HTTP/1.1 429 Too Many Requests\r\nretry-after: 5\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";

impl Door {
    pub(super) fn new(connections_max: Option<usize>) -> Self {
        let connections_max = connections_max.unwrap_or_else(connections_max_of_system);
        let per_address_max = limits::CONNECTIONS_PER_IP_MAX.min(connections_max.div_ceil(2));
        Self {
            admissions: Arc::new(Admissions::new(connections_max, per_address_max)),
            connections_max,
            terms: OnceLock::new(),
            refused: Mutex::default(),
        }
    }

    /// Lets a connection in.
    pub(super) fn admit(&self, peer: SocketAddr) -> Result<Admitted, Full> {
        let is_proxy =
            self.terms.get().is_some_and(|terms| address::is_any(&terms.config.trusted_proxies, peer.ip()));
        self.admissions.admit((!is_proxy).then(|| address::network(peer.ip())))
    }

    /// Turns a connection away without waiting for it.
    pub(super) fn refuse(&self, mut stream: impl AsyncWrite + Unpin, peer: SocketAddr, full: Full) {
        let (text, bound) = match full {
            Full::Server => (FULL, "connections_max"),
            Full::Address => (FULL_OF_ADDRESS, "connections_per_ip_max"),
        };
        let count = {
            let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
            refused.count += 1;
            let is_due = refused.told_at.is_none_or(|at| at.elapsed() >= TOLD_EVERY);
            is_due.then(|| {
                refused.told_at = Some(Instant::now());
                std::mem::take(&mut refused.count)
            })
        };
        if let Some(count) = count {
            tracing::warn!(
                bound, count, %peer,
                "connections refused: there are as many as there may be. \
                 If the peer is a proxy, name it with `Config::with_trusted_proxies`"
            );
        }
        // A fresh connection's buffer takes as little at once, or never.
        let _ = futures_util::FutureExt::now_or_never(stream.write_all(text));
    }

    /// There are no descriptors left: whoever asks for nothing makes room. How many there were.
    pub(super) fn shed(&self) -> usize {
        self.admissions.shed(SHED_AT_A_TIME)
    }

    /// Whose account what is kept for a request goes to.
    pub(super) fn account(&self, peer: SocketAddr, head: &Parts) -> Option<Arc<Account>> {
        let Terms { config, accounts } = self.terms.get()?;
        let is_proxy = address::is_any(&config.trusted_proxies, peer.ip());
        let address = if is_proxy { address::of(config, head) } else { address::network(peer.ip()) };
        Some(accounts.of(Some(address)))
    }
}

/// Enough for what comes while those that are told to go close.
const SHED_AT_A_TIME: usize = 32;

/// The connection that a request came over, weakly: whoever keeps a request's extensions keeps no connection.
#[derive(Debug, Clone)]
pub(crate) struct Arrival(pub(super) Weak<Connection>);

impl Arrival {
    pub(crate) fn connection(extensions: &Extensions) -> Option<Arc<Connection>> {
        extensions.get::<Self>()?.0.upgrade()
    }
}

impl Terms {
    pub(crate) fn new(config: &Arc<Config>, accounts: &Arc<Accounts>) -> Self {
        Self { config: Arc::clone(config), accounts: Arc::clone(accounts) }
    }

    /// Tells the server that the request with these extensions came through.
    pub(crate) fn tell(&self, extensions: &Extensions) {
        let Some(connection) = Arrival::connection(extensions) else { return };
        let door = connection.door();
        if door.terms.get().is_some() || door.terms.set(self.clone()).is_err() {
            return;
        }
        let config = &self.config;
        // What isn't set leaves half to the others.
        let most = match config.connections_per_ip_max {
            Some(_) => door.connections_max,
            None => door.connections_max.div_ceil(2),
        };
        let bound = config.connections_of_an_address_max().min(most);
        door.admissions.bound(bound, |ip| address::is_any(&config.trusted_proxies, ip));
    }
}

/// As many as the process may have files open, less a share for others. The limit is raised as far as it may be.
#[cfg(unix)]
fn connections_max_of_system() -> usize {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let mut limit = current;
    if current.is_some_and(|current| maximum.is_none_or(|maximum| current < maximum)) {
        match setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }) {
            Ok(()) => {
                tracing::info!(from = current, to = maximum, "the limit of open files is raised");
                limit = maximum;
            }
            Err(error) => tracing::warn!(%error, limit = current, "the limit of open files stays as it is"),
        }
    }
    let Some(limit) = limit.and_then(|limit| usize::try_from(limit).ok()) else {
        return limits::CONNECTIONS_MAX;
    };
    let spare = (limit / limits::DESCRIPTORS_SPARE_SHARE).max(64).min(limit / 2);
    (limit - spare).max(1)
}

#[cfg(not(unix))]
fn connections_max_of_system() -> usize {
    limits::CONNECTIONS_MAX
}

/// Whether the process, or the system, has as many files open as it may.
pub(super) fn is_out_of_descriptors(error: &std::io::Error) -> bool {
    #[cfg(unix)]
    {
        use rustix::io::Errno;
        let codes = [Errno::MFILE, Errno::NFILE].map(|errno| Some(errno.raw_os_error()));
        codes.contains(&error.raw_os_error())
    }
    #[cfg(not(unix))]
    {
        let _ = error;
        false
    }
}

#[cfg(all(test, unix))]
mod tests {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    use super::*;

    #[test]
    fn the_limit_of_open_files_is_raised_and_some_are_left_to_others() {
        let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
        // Far above what the tests beside this one have open.
        let low = maximum.map_or(4_096, |maximum| maximum.min(4_096));
        setrlimit(Resource::Nofile, Rlimit { current: Some(low), maximum }).expect("it may be lowered");
        let connections = connections_max_of_system();
        let raised = getrlimit(Resource::Nofile);
        assert_eq!(raised.current, maximum);
        setrlimit(Resource::Nofile, Rlimit { current, maximum }).expect("as it was");
        let Some(maximum) = maximum else { return };
        let maximum = usize::try_from(maximum).expect("a number of files");
        assert!(connections < maximum && connections >= maximum / 2, "{connections} of {maximum}");
    }
}
