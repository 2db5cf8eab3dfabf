//! Records a program's changes as numbers and one string, and has them made by one call.
//!
//! A call from WebAssembly to JavaScript for each change costs more than the change.

use alloc::string::String;
use alloc::vec::Vec;

use lightspeed_interpreter::document::{Address, Change, Document};
use lightspeed_interpreter::templates::TemplateShape;
use lightspeed_protocol::Fingerprint;
use lightspeed_protocol::browser::{ChangeCode, ValueForm};
use lightspeed_protocol::msgpack::Text;

use crate::page;

/// The page's documents.
#[derive(Debug, Default)]
pub(crate) struct WebDocument {
    session: u32,
    ack: u64,
    codes: Vec<u32>,
    text: String,
    /// The session whose document turned out to be changed by something else.
    broken: Option<u32>,
}

impl WebDocument {
    /// The session, if any, whose last program did not fit its document.
    pub(crate) fn take_broken(&mut self) -> Option<u32> {
        self.broken.take()
    }

    fn at(&mut self, code: ChangeCode, at: Address) {
        self.codes.extend([code.code(), at.instance, at.slot]);
    }

    /// Appends a string; returns its length in UTF-16 units.
    fn push_str(&mut self, text: &str) -> u32 {
        self.text.push_str(text);
        let is_wide = |byte: u8| byte >= 0xf0;
        let is_first = |byte: u8| byte & 0xc0 != 0x80;
        // A character of four bytes takes two units, any other one.
        text.bytes().map(|byte| u32::from(is_first(byte)) + u32::from(is_wide(byte))).sum()
    }

    /// Appends a string and its length.
    fn string(&mut self, text: &str) {
        let length = self.push_str(text);
        self.codes.push(length);
    }

    /// Appends a text and its form.
    fn text(&mut self, text: Option<Text<'_>>) {
        let count = match text {
            None => 0,
            Some(Text::Str(text)) => self.push_str(text) + 1,
            Some(Text::Number(number)) => self.push_number(number) + 1,
        };
        self.form(count, ValueForm::Text);
    }

    /// Appends decimal digits; returns how many. `core::fmt` would double the client.
    fn push_number(&mut self, number: u32) -> u32 {
        let above = if number < 10 { 0 } else { self.push_number(number / 10) };
        self.text.push(char::from(b'0' + (number % 10) as u8));
        above + 1
    }

    fn form(&mut self, count: u32, form: ValueForm) {
        self.codes.push((count << 2) | form.code());
    }
}

impl Document for WebDocument {
    fn define(&mut self, fingerprint: Fingerprint, template: &TemplateShape) {
        let mut slots = Vec::new();
        let mut names = String::new();
        for slot in &template.slots {
            slots.extend([slot.kind.code(), u32::try_from(slot.path.len()).unwrap_or(0)]);
            slots.extend(&slot.path);
            if let Some(event) = slot.event {
                slots.push(event.code());
            }
            if !slot.name.is_empty() {
                names.push_str(&slot.name);
                names.push(' ');
            }
        }
        let html = template.html.as_deref().map(str::as_bytes);
        page::define(fingerprint, template.check, template.roots, html, &slots, names.as_bytes());
    }

    fn begin(&mut self, session: u32, ack: u64) {
        (self.session, self.ack) = (session, ack);
        self.discard();
    }

    #[expect(
        clippy::inline_always,
        reason = "which change it is, each caller knows: what is left of this is smaller than a call"
    )]
    #[inline(always)]
    fn change(&mut self, change: Change<'_>) {
        match change {
            Change::Text { at, text } => {
                self.at(ChangeCode::Text, at);
                self.text(Some(text));
            }
            Change::Splice { at, start, delete, insert } => {
                self.at(ChangeCode::Splice, at);
                self.codes.extend([start, delete]);
                self.string(insert);
            }
            Change::Attribute { at, text } => {
                self.at(ChangeCode::Attribute, at);
                self.text(text);
            }
            Change::Flag { at, on } => {
                self.at(ChangeCode::Flag, at);
                self.codes.push(u32::from(on));
            }
            Change::Html { at, html } => {
                self.at(ChangeCode::Html, at);
                self.string(html);
            }
            Change::Empty { at } => self.at(ChangeCode::Empty, at),
            Change::Build { at, before, count } => {
                self.at(ChangeCode::Build, at);
                self.codes.extend([before, count]);
            }
            Change::Move { instance, before } => {
                self.codes.extend([ChangeCode::Move.code(), instance, before]);
            }
            Change::Remove { instance } => self.codes.extend([ChangeCode::Remove.code(), instance]),
            Change::Root { is_adopted } => {
                self.codes.extend([ChangeCode::Root.code(), u32::from(is_adopted)]);
            }
            Change::Effect { kind, name, data } => {
                self.codes.extend([ChangeCode::Effect.code(), kind]);
                self.string(name);
                self.string(data);
            }
            Change::Instance { id, template } => self.codes.extend([id, template]),
            Change::ValueText(text) => self.text(text),
            Change::ValueFlag(on) => self.codes.push(u32::from(on)),
            Change::ValueHtml(html) => {
                let length = self.push_str(html);
                self.form(length, ValueForm::Html);
            }
            Change::Children(count) => self.form(count, ValueForm::Children),
            Change::AdoptedRaw => self.form(0, ValueForm::Adopted),
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "a page sends far fewer than 2^53 events")]
    fn commit(&mut self) {
        let text = self.text.as_bytes();
        if !self.codes.is_empty() && !page::apply(self.session, self.ack as f64, &self.codes, text) {
            self.broken = Some(self.session);
        }
        self.discard();
    }

    fn discard(&mut self) {
        self.codes.clear();
        self.text.clear();
    }
}
