//! A store in a file that the processes of a machine share.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use rusqlite::{Connection, ErrorCode, OptionalExtension, TransactionBehavior, params};
use tokio::sync::oneshot;

use crate::operations::entropy::Entropy;

use super::{Record, Saved, SessionId, SnapshotStore, Stamp, StoreError, StoreFuture};

/// The version of the tables below, kept in the file.
const SCHEMA: i64 = 1;

/// Tells the file from those of other applications: `LSst`.
const APPLICATION_ID: i64 = 0x4c53_7374;

/// How long another process may hold the file.
const BUSY_WITHIN: Duration = Duration::from_secs(10);

/// Calls that wait for each of the two threads; one more waits for room.
const QUEUE_MAX: usize = 1_024;

/// Writes that become one transaction.
const BATCH_MAX: usize = 256;

/// A store in an SQLite file.
///
/// Several processes may have it open at once, as during a rolling restart. What is reported
/// as stored survives a crash of the process and of the machine: every transaction is
/// synced to the disk, for all writes that wait at that moment together. One sync takes
/// 0.1 to 10 milliseconds, which is what an event of a durable component costs at least.
///
/// The file holds the states of sessions as they are, and the key that tokens are signed
/// with: it is made readable by its owner only. Encrypt the disk if that matters.
pub struct SqliteStore {
    writes: Option<mpsc::SyncSender<Write>>,
    reads: Option<mpsc::SyncSender<Read>>,
    threads: Vec<JoinHandle<()>>,
    secret: [u8; 32],
    path: PathBuf,
}

struct Write {
    id: SessionId,
    change: Change,
    answer: oneshot::Sender<rusqlite::Result<Applied>>,
}

/// What came of a change: the second is how many records are gone.
type Applied = (Saved, u64);

enum Change {
    Save { expected: Option<Stamp>, record: Record },
    Remove { expected: Stamp },
    Purge,
}

struct Read {
    id: SessionId,
    answer: oneshot::Sender<rusqlite::Result<Option<Record>>>,
}

impl SqliteStore {
    /// Opens the file, and makes it if there is none.
    ///
    /// # Errors
    ///
    /// When it cannot be made, read or written, is no such file, or is one of a newer version; or when the
    /// system has no randomness to make a secret of.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        Self::open_with(path.as_ref().to_owned(), Entropy::default().bytes())
    }

    /// The same with the secret of a new file, or why there is none.
    fn open_with(path: PathBuf, secret: Result<[u8; 32], getrandom::Error>) -> Result<Self, StoreError> {
        let secret = secret.map_err(|error| {
            let attempt = format!(
                "open {} as a store of sessions: the system gives no random bytes for its secret",
                path.display()
            );
            StoreError::new(attempt, error)
        })?;
        let failed = |error: rusqlite::Error| {
            let attempt = format!(
                "open {} as a store of sessions: name a file of its own that this process may write",
                path.display()
            );
            StoreError::new(attempt, error)
        };
        let mut writer = connect(&path).map_err(failed)?;
        let secret = match prepare(&mut writer, &secret).map_err(failed)? {
            Prepared::Ready(secret) => secret,
            Prepared::Newer(version) => {
                let attempt = format!(
                    "open {} as a store of sessions: it is of version {version}, and this program knows versions \
                     up to {SCHEMA}; use the newer program, or another file",
                    path.display()
                );
                return Err(StoreError { attempt, source: None });
            }
            Prepared::Foreign => {
                let attempt = format!(
                    "open {} as a store of sessions: it holds the data of something else; name a file of its own",
                    path.display()
                );
                return Err(StoreError { attempt, source: None });
            }
        };
        let reader = connect(&path).map_err(failed)?;
        let (write_place, read_place) = (Place::of(&path), Place::of(&path));
        let (writes, to_write) = mpsc::sync_channel(QUEUE_MAX);
        let (reads, to_read) = mpsc::sync_channel(QUEUE_MAX);
        let threads = vec![
            spawn("lightspeed-store-write", &path, move || write_all(&mut writer, &write_place, &to_write))?,
            spawn("lightspeed-store-read", &path, move || read_all(&reader, &read_place, &to_read))?,
        ];
        Ok(Self { writes: Some(writes), reads: Some(reads), threads, secret, path })
    }

    /// A key for [`Config::with_secret`](crate::Config::with_secret), made with the file and kept in it.
    pub const fn secret(&self) -> [u8; 32] {
        self.secret
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    async fn change(&self, id: SessionId, change: Change) -> Result<Applied, StoreError> {
        let (answer, answered) = oneshot::channel();
        give(self.writes.as_ref(), Write { id, change, answer }).await?;
        answered.await.map_err(|_| gone())?.map_err(|error| StoreError::new("write a session", error))
    }
}

