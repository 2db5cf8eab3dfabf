use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;

#[test]
fn a_new_file_keeps_the_secret_that_the_system_gave_and_none_is_made_without() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("sessions.db");
    let error =
        SqliteStore::open_with(path.clone(), Err(getrandom::Error::UNSUPPORTED)).expect_err("no store");
    let message = error.to_string();
    assert!(message.contains("sessions.db") && message.contains("no random bytes"), "{message}");
    assert!(!path.exists());
    let store = SqliteStore::open_with(path.clone(), Ok([7; 32])).expect("a store");
    assert_eq!(store.secret(), [7; 32]);
    drop(store);
    let store = SqliteStore::open_with(path, Ok([8; 32])).expect("the file");
    assert_eq!(store.secret(), [7; 32], "the one that it was made with");
}

fn write(id: u8) -> (Write, oneshot::Receiver<rusqlite::Result<Applied>>) {
    let (answer, answered) = oneshot::channel();
    let stamp = Stamp { epoch: 1, seq: 1, nonce: 1 };
    let expires_at = SystemTime::now() + Duration::from_hours(1);
    let record = Record { stamp, bytes: "a".into(), expires_at };
    let change = Change::Save { expected: None, record };
    (Write { id: SessionId::from_bytes([id; 16]), change, answer }, answered)
}

/// A connection to a new store.
fn writer(folder: &tempfile::TempDir) -> (PathBuf, Connection) {
    let path = folder.path().join("sessions.db");
    let mut connection = connect(&path).expect("a file");
    prepare(&mut connection, &[7; 32]).expect("a store");
    (path, connection)
}

/// Otherwise each of a batch would wait for its own ten seconds.
#[test]
fn a_file_that_is_busy_is_waited_for_once_for_a_whole_batch() {
    static WAITS: AtomicUsize = AtomicUsize::new(0);
    let folder = tempfile::tempdir().expect("a folder");
    let (path, mut connection) = writer(&folder);
    let wait = |_| {
        WAITS.fetch_add(1, Ordering::Relaxed);
        false
    };
    connection.busy_handler(Some(wait)).expect("a handler");
    let other = connect(&path).expect("the file");
    other.execute_batch("BEGIN IMMEDIATE").expect("the lock");
    let batch: Vec<_> = (0..20).map(|id| write(id).0).collect();
    let results = write_batch(&mut connection, &batch);
    assert_eq!(results.len(), 20);
    for result in results {
        let error = result.expect_err("busy");
        assert_eq!(error.sqlite_error_code(), Some(ErrorCode::DatabaseBusy), "{error}");
    }
    assert_eq!(WAITS.load(Ordering::Relaxed), 1);
    other.execute_batch("ROLLBACK").expect("the lock is given back");
    assert!(write_batch(&mut connection, &batch).iter().all(Result::is_ok));
}

#[test]
fn a_write_that_nobody_waits_for_any_more_is_left_out() {
    let folder = tempfile::tempdir().expect("a folder");
    let (path, mut connection) = writer(&folder);
    let (jobs, queue) = mpsc::sync_channel(3);
    let ((first, answer), (second, _), (third, _)) = (write(1), write(2), write(3));
    for write in [second, first] {
        jobs.send(write).expect("room");
    }
    drop(jobs);
    write_all(&mut connection, &Place::of(&path), &queue);
    assert!(matches!(answer.blocking_recv(), Ok(Ok((Saved::Stored, 0)))));
    let (jobs, queue) = mpsc::sync_channel(3);
    jobs.send(third).expect("room");
    drop(jobs);
    write_all(&mut connection, &Place::of(&path), &queue);
    let stored = |id| read(&connection, SessionId::from_bytes([id; 16])).expect("an answer").is_some();
    assert!(stored(1) && !stored(2) && !stored(3));
}

/// What is stored into a file that nobody finds any more is not stored.
#[cfg(unix)]
#[tokio::test]
async fn a_file_that_is_removed_or_replaced_fails_until_it_is_back() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("sessions.db");
    let store = SqliteStore::open(&path).expect("a store");
    let stamp = Stamp { epoch: 1, seq: 1, nonce: 1 };
    let expires_at = SystemTime::now() + Duration::from_hours(1);
    let save = |id: u8| {
        let record = Record { stamp, bytes: "a".into(), expires_at };
        store.save(SessionId::from_bytes([id; 16]), None, record)
    };
    assert_eq!(save(1).await.expect("a file"), Saved::Stored);
    let aside = folder.path().join("aside.db");
    std::fs::rename(&path, &aside).expect("a file");
    let failed = |error: StoreError, what: &str| {
        let message = error.to_string();
        for part in ["sessions.db", what, "start this process again"] {
            assert!(message.contains(part), "{message}");
        }
    };
    failed(save(2).await.expect_err("it is gone"), "is gone");
    failed(store.load(SessionId::from_bytes([1; 16])).await.expect_err("it is gone"), "is gone");
    std::fs::write(&path, b"").expect("another file");
    failed(save(3).await.expect_err("it is another"), "has been replaced");
    std::fs::rename(&aside, &path).expect("the file");
    assert_eq!(save(4).await.expect("the file is back"), Saved::Stored);
    assert!(store.load(SessionId::from_bytes([1; 16])).await.expect("the file is back").is_some());
}
