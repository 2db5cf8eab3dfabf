//! A server as a process of its own.

use std::ffi::{OsStr, OsString};
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustix::process::{Pid, Resource, Rlimit, Signal, getrlimit, kill_process, setrlimit};
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};

/// What is kept of a log: its first bytes, which say how a trouble began.
const LOG_BYTES_MAX: usize = 1 << 20;

/// How long until another try to listen at an address that is in use.
const RETRY_AFTER: Duration = Duration::from_millis(50);

/// Why a process is not as it should be.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProcessError {
    /// It could not be started, asked or told.
    #[error("{program}: {error}")]
    Io {
        /// The program.
        program: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// It has ended, or said nothing of an address in time.
    #[error("{program} has not begun to serve within {within:?}; it said:\n{log}")]
    NotServing {
        /// The program.
        program: PathBuf,
        /// How long was waited.
        within: Duration,
        /// What it wrote to its standard error.
        log: String,
    },
    /// It goes on though it was asked to end.
    #[error("{program} has not ended within {within:?}; it said:\n{log}")]
    StillRunning {
        /// The program.
        program: PathBuf,
        /// How long was waited.
        within: Duration,
        /// What it wrote to its standard error.
        log: String,
    },
}

/// Settings of a [`ServerProcess`].
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ProcessConfig {
    /// Where to listen, told by `LIGHTSPEED_ADDR`: a free port of 127.0.0.1 unless set.
    pub address: SocketAddr,
    /// Variables of its environment, besides those of this process.
    pub environment: Vec<(OsString, OsString)>,
    /// How long until it serves: 30 seconds.
    pub start_within: Duration,
}

impl Default for ProcessConfig {
    fn default() -> Self {
        Self {
            address: SocketAddr::new(Ipv4Addr::LOCALHOST.into(), 0),
            environment: Vec::new(),
            start_within: Duration::from_secs(30),
        }
    }
}

impl ProcessConfig {
    /// Sets where to listen.
    pub fn with_address(mut self, address: SocketAddr) -> Self {
        self.address = address;
        self
    }

    /// Sets a variable of its environment.
    pub fn with_variable(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.environment.push((name.as_ref().to_owned(), value.as_ref().to_owned()));
        self
    }

    /// Sets how long until it serves.
    pub fn with_start_within(mut self, within: Duration) -> Self {
        self.start_within = within;
        self
    }
}

/// A server that listens where `LIGHTSPEED_ADDR` says and tells its address in its first line,
/// as the gallery does. It is killed when this is dropped.
#[derive(Debug)]
pub struct ServerProcess {
    program: PathBuf,
    config: ProcessConfig,
    child: Child,
    address: SocketAddr,
    log: Log,
    logging: JoinHandle<()>,
}

impl ServerProcess {
    /// Starts `program` on a free port and waits until it serves.
    ///
    /// # Errors
    ///
    /// When it doesn't.
    pub async fn start(program: impl Into<PathBuf>) -> Result<Self, ProcessError> {
        Self::start_with(program, ProcessConfig::default()).await
    }

