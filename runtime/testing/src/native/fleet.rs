//! Servers behind a proxy, restarted one after the other while they are visited.
//!
//! The proxy is [HAProxy](https://docs.haproxy.org/2.6/configuration.html): it asks every
//! server for `/` many times a second and sends no one to a server that doesn't answer.

use std::fmt::Write as _;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep};

use super::process::{Log, ProcessConfig, ProcessError, ServerProcess, find_program};

/// How long the proxy may take to notice a server, and to start.
const NOTICED_WITHIN: Duration = Duration::from_secs(30);

/// How long until the proxy is asked again.
const ASK_AFTER: Duration = Duration::from_millis(20);

/// How often the proxy asks a server whether it is there.
const CHECK_EVERY: Duration = Duration::from_millis(100);

/// How long a server is up until it counts as back.
const STEADY_FOR: Duration = Duration::from_millis(300);

const _: () = assert!(STEADY_FOR.as_millis() >= CHECK_EVERY.as_millis() * 2, "a check begins and ends in it");

/// Ports that are tried: between the choice of one and the proxy's start, another program may take it.
const PORTS_TRIED_MAX: usize = 5;

/// Which server a connection goes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Balance {
    /// The same one for all connections from an address, while that server is up.
    Source,
    /// Each in turn: a page and its socket may be on different servers.
    RoundRobin,
}

impl Balance {
    /// As the proxy's configuration has it.
    fn directive(self) -> &'static str {
        match self {
            // Those of other servers stay where they are when one goes.
            Self::Source => "balance source\n    hash-type consistent",
            Self::RoundRobin => "balance roundrobin",
        }
    }
}

/// Servers and the proxy before them. All are ended when this is dropped.
#[derive(Debug)]
pub struct Fleet {
    /// The servers. Whoever ends one tells the proxy nothing, which finds out by itself.
    pub servers: Vec<ServerProcess>,
    proxy: Proxy,
}

#[derive(Debug)]
struct Proxy {
    address: SocketAddr,
    /// Where it answers questions.
    admin: PathBuf,
    log: Log,
    /// Killed when it is dropped.
    child: Child,
    program: PathBuf,
    _folder: TempDir,
}

impl Fleet {
    /// Starts `count` servers, each of `program` with a free port, and a proxy; waits until all are up.
    ///
    /// # Errors
    ///
    /// When one of them doesn't start, as without HAProxy on this machine.
    pub async fn start(
        program: &Path,
        count: usize,
        config: &ProcessConfig,
        balance: Balance,
    ) -> Result<Self, ProcessError> {
        let mut servers = Vec::new();
        for _ in 0..count {
            servers.push(ServerProcess::start_with(program, config.clone()).await?);
        }
        let addresses: Vec<_> = servers.iter().map(ServerProcess::address).collect();
        let mut fleet = Self { servers, proxy: Proxy::start(&addresses, balance).await? };
        for index in 0..count {
            fleet.proxy.wait_up(index).await?;
        }
        Ok(fleet)
    }

    /// Where the proxy listens.
    pub fn address(&self) -> SocketAddr {
        self.proxy.address
    }

    /// The URL of a page behind the proxy, as `/counter`.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.proxy.address)
    }

    /// Asks each server to end, one after the other, and starts it again; goes on with the next one when the proxy
    /// has noticed that it is back.
    ///
    /// # Errors
    ///
    /// When a server doesn't end within `end_within`, or doesn't come back.
    pub async fn roll(&mut self, end_within: Duration) -> Result<(), ProcessError> {
        for (index, server) in self.servers.iter_mut().enumerate() {
            server.terminate(end_within).await?;
            server.restart().await?;
            self.proxy.wait_up(index).await?;
        }
        Ok(())
    }
}

impl Proxy {
    async fn start(servers: &[SocketAddr], balance: Balance) -> Result<Self, ProcessError> {
        let program = find_program("haproxy").ok_or_else(|| ProcessError::Io {
            program: "haproxy".into(),
            error: io::Error::new(io::ErrorKind::NotFound, "not installed: run `make setup`"),
        })?;
        let mut tried_count = 1;
        loop {
            match Self::try_start(&program, servers, balance).await {
                Err(ProcessError::NotServing { .. }) if tried_count < PORTS_TRIED_MAX => tried_count += 1,
                result => return result,
            }
        }
    }

