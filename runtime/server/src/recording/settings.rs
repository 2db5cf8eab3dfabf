//! Which sessions are recorded, and what is left out of a recording.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

/// Which sessions are recorded, where to, and what of them is replaced. Nothing is recorded without one.
///
/// ```
/// use lightspeed::{Config, Recording};
///
/// let recording = Recording::new("/var/lib/shop/recordings")
///     .with_sessions(|component, random| component.ends_with("::Checkout") && random % 100 == 0)
///     .with_redacted_field("card-number");
/// let config = Config::default().with_recording(recording);
/// ```
#[derive(Clone)]
#[non_exhaustive]
pub struct Recording {
    /// The directory that the files are written to; it is made if it isn't there.
    pub directory: PathBuf,
    /// Bytes of one file: 16 MiB.
    pub bytes_max: usize,
    /// Records of one file: 100,000.
    pub records_max: usize,
    /// Sessions that are recorded at a time: 100.
    pub sessions_max: usize,
    /// The names of fields whose values are replaced, besides password fields.
    pub redacted_fields: Vec<String>,
    pub(super) is_chosen: Arc<Choice>,
    pub(super) is_redacted: Arc<Redacts>,
}

type Choice = dyn Fn(&str, u64) -> bool + Send + Sync;
type Redacts = dyn Fn(&FieldName<'_>) -> bool + Send + Sync;

/// A field, for the decision whether its values are replaced.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct FieldName<'a> {
    /// The component's name, as its type's.
    pub component: &'a str,
    /// The field's `name` attribute.
    pub name: &'a str,
    /// The field's `type` attribute; `textarea` and `select` for those.
    pub kind: &'a str,
}

impl Recording {
    /// Records sessions that ask for it by [`Context::record`](crate::Context::record), into `directory`.
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Self {
            directory: directory.into(),
            bytes_max: 16 * 1024 * 1024,
            records_max: 100_000,
            sessions_max: 100,
            redacted_fields: Vec::new(),
            is_chosen: Arc::new(|_, _| false),
            is_redacted: Arc::new(|_| false),
        }
    }

    /// Records the sessions that `is_chosen` is true for, given the component's name and a random
    /// number, unless the component says otherwise by [`Context::record`](crate::Context::record).
    pub fn with_sessions(mut self, is_chosen: impl Fn(&str, u64) -> bool + Send + Sync + 'static) -> Self {
        self.is_chosen = Arc::new(is_chosen);
        self
    }

    /// Sets how many bytes a file may have.
    pub fn with_bytes_max(mut self, bytes_max: usize) -> Self {
        self.bytes_max = bytes_max;
        self
    }

    /// Sets how many records a file may have.
    pub fn with_records_max(mut self, records_max: usize) -> Self {
        self.records_max = records_max;
        self
    }

    /// Sets how many sessions are recorded at a time.
    pub fn with_sessions_max(mut self, sessions_max: usize) -> Self {
        self.sessions_max = sessions_max;
        self
    }

    /// Replaces the values of the fields with this `name`, besides those of password fields.
    pub fn with_redacted_field(mut self, name: impl Into<String>) -> Self {
        self.redacted_fields.push(name.into());
        self
    }

    /// Replaces the values of the fields that `is_redacted` is true for, besides those of password fields.
    ///
    /// It is asked again whenever a page changes: it should be quick, and always say the same of a field.
    pub fn with_redaction(
        mut self,
        is_redacted: impl Fn(&FieldName<'_>) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.is_redacted = Arc::new(is_redacted);
        self
    }
}

impl fmt::Debug for Recording {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recording")
            .field("directory", &self.directory)
            .field("bytes_max", &self.bytes_max)
            .field("records_max", &self.records_max)
            .field("sessions_max", &self.sessions_max)
            .field("redacted_fields", &self.redacted_fields)
            .finish_non_exhaustive()
    }
}
