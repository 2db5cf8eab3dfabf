use std::sync::Arc;
use std::time::Duration;

use super::*;

const ID: SessionId = SessionId::from_bytes([1; 16]);
const OTHER: SessionId = SessionId::from_bytes([2; 16]);

fn stamp(epoch: u64, seq: u64, nonce: u64) -> Stamp {
    Stamp { epoch, seq, nonce }
}

fn record(stamp: Stamp, bytes: &'static str) -> Record {
    // Whole milliseconds: a file keeps no finer ones.
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("a clock that is right");
    let expires_at = SystemTime::UNIX_EPOCH + Duration::from_secs(since.as_secs() + 60);
    Record { stamp, bytes: bytes.into(), expires_at }
}

fn expired(stamp: Stamp) -> Record {
    Record { expires_at: SystemTime::now() - Duration::from_secs(1), ..record(stamp, "old") }
}

/// What every store does.
async fn check(store: Arc<dyn SnapshotStore>) {
    let save = async |id, expected, record| store.save(id, expected, record).await.expect("an answer");
    let load = async |id| store.load(id).await.expect("an answer");
    let first = stamp(1, 0, u64::MAX);
    assert_eq!(load(ID).await, None);
    assert_eq!(save(ID, Some(first), record(first, "a")).await, Saved::Conflict { stored: None });
    assert_eq!(save(ID, None, record(first, "a")).await, Saved::Stored);
    assert_eq!(load(ID).await, Some(record(first, "a")));
    assert_eq!(load(OTHER).await, None);

    let second = stamp(1, 7, 3);
    let conflict = Saved::Conflict { stored: Some(first) };
    let near = [stamp(2, 0, u64::MAX), stamp(1, 1, u64::MAX), stamp(1, 0, 0)];
    for expected in near.into_iter().map(Some).chain([None]) {
        assert_eq!(save(ID, expected, record(second, "b")).await, conflict, "{expected:?}");
    }
    assert_eq!(load(ID).await, Some(record(first, "a")), "a conflict changes nothing");
    assert_eq!(save(ID, Some(first), record(second, "b")).await, Saved::Stored);
    assert_eq!(load(ID).await, Some(record(second, "b")));

    store.remove(ID, first).await.expect("an answer");
    assert!(load(ID).await.is_some(), "another write's record stays");
    store.remove(ID, second).await.expect("an answer");
    assert_eq!(load(ID).await, None);

    assert_eq!(save(ID, None, expired(first)).await, Saved::Stored);
    assert_eq!(load(ID).await, None, "what has expired is not there");
    assert_eq!(save(OTHER, None, record(first, "c")).await, Saved::Stored);
    assert_eq!(store.purge().await.expect("an answer"), 1);
    assert_eq!(save(ID, None, expired(first)).await, Saved::Stored);
    assert_eq!(save(ID, None, record(second, "d")).await, Saved::Stored, "and is in nobody's way");
    assert_eq!(store.purge().await.expect("an answer"), 0);
    assert_eq!(load(OTHER).await, Some(record(first, "c")));

    // Of any number of writers that know the same, one has its way.
    for round in 0..20 {
        let expected = load(ID).await.map(|record| record.stamp);
        let writers = (0..8).map(|writer| {
            let store = Arc::clone(&store);
            let mine = stamp(2, round, writer);
            tokio::spawn(async move { store.save(ID, expected, record(mine, "e")).await.expect("an answer") })
        });
        let mut stored = 0;
        for writer in writers.collect::<Vec<_>>() {
            stored += usize::from(writer.await.expect("no panic") == Saved::Stored);
        }
        assert_eq!(stored, 1, "round {round}");
    }
}

#[tokio::test]
async fn in_memory() {
    check(Arc::new(MemoryStore::default())).await;
}

#[tokio::test]
async fn memory_is_bounded_and_what_expires_first_goes_first() {
    let store = MemoryStore::new(3, 10);
    let put = async |id: u8, bytes: &'static str, seconds| {
        let expires_at = SystemTime::now() + Duration::from_secs(seconds);
        let record = Record { expires_at, ..record(stamp(0, 0, 0), bytes) };
        store.save(SessionId::from_bytes([id; 16]), None, record).await.expect("an answer");
    };
    let has = async |id: u8| store.load(SessionId::from_bytes([id; 16])).await.expect("an answer").is_some();
    for (id, seconds) in [(1, 30), (2, 10), (3, 20)] {
        put(id, "ab", seconds).await;
    }
    put(4, "ab", 60).await;
    assert!(has(1).await && !has(2).await && has(3).await && has(4).await);
    put(5, "12345678", 60).await;
    assert!(!has(1).await && !has(3).await && has(4).await && has(5).await, "bytes count too");
}