    async fn try_start(
        program: &Path,
        servers: &[SocketAddr],
        balance: Balance,
    ) -> Result<Self, ProcessError> {
        let fault = |error| ProcessError::Io { program: program.to_owned(), error };
        let folder = tempfile::Builder::new().prefix("lightspeed-fleet-").tempdir().map_err(fault)?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(fault)?;
        let address = listener.local_addr().map_err(fault)?;
        let admin = folder.path().join("admin.sock");
        let file = folder.path().join("haproxy.cfg");
        std::fs::write(&file, configuration(address, &admin, servers, balance)).map_err(fault)?;
        drop(listener);
        let mut child = Command::new(program)
            .arg("-db")
            .arg("-f")
            .arg(&file)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(fault)?;
        let log = Log::default();
        let stderr = child.stderr.take().expect("its standard error is a pipe");
        let logging = tokio::spawn(log.clone().fill(stderr));
        let deadline = Instant::now() + NOTICED_WITHIN;
        // It listens at all of its addresses or ends.
        while !admin.exists() || TcpStream::connect(address).await.is_err() {
            if child.try_wait().map_err(fault)?.is_some() || Instant::now() >= deadline {
                child.kill().await.map_err(fault)?;
                let _ = logging.await;
                let log = log.text();
                return Err(ProcessError::NotServing {
                    program: program.to_owned(),
                    within: NOTICED_WITHIN,
                    log,
                });
            }
            sleep(ASK_AFTER).await;
        }
        Ok(Self { address, admin, log, child, program: program.to_owned(), _folder: folder })
    }

    /// Waits until a server gets visitors, and goes on getting them: a server that was away for
    /// less than a check takes counts as up until the check fails.
    async fn wait_up(&mut self, index: usize) -> Result<(), ProcessError> {
        let deadline = Instant::now() + NOTICED_WITHIN;
        let name = server_name(index);
        let mut up_since = None;
        loop {
            let is_up = self.is_up(&name).await.map_err(|error| self.fault(error))?;
            up_since = is_up.then(|| up_since.unwrap_or_else(Instant::now));
            if up_since.is_some_and(|since| since.elapsed() >= STEADY_FOR) {
                return Ok(());
            }
            let has_ended = self.child.try_wait().map_err(|error| self.fault(error))?.is_some();
            if has_ended || Instant::now() >= deadline {
                let (program, log) = (self.program.clone(), self.log.text());
                return Err(ProcessError::NotServing { program, within: NOTICED_WITHIN, log });
            }
            sleep(ASK_AFTER).await;
        }
    }

    /// Asks for the [statistics](https://docs.haproxy.org/2.6/management.html#9.1): lines of
    /// values, among them the proxy's name, the server's name and, as the eighteenth, its status.
    async fn is_up(&self, name: &str) -> io::Result<bool> {
        let mut socket = UnixStream::connect(&self.admin).await?;
        socket.write_all(b"show stat\n").await?;
        let mut answer = String::new();
        socket.read_to_string(&mut answer).await?;
        let is_up = answer.lines().any(|line| {
            let values: Vec<_> = line.split(',').collect();
            values.get(1) == Some(&name) && values.get(17).is_some_and(|status| *status == "UP")
        });
        Ok(is_up)
    }

    fn fault(&self, error: io::Error) -> ProcessError {
        ProcessError::Io { program: self.program.clone(), error }
    }
}

fn server_name(index: usize) -> String {
    format!("server-{}", index + 1)
}

fn configuration(address: SocketAddr, admin: &Path, servers: &[SocketAddr], balance: Balance) -> String {
    let mut text = format!(
        "global
    stats socket {} mode 600
defaults
    mode http
    timeout connect 1s
    timeout client 60s
    timeout server 60s
    timeout tunnel 1h
    retries 3
    option redispatch 1
    retry-on conn-failure empty-response
frontend page
    bind {address}
    default_backend servers
backend servers
    {}
    option httpchk GET /
    http-check expect status 200
    default-server check inter {}ms fall 1 rise 1 observe layer4 error-limit 1 on-error mark-down
",
        admin.display(),
        balance.directive(),
        CHECK_EVERY.as_millis(),
    );
    for (index, server) in servers.iter().enumerate() {
        let _ = writeln!(text, "    server {} {server}", server_name(index));
    }
    text
}