fn spawn(name: &str, path: &Path, run: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, StoreError> {
    std::thread::Builder::new()
        .name(name.to_owned())
        .spawn(run)
        .map_err(|error| StoreError::new(format!("start a thread for {}", path.display()), error))
}

/// Hands something to a thread; when its queue is full, tries again in a while.
async fn give<T>(queue: Option<&mpsc::SyncSender<T>>, mut job: T) -> Result<(), StoreError> {
    let queue = queue.ok_or_else(gone)?;
    loop {
        match queue.try_send(job) {
            Ok(()) => return Ok(()),
            Err(mpsc::TrySendError::Full(back)) => job = back,
            Err(mpsc::TrySendError::Disconnected(_)) => return Err(gone()),
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

fn gone() -> StoreError {
    StoreError { attempt: "ask the store's thread, which has ended".to_owned(), source: None }
}

fn connect(path: &Path) -> rusqlite::Result<Connection> {
    make_private(path);
    let connection = Connection::open(path)?;
    connection.busy_timeout(BUSY_WITHIN)?;
    // Readers don't wait for the writer, nor it for them; a commit is on the disk when it returns.
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    Ok(connection)
}

/// Makes the file, for its owner only; the files that SQLite puts beside it get the same mode.
fn make_private(path: &Path) {
    let mut options = std::fs::OpenOptions::new();
    options.create_new(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    // There already, or not to be made: opening it says which.
    let _ = options.open(path);
}

/// What a file turns out to be.
enum Prepared {
    /// A store, and the secret of whoever made it.
    Ready([u8; 32]),
    Newer(i64),
    Foreign,
}

/// Makes the tables in an empty file, which keeps this secret.
fn prepare(connection: &mut Connection, secret: &[u8; 32]) -> rusqlite::Result<Prepared> {
    let made = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let number = |pragma| made.pragma_query_value::<i64, _>(None, pragma, |row| row.get(0));
    let (version, application) = (number("user_version")?, number("application_id")?);
    let tables: i64 = made.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if tables > 0 && application != APPLICATION_ID {
        return Ok(Prepared::Foreign);
    }
    if version > SCHEMA {
        return Ok(Prepared::Newer(version));
    }
    if tables == 0 {
        made.execute_batch(
            "CREATE TABLE session (
                 id BLOB PRIMARY KEY,
                 epoch INTEGER NOT NULL,
                 seq INTEGER NOT NULL,
                 nonce INTEGER NOT NULL,
                 expires_ms INTEGER NOT NULL,
                 bytes BLOB NOT NULL
             ) WITHOUT ROWID;
             CREATE INDEX session_expires ON session (expires_ms);
             CREATE TABLE secret (only INTEGER PRIMARY KEY CHECK (only = 1), bytes BLOB NOT NULL);",
        )?;
        made.execute("INSERT INTO secret VALUES (1, ?1)", params![&secret[..]])?;
        made.pragma_update(None, "user_version", SCHEMA)?;
        made.pragma_update(None, "application_id", APPLICATION_ID)?;
    }
    let secret = made.query_row("SELECT bytes FROM secret", [], |row| row.get(0))?;
    made.commit()?;
    Ok(Prepared::Ready(secret))
}

/// Which file it is that was opened, and by which name it has to be found.
///
/// A file that is removed, or replaced by another, goes on to take writes through what is open; they are lost
/// with the process.
struct Place {
    path: PathBuf,
    file: Option<FileId>,
}

/// The device and the number of a file there.
type FileId = (u64, u64);

impl Place {
    fn of(path: &Path) -> Self {
        Self { path: path.to_owned(), file: file_id(path) }
    }

    fn check(&self) -> Result<(), Moved<'_>> {
        match file_id(&self.path) {
            found if found == self.file => Ok(()),
            found => Err(Moved { path: &self.path, is_replaced: found.is_some() }),
        }
    }
}

/// The file that was opened is no longer where it was.
struct Moved<'a> {
    path: &'a Path,
    is_replaced: bool,
}

impl Moved<'_> {
    fn error(&self) -> rusqlite::Error {
        let what = if self.is_replaced { "has been replaced by another file" } else { "is gone" };
        let message = format!(
            "{} {what} since this process opened it, so nothing that is written is kept: \
             put back the file itself, or start this process again",
            self.path.display()
        );
        rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(MOVED), Some(message))
    }
}

