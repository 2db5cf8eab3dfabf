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
