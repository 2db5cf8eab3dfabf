//! Writes one recording: what happened becomes records, redacted and within their bounds.

use std::io::{self, Write};

use lightspeed_core::sent_templates::SentTemplates;
use lightspeed_protocol::msgpack::{Raw, Writer};
use lightspeed_protocol::recording::{FORMAT_VERSION, MAGIC, Record, write_templates};
use lightspeed_protocol::{PROTOCOL_VERSION, Timestamp};

use super::moment::{Moment, Start};
use super::redaction::Redactor;
use super::settings::Recording;
use crate::limits;

/// Writes one recording.
pub(super) struct RecordingWriter {
    sink: Box<dyn Write + Send>,
    redactor: Redactor,
    /// Which templates the recording holds.
    sent_templates: SentTemplates,
    bytes_left: usize,
    records_left: usize,
}

impl RecordingWriter {
    /// Writes the magic and the first record.
    pub(super) fn new(
        sink: Box<dyn Write + Send>,
        settings: &Recording,
        start: Start,
        started: &str,
    ) -> io::Result<Self> {
        let redactor = Redactor::new(settings, start.component, &start.html);
        let mut writer = Self {
            sink,
            redactor,
            sent_templates: SentTemplates::default(),
            bytes_left: settings.bytes_max.min(limits::RECORDING_BYTES_MAX),
            records_left: settings.records_max.min(limits::RECORDING_RECORDS_MAX),
        };
        let html = writer.redactor.page(&start.html);
        let state = start.state.map(|state| writer.redactor.state(&state));
        let record = Record::Start {
            format: FORMAT_VERSION,
            protocol: PROTOCOL_VERSION,
            build: &start.build,
            component: start.component,
            seed: start.seed,
            started,
            html: &html,
            state: state.as_deref(),
            is_redacted: true,
            is_stored: start.is_stored,
        };
        let record = record.encode(Timestamp(0)).filter(|record| writer.has_room(MAGIC.len() + record.len()));
        let record =
            record.ok_or_else(|| io::Error::other("the first page is larger than a recording may be"))?;
        writer.write(&[&MAGIC[..], &record].concat())?;
        Ok(writer)
    }

    /// Writes what happened; false when nothing more is to be written.
    pub(super) fn take(&mut self, at: Timestamp, moment: Moment) -> io::Result<bool> {
        match moment {
            Moment::Joined { session, mode, applied, settled } => {
                self.push(at, &Record::Join { session, mode: mode.code(), applied, settled })
            }
            Moment::FrameIn(bytes) => match self.redactor.client_frame(&bytes) {
                Some(frame) => self.push(at, &Record::Client { frame: &frame }),
                None => Ok(true),
            },
            Moment::FrameOut { frame, templates } => {
                let definitions = self.sent_templates.announce(&templates);
                let Some((definitions, frame)) = self.redactor.server_frame(&definitions, &frame) else {
                    return self.truncate(at);
                };
                let mut templates = Writer::new();
                write_templates(&definitions, &mut templates);
                self.push(at, &Record::Server { templates: Raw::new(templates.as_bytes()), frame: &frame })
            }
            Moment::Asked(effects) => match self.redactor.asked(&effects) {
                Ok(effects) => self.push(at, &Record::Asked { effects: Raw::new(&effects) }),
                Err(_) => self.truncate(at),
            },
            Moment::Message(state) => {
                let state = state.map(|state| self.redactor.state(&state));
                self.push(at, &Record::Message { state: state.as_deref() })
            }
            Moment::Restarted(state) => {
                let state = state.map(|state| self.redactor.state(&state));
                self.push(at, &Record::Restart { state: state.as_deref() })
            }
            Moment::Detached => self.push(at, &Record::Detach {}),
            Moment::TimedOut => self.push(at, &Record::Timeout {}),
            Moment::Stored(generation) => self.push(at, &Record::Stored { generation }),
            Moment::Closed(reason) => {
                self.push(at, &Record::Closed { reason: reason.code() })?;
                Ok(false)
            }
            Moment::Truncated => self.truncate(at),
        }
    }

    fn push(&mut self, at: Timestamp, record: &Record<'_>) -> io::Result<bool> {
        // What the redactor can't keep secret is not written.
        match record.encode(at).filter(|bytes| self.has_room(bytes.len()) && !self.redactor.is_full()) {
            Some(bytes) => self.write(&bytes).map(|()| true),
            None => self.truncate(at),
        }
    }

    /// Whether a record fits with room for the last one behind it.
    fn has_room(&self, byte_count: usize) -> bool {
        self.records_left > 1 && byte_count + limits::RECORD_HEAD_BYTES <= self.bytes_left
    }

    fn truncate(&mut self, at: Timestamp) -> io::Result<bool> {
        if let Some(bytes) = (Record::Truncated {}).encode(at) {
            self.write(&bytes)?;
        }
        Ok(false)
    }

    /// A record is one write: a server that is killed leaves whole ones.
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.bytes_left = self.bytes_left.saturating_sub(bytes.len());
        self.records_left = self.records_left.saturating_sub(1);
        self.sink.write_all(bytes)
    }
}