/// SQLite's own code for it, `SQLITE_READONLY_DBMOVED`.
const MOVED: std::ffi::c_int = 8 | (4 << 8);

#[cfg(unix)]
fn file_id(path: &Path) -> Option<FileId> {
    use std::os::unix::fs::MetadataExt as _;
    let metadata = std::fs::metadata(path).ok()?;
    Some((metadata.dev(), metadata.ino()))
}

/// Elsewhere a file that is open can't be removed.
#[cfg(not(unix))]
fn file_id(_: &Path) -> Option<FileId> {
    None
}

/// Writes whatever waits as one transaction, then answers, until nobody can ask any more.
fn write_all(connection: &mut Connection, place: &Place, queue: &mpsc::Receiver<Write>) {
    while let Ok(first) = queue.recv() {
        let mut batch = vec![first];
        batch.extend(queue.try_iter().take(BATCH_MAX - 1));
        // Nobody waits for it any more: it was given up, and is asked for again if it is wanted still.
        batch.retain(|write| !write.answer.is_closed());
        if batch.is_empty() {
            continue;
        }
        let mut results = write_batch(connection, &batch);
        // Looked at afterwards: what was written into a file that nobody finds is lost, whatever SQLite says.
        if let Err(moved) = place.check() {
            results = batch.iter().map(|_| Err(moved.error())).collect();
        }
        for (write, result) in batch.into_iter().zip(results) {
            // Nobody waits for it any more.
            let _ = write.answer.send(result);
        }
    }
}

/// The answers are only true once the transaction is committed.
fn write_batch(connection: &mut Connection, batch: &[Write]) -> Vec<rusqlite::Result<Applied>> {
    let mut write = || {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let results: rusqlite::Result<Vec<_>> =
            batch.iter().map(|write| apply(&transaction, write.id, &write.change)).collect();
        let results = results?;
        transaction.commit()?;
        Ok(results)
    };
    match write() {
        Ok(results) => results.into_iter().map(Ok).collect(),
        // Somebody else has the file: so it is for each of them, and each would wait as long.
        Err(rusqlite::Error::SqliteFailure(failure, message))
            if matches!(failure.code, ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) =>
        {
            let busy = || rusqlite::Error::SqliteFailure(failure, message.clone());
            batch.iter().map(|_| Err(busy())).collect()
        }
        // One that cannot be written must not take the others with it.
        Err(_) if batch.len() > 1 => {
            batch.iter().flat_map(|write| write_batch(connection, std::slice::from_ref(write))).collect()
        }
        Err(error) => vec![Err(error)],
    }
}