#[cfg(feature = "sqlite")]
mod file {
    use std::path::PathBuf;
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    /// A folder that is gone with the test.
    struct Folder(PathBuf);

    impl Folder {
        fn new() -> Self {
            static COUNT: AtomicU32 = AtomicU32::new(0);
            let name = format!("lightspeed-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
            let path = std::env::temp_dir().join(name);
            std::fs::create_dir(&path).expect("a new folder");
            Self(path)
        }

        fn file(&self) -> PathBuf {
            self.0.join("sessions.db")
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn in_a_file() {
        let folder = Folder::new();
        check(Arc::new(SqliteStore::open(folder.file()).expect("a store"))).await;
    }

    #[tokio::test]
    async fn a_file_is_shared_and_outlives_its_stores() {
        let folder = Folder::new();
        let one = SqliteStore::open(folder.file()).expect("a store");
        let two = SqliteStore::open(folder.file()).expect("the same");
        assert_eq!(one.secret(), two.secret());
        assert_ne!(one.secret(), [0; 32]);
        let secret = one.secret();
        let (first, second) = (stamp(1, 1, 1), stamp(2, 1, 2));
        assert_eq!(one.save(ID, None, record(first, "a")).await.expect("an answer"), Saved::Stored);
        assert_eq!(two.save(ID, Some(first), record(second, "b")).await.expect("an answer"), Saved::Stored);
        let stored = Some(second);
        let late = one.save(ID, Some(first), record(stamp(1, 2, 3), "c")).await.expect("an answer");
        assert_eq!(late, Saved::Conflict { stored });
        drop((one, two));
        let three = SqliteStore::open(folder.file()).expect("the file");
        assert_eq!(three.secret(), secret);
        assert_eq!(three.load(ID).await.expect("an answer"), Some(record(second, "b")));
    }

    #[cfg(unix)]
    #[test]
    fn a_file_is_for_its_owner_only() {
        use std::os::unix::fs::PermissionsExt;
        let folder = Folder::new();
        let _store = SqliteStore::open(folder.file()).expect("a store");
        for entry in std::fs::read_dir(&folder.0).expect("the folder") {
            let entry = entry.expect("an entry");
            let mode = entry.metadata().expect("its data").permissions().mode() & 0o777;
            assert_eq!(mode, 0o600, "{}", entry.path().display());
        }
    }

    #[track_caller]
    fn refused(path: &std::path::Path) -> String {
        SqliteStore::open(path).expect_err("no store").to_string()
    }

    #[test]
    fn what_is_no_store_is_said_so_and_left_alone() {
        let folder = Folder::new();
        let missing = refused(&folder.0.join("no/such/folder.db"));
        assert!(missing.contains("no/such/folder.db") && missing.contains("may write"), "{missing}");
        let text = folder.0.join("notes.txt");
        std::fs::write(&text, "not a database, though it is long enough to be one ".repeat(40))
            .expect("written");
        assert!(refused(&text).contains("notes.txt"));
        let foreign = folder.0.join("contacts.db");
        let database = rusqlite::Connection::open(&foreign).expect("a database");
        database.execute_batch("CREATE TABLE contact (name TEXT)").expect("a table");
        drop(database);
        let message = refused(&foreign);
        assert!(message.contains("data of something else"), "{message}");
        let newer = folder.file();
        drop(SqliteStore::open(&newer).expect("a store"));
        let database = rusqlite::Connection::open(&newer).expect("a database");
        database.pragma_update(None, "user_version", 9).expect("a version");
        drop(database);
        let message = refused(&newer);
        assert!(message.contains("version 9") && message.contains("newer program"), "{message}");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn what_waits_is_written_before_the_store_is_gone() {
        let folder = Folder::new();
        let store = Arc::new(SqliteStore::open(folder.file()).expect("a store"));
        let saves: Vec<_> = (0..200_u8)
            .map(|id| {
                let store = Arc::clone(&store);
                let id = SessionId::from_bytes([id; 16]);
                tokio::spawn(async move { store.save(id, None, record(stamp(1, 1, 1), "a")).await })
            })
            .collect();
        for save in saves {
            assert_eq!(save.await.expect("no panic").expect("an answer"), Saved::Stored);
        }
        drop(Arc::into_inner(store).expect("the last one"));
        let store = SqliteStore::open(folder.file()).expect("the file");
        for id in 0..200 {
            assert!(store.load(SessionId::from_bytes([id; 16])).await.expect("an answer").is_some());
        }
    }
}