    /// The same with settings. Tries again for as long as another program has the port.
    ///
    /// # Errors
    ///
    /// When it doesn't serve in time.
    pub async fn start_with(
        program: impl Into<PathBuf>,
        config: ProcessConfig,
    ) -> Result<Self, ProcessError> {
        let program = program.into();
        let log = Log::default();
        let deadline = Instant::now() + config.start_within;
        loop {
            let fault = |error| ProcessError::Io { program: program.clone(), error };
            let mut child = Command::new(&program)
                // The contacts of whoever runs the tests are theirs.
                .env_remove("LIGHTSPEED_CONTACTS")
                .env("LIGHTSPEED_ADDR", config.address.to_string())
                .envs(config.environment.iter().map(|(name, value)| (name, value)))
                .stdin(Stdio::null())
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .kill_on_drop(true)
                .spawn()
                .map_err(fault)?;
            let stdout = child.stdout.take().expect("its standard output is a pipe");
            let stderr = child.stderr.take().expect("its standard error is a pipe");
            let logging = tokio::spawn(log.clone().fill(stderr));
            let mut line = String::new();
            let left = deadline.saturating_duration_since(Instant::now());
            // Whatever keeps the line from coming, the process is of no use without it.
            let _ = timeout(left, BufReader::new(stdout).read_line(&mut line)).await;
            if let Some(address) = line.rsplit("http://").next().and_then(|text| text.trim().parse().ok()) {
                return Ok(Self { program, config, child, address, log, logging });
            }
            child.kill().await.map_err(fault)?;
            // What it said is read to its end before anyone is told of it.
            let _ = logging.await;
            if config.address.port() == 0 || Instant::now() + RETRY_AFTER >= deadline {
                return Err(ProcessError::NotServing {
                    within: config.start_within,
                    log: log.text(),
                    program,
                });
            }
            sleep(RETRY_AFTER).await;
        }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The URL of a page, as `/counter`.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Its number among the processes; `None` when it has ended.
    pub fn pid(&self) -> Option<u32> {
        self.child.id()
    }

    /// What it has written to its standard error, restarts included.
    pub fn log(&self) -> String {
        self.log.text()
    }

    /// Ends it with no time for goodbyes (SIGKILL).
    ///
    /// # Errors
    ///
    /// When it has ended already.
    pub async fn kill(&mut self) -> Result<ExitStatus, ProcessError> {
        self.child.start_kill().map_err(|error| self.fault(error))?;
        self.ended(Duration::from_secs(30)).await
    }

    /// Asks it to end (SIGTERM) and waits until it has.
    ///
    /// # Errors
    ///
    /// When it has ended already, or does not within that time.
    pub async fn terminate(&mut self, within: Duration) -> Result<ExitStatus, ProcessError> {
        self.ask_to_end()?;
        self.ended(within).await
    }

    /// Asks it to end (SIGTERM) and waits for nothing.
    ///
    /// # Errors
    ///
    /// When it has ended already.
    pub fn ask_to_end(&self) -> Result<(), ProcessError> {
        // The number is this child's until it has been waited for, and then there is none.
        let pid = self.pid().and_then(|pid| Pid::from_raw(i32::try_from(pid).ok()?));
        let pid = pid.ok_or_else(|| self.fault(io::Error::other("it has ended already")))?;
        kill_process(pid, Signal::TERM).map_err(|error| self.fault(error.into()))
    }

    /// Waits until it has ended.
    ///
    /// # Errors
    ///
    /// When it does not within that time.
    pub async fn ended(&mut self, within: Duration) -> Result<ExitStatus, ProcessError> {
        let Ok(status) = timeout(within, self.child.wait()).await else {
            let (program, log) = (self.program.clone(), self.log());
            return Err(ProcessError::StillRunning { program, within, log });
        };
        let status = status.map_err(|error| self.fault(error))?;
        if !self.logging.is_finished() {
            // All that it said is read; a panic of the reader would only leave less to read.
            let _ = (&mut self.logging).await;
        }
        Ok(status)
    }

    /// Starts it again at the same address, after it has ended.
    ///
    /// # Errors
    ///
    /// When it doesn't serve in time.
    ///
    /// # Panics
    ///
    /// When it has not ended.
    pub async fn restart(&mut self) -> Result<(), ProcessError> {
        assert!(self.pid().is_none(), "a server is restarted after it has ended");
        let config = self.config.clone().with_address(self.address);
        let next = Self::start_with(self.program.clone(), config).await?;
        let earlier = std::mem::replace(self, next);
        self.log.prepend(&earlier.log());
        Ok(())
    }

    /// The most memory that it has held, in bytes: `VmHWM` of
    /// [`/proc/PID/status`](https://man7.org/linux/man-pages/man5/proc_pid_status.5.html).
    ///
    /// # Errors
    ///
    /// When it has ended, or the system has no such file.
    pub fn memory_peak_bytes(&self) -> Result<u64, ProcessError> {
        let pid = self.pid().ok_or_else(|| self.fault(io::Error::other("it has ended")))?;
        let path = format!("/proc/{pid}/status");
        let status = std::fs::read_to_string(path).map_err(|error| self.fault(error))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB"));
        let kilobytes: Option<u64> = line.and_then(|number| number.parse().ok());
        kilobytes.map(|count| count * 1024).ok_or_else(|| self.fault(io::Error::other("no VmHWM is told")))
    }

    fn fault(&self, error: io::Error) -> ProcessError {
        ProcessError::Io { program: self.program.clone(), error }
    }
}

impl Drop for ServerProcess {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{} said:\n{}", self.program.display(), self.log());
        }
    }
}

/// Lets this process, and those that it starts, open as many files and sockets as the system
/// allows it; returns how many.
///
/// # Errors
///
/// When the system refuses.
pub fn raise_descriptor_limit() -> io::Result<u64> {
    let maximum = getrlimit(Resource::Nofile).maximum;
    setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum })?;
    Ok(maximum.unwrap_or(u64::MAX))
}

/// Whether a program of this name can be started.
pub(super) fn find_program(name: &str) -> Option<PathBuf> {
    // A server's program is often outside of the path of a person.
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain([PathBuf::from("/usr/sbin"), PathBuf::from("/sbin")]);
    folders.map(|folder| folder.join(name)).find(|path| Path::is_file(path))
}

/// What a process writes.
#[derive(Debug, Clone, Default)]
pub(super) struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    pub(super) async fn fill(self, mut from: impl AsyncRead + Unpin) {
        let mut bytes = [0; 4096];
        while let Ok(count @ 1..) = from.read(&mut bytes).await {
            let mut log = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let room = LOG_BYTES_MAX.saturating_sub(log.len());
            log.extend_from_slice(&bytes[..count.min(room)]);
        }
    }

    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap_or_else(PoisonError::into_inner)).into_owned()
    }

    fn prepend(&self, text: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).splice(..0, text.bytes());
    }
}