fn apply(connection: &Connection, id: SessionId, change: &Change) -> rusqlite::Result<Applied> {
    let now = milliseconds(SystemTime::now());
    let stored = || {
        connection
            .prepare_cached("SELECT epoch, seq, nonce FROM session WHERE id = ?1 AND expires_ms > ?2")?
            .query_row(params![id.as_bytes(), now], |row| stamp(row, 0))
            .optional()
    };
    match change {
        Change::Save { expected, record } => {
            let stored = stored()?;
            if stored != *expected {
                return Ok((Saved::Conflict { stored }, 0));
            }
            let Stamp { epoch, seq, nonce } = record.stamp;
            connection
                .prepare_cached("INSERT OR REPLACE INTO session VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?
                .execute(params![
                    id.as_bytes(),
                    epoch.cast_signed(),
                    seq.cast_signed(),
                    nonce.cast_signed(),
                    milliseconds(record.expires_at),
                    &record.bytes[..]
                ])?;
        }
        Change::Remove { expected } => {
            if stored()? == Some(*expected) {
                connection
                    .prepare_cached("DELETE FROM session WHERE id = ?1")?
                    .execute(params![id.as_bytes()])?;
            }
        }
        Change::Purge => {
            let rows = connection
                .prepare_cached("DELETE FROM session WHERE expires_ms <= ?1")?
                .execute(params![now])?;
            return Ok((Saved::Stored, u64::try_from(rows).unwrap_or(u64::MAX)));
        }
    }
    Ok((Saved::Stored, 0))
}

fn read_all(connection: &Connection, place: &Place, queue: &mpsc::Receiver<Read>) {
    while let Ok(Read { id, answer }) = queue.recv() {
        let found = place.check().map_err(|moved| moved.error()).and_then(|()| read(connection, id));
        // Nobody waits for it any more.
        let _ = answer.send(found);
    }
}

fn read(connection: &Connection, id: SessionId) -> rusqlite::Result<Option<Record>> {
    connection
        .prepare_cached(
            "SELECT epoch, seq, nonce, expires_ms, bytes FROM session WHERE id = ?1 AND expires_ms > ?2",
        )?
        .query_row(params![id.as_bytes(), milliseconds(SystemTime::now())], |row| {
            let expires_ms: i64 = row.get(3)?;
            let expires_at = UNIX_EPOCH + Duration::from_millis(expires_ms.max(0).cast_unsigned());
            let bytes: Vec<u8> = row.get(4)?;
            Ok(Record { stamp: stamp(row, 0)?, bytes: Bytes::from(bytes), expires_at })
        })
        .optional()
}

/// The bits of unsigned numbers, which SQLite has none of.
fn stamp(row: &rusqlite::Row<'_>, first: usize) -> rusqlite::Result<Stamp> {
    let number = |offset| row.get::<_, i64>(first + offset).map(i64::cast_unsigned);
    Ok(Stamp { epoch: number(0)?, seq: number(1)?, nonce: number(2)? })
}

fn milliseconds(time: SystemTime) -> i64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

impl SnapshotStore for SqliteStore {
    fn load(&self, id: SessionId) -> StoreFuture<'_, Option<Record>> {
        Box::pin(async move {
            let (answer, answered) = oneshot::channel();
            give(self.reads.as_ref(), Read { id, answer }).await?;
            answered.await.map_err(|_| gone())?.map_err(|error| StoreError::new("read a session", error))
        })
    }

    fn save(&self, id: SessionId, expected: Option<Stamp>, record: Record) -> StoreFuture<'_, Saved> {
        Box::pin(
            async move { self.change(id, Change::Save { expected, record }).await.map(|(saved, _)| saved) },
        )
    }

    fn remove(&self, id: SessionId, expected: Stamp) -> StoreFuture<'_, ()> {
        Box::pin(async move { self.change(id, Change::Remove { expected }).await.map(|_| ()) })
    }

    fn purge(&self) -> StoreFuture<'_, u64> {
        // Of no session.
        let id = SessionId::from_bytes([0; 16]);
        Box::pin(async move { self.change(id, Change::Purge).await.map(|(_, rows)| rows) })
    }
}

impl Drop for SqliteStore {
    fn drop(&mut self) {
        // What waits is written before the threads end.
        self.writes = None;
        self.reads = None;
        for thread in self.threads.drain(..) {
            if thread.join().is_err() {
                tracing::error!(path = ?self.path, "the thread of a store has panicked");
            }
        }
    }
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteStore").field("path", &self.path).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
