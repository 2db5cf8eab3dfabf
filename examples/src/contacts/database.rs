//! Contacts in SQLite.
//!
//! SQLite blocks the thread that asks it, so every question is asked from a thread that
//! tokio keeps for that, and never from one that runs sessions.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::{Connection, params};
use serde::{Deserialize, Serialize};

use super::NewContact;

/// A contact as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Contact {
    pub id: i64,
    pub name: String,
    pub email: String,
}

/// The database, shared by all sessions. Cloning is cheap; every method takes a clone, which its work keeps.
#[derive(Debug, Clone)]
pub struct Database {
    connection: Arc<Mutex<Connection>>,
}

/// Why the database did not do what it was asked.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum DatabaseError {
    /// Another contact has the address.
    #[error("another contact has this address")]
    AddressTaken,
    /// The contact isn't there.
    #[error("there is no such contact any more")]
    Gone,
    /// SQLite failed.
    #[error("SQLite failed: {0}")]
    Failed(#[source] Arc<rusqlite::Error>),
    /// The server is ending.
    #[error("the work was ended before it was done")]
    Ended,
}

impl From<rusqlite::Error> for DatabaseError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            // The address is the only thing that the schema constrains and `NewContact` does not.
            Some(rusqlite::ErrorCode::ConstraintViolation) => Self::AddressTaken,
            _ => Self::Failed(Arc::new(error)),
        }
    }
}

/// As many contacts as a person may want to look through.
const FOUND_MAX: u32 = 200;

impl Database {
    /// Opens the database in the file at `path`, and makes it where there is none. Without
    /// a path it is a temporary one, which ends with the process.
    ///
    /// # Errors
    ///
    /// When the file can't be opened, or is no database.
    pub fn open(path: Option<&Path>) -> rusqlite::Result<Self> {
        // SQLite takes an empty path for a temporary database.
        let connection = Connection::open(path.unwrap_or(Path::new("")))?;
        // Another server may have the file open: during a rolling restart there are two.
        connection.busy_timeout(std::time::Duration::from_secs(5))?;
        connection.execute_batch(
            "CREATE TABLE IF NOT EXISTS contacts (
                 id INTEGER PRIMARY KEY AUTOINCREMENT,
                 name TEXT NOT NULL,
                 email TEXT NOT NULL UNIQUE COLLATE NOCASE
             ) STRICT",
        )?;
        Ok(Self { connection: Arc::new(Mutex::new(connection)) })
    }

    /// The contacts whose name or address contains `text`, by name.
    pub async fn search(self, text: String) -> Result<Vec<Contact>, DatabaseError> {
        self.run(move |connection| {
            let mut select = connection.prepare_cached(
                "SELECT id, name, email FROM contacts
                 WHERE instr(lower(name), lower(?1)) > 0 OR instr(lower(email), lower(?1)) > 0
                 ORDER BY name COLLATE NOCASE, id LIMIT ?2",
            )?;
            let contacts = select.query_map(params![text.trim(), FOUND_MAX], |row| {
                Ok(Contact { id: row.get(0)?, name: row.get(1)?, email: row.get(2)? })
            })?;
            Ok(contacts.collect::<rusqlite::Result<Vec<_>>>()?)
        })
        .await
    }

    /// Stores a contact and returns its name.
    pub async fn insert(self, contact: NewContact) -> Result<String, DatabaseError> {
        self.run(move |connection| {
            let insert = "INSERT INTO contacts (name, email) VALUES (?1, ?2)";
            connection.execute(insert, params![contact.name.trim(), contact.email.trim()])?;
            Ok(contact.name)
        })
        .await
    }

    /// Changes a contact and returns its name.
    pub async fn update(self, id: i64, contact: NewContact) -> Result<String, DatabaseError> {
        self.run(move |connection| {
            let update = "UPDATE contacts SET name = ?2, email = ?3 WHERE id = ?1";
            let count = connection.execute(update, params![id, contact.name.trim(), contact.email.trim()])?;
            if count == 0 { Err(DatabaseError::Gone) } else { Ok(contact.name) }
        })
        .await
    }

    /// Deletes a contact, if it is there.
    pub async fn delete(self, id: i64) -> Result<(), DatabaseError> {
        self.run(move |connection| {
            connection.execute("DELETE FROM contacts WHERE id = ?1", [id])?;
            Ok(())
        })
        .await
    }

    async fn run<T: Send + 'static>(
        self,
        work: impl FnOnce(&Connection) -> Result<T, DatabaseError> + Send + 'static,
    ) -> Result<T, DatabaseError> {
        let work = move || {
            // Work that panicked has left the connection as sound as it was.
            let connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
            work(&connection)
        };
        tokio::task::spawn_blocking(work).await.unwrap_or(Err(DatabaseError::Ended))
    }
}
