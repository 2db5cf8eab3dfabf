//! What a component asks of the page that shows it: to focus a field, to tell something, to go somewhere.
//!
//! Such an effect belongs to a version: the next one that is rendered, whose program it follows. So the numbers of
//! versions are those of effects as well. A page does the effects of a version when it applies that, which it does once;
//! until it has said so they are kept, and a snapshot, which replaces programs that may not have come, says of each how
//! many versions ago it was asked for: a page that was further by then has done it.

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::vec::Vec;

use lightspeed_protocol::isa::{EffectKind, Op, ProgramWriter};
use lightspeed_protocol::msgpack::{DecodeError, Expected, Reader, Writer};

/// Effects of a session that no page has done, in all: of more, the oldest are dropped.
pub const EFFECTS_WAITING_MAX: usize = 64;

/// Bytes of their texts, in all: of more, the oldest are dropped, and one that is larger by itself is.
pub const EFFECTS_WAITING_BYTES_MAX: usize = 1024 * 1024;

/// How often the author is told that effects are dropped.
const DROPPED_TOLD_MAX: u8 = 16;

/// Something that a component asks of the page that shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageEffect {
    /// What is asked for.
    pub kind: EffectKind,
    /// What it is about, as [`EffectKind`] says.
    pub name: Box<str>,
    /// What else it says.
    pub data: Box<str>,
}

impl PageEffect {
    /// An effect; what `name` and `data` are says its kind.
    pub fn new(kind: EffectKind, name: impl Into<Box<str>>, data: impl Into<Box<str>>) -> Self {
        Self { kind, name: name.into(), data: data.into() }
    }

    const fn byte_count(&self) -> usize {
        self.name.len() + self.data.len()
    }
}

/// See the [module](self). Most sessions never ask for anything.
#[derive(Debug, Default)]
pub(super) struct Effects {
    queue: Option<Box<Queue>>,
    /// Drops that the author was told of.
    dropped_told: u8,
}

#[derive(Debug, Default)]
struct Queue {
    /// What was asked for since the last render.
    asked: Vec<PageEffect>,
    /// What was sent, with its version; the oldest first.
    sent: VecDeque<(u64, PageEffect)>,
}

impl Queue {
    #[cold]
    fn write(&mut self, version: u64, is_snapshot: bool, program: &mut ProgramWriter) {
        let first = if is_snapshot { 0 } else { self.sent.len() };
        self.sent.extend(self.asked.drain(..).map(|effect| (version, effect)));
        for (asked_at, effect) in self.sent.iter().skip(first) {
            let behind = u32::try_from(version - asked_at).unwrap_or(u32::MAX);
            let (kind, name, data) = (effect.kind.code(), &*effect.name, &*effect.data);
            program.push(&Op::Effect { behind, kind, name, data });
        }
    }

    /// Drops the oldest until what is left is within the bounds. Whether any was.
    fn trim(&mut self) -> bool {
        let mut was_trimmed = false;
        while self.asked.len() + self.sent.len() > EFFECTS_WAITING_MAX
            || self.byte_count() > EFFECTS_WAITING_BYTES_MAX
        {
            was_trimmed = true;
            if self.sent.pop_front().is_none() {
                self.asked.remove(0);
            }
        }
        was_trimmed
    }

    fn byte_count(&self) -> usize {
        let sent = self.sent.iter().map(|(_, effect)| effect);
        sent.chain(&self.asked).map(PageEffect::byte_count).sum()
    }

    /// Whether nothing is left.
    #[cold]
    fn acknowledge(&mut self, version: u64) -> bool {
        while self.sent.pop_front_if(|(asked_at, _)| *asked_at <= version).is_some() {}
        self.sent.is_empty() && self.asked.is_empty()
    }
}

impl Effects {
    /// The component asks for something. Whether its author is to be told that something is dropped for it: of one
    /// that does so all the time, a few times.
    pub(super) fn ask(&mut self, effect: PageEffect) -> bool {
        let queue = self.queue.get_or_insert_default();
        if effect.kind == EffectKind::Navigate {
            // One can only be at one place: the last.
            queue.asked.retain(|other| other.kind != EffectKind::Navigate);
        }
        // One that has no room even alone takes nobody else's.
        let is_too_large = effect.byte_count() > EFFECTS_WAITING_BYTES_MAX;
        if !is_too_large {
            queue.asked.push(effect);
        }
        let is_told = (queue.trim() || is_too_large) && self.dropped_told < DROPPED_TOLD_MAX;
        self.dropped_told += u8::from(is_told);
        is_told
    }

    /// Bytes that are kept because no page has done what they ask for.
    pub(super) fn byte_count(&self) -> usize {
        self.queue.as_ref().map_or(0, |queue| queue.byte_count())
    }

    /// Whether there is a reason for a version, even if it shows nothing new.
    pub(super) fn has_asked(&self) -> bool {
        self.queue.as_ref().is_some_and(|queue| !queue.asked.is_empty())
    }

    /// A panic has undone what was asked for since the last render.
    pub(super) fn undo(&mut self) {
        if let Some(queue) = &mut self.queue {
            queue.asked.clear();
        }
    }

    /// Writes what `version` asks for behind its program; and what may not have been done of earlier ones, if that is a
    /// `snapshot`.
    #[inline]
    pub(super) fn write(&mut self, version: u64, is_snapshot: bool, program: &mut ProgramWriter) {
        if let Some(queue) = &mut self.queue {
            queue.write(version, is_snapshot, program);
        }
    }

    /// The page has applied `version`, and so done what was asked for by then.
    #[inline]
    pub(super) fn acknowledge(&mut self, version: u64) {
        if self.queue.as_mut().is_some_and(|queue| queue.acknowledge(version)) {
            self.queue = None;
        }
    }

    /// What no version asks for yet, as `[kind, name, data..]`; `None` when that is nothing.
    pub(super) fn asked(&self) -> Option<Vec<u8>> {
        let queue = self.queue.as_ref().filter(|queue| !queue.asked.is_empty())?;
        let mut out = Writer::new();
        out.array(3 * queue.asked.len());
        for effect in &queue.asked {
            write(effect, &mut out);
        }
        Some(out.into_bytes())
    }

    /// What no version asks for yet is this, as [`Effects::asked`] gives it.
    pub(super) fn put_asked(&mut self, bytes: &[u8]) -> Result<(), DecodeError> {
        let mut reader = Reader::new(bytes);
        let count = reader.array_at_most(u32::try_from(3 * EFFECTS_WAITING_MAX).unwrap_or(u32::MAX))? / 3;
        let asked = (0..count).map(|_| read(&mut reader)).collect::<Result<_, _>>()?;
        reader.end()?;
        let queue = self.queue.get_or_insert_default();
        queue.asked = asked;
        queue.trim();
        Ok(())
    }

    /// What isn't done as one value: `[version, kind, name, data..]`, of what no version asks for yet with version 0.
    pub(super) fn save(&self, out: &mut Writer) {
        let waiting = self.queue.iter().flat_map(|queue| {
            let sent = queue.sent.iter().map(|(version, effect)| (*version, effect));
            sent.chain(queue.asked.iter().map(|effect| (0, effect)))
        });
        let waiting: Vec<_> = waiting.collect();
        out.array(4 * waiting.len());
        for (version, effect) in waiting {
            out.uint(version);
            write(effect, out);
        }
    }

    /// Reads what [`Effects::save`] wrote of a session that was at `newest`.
    pub(super) fn load(reader: &mut Reader<'_>, newest: u64) -> Result<Self, DecodeError> {
        let length = reader.error(Expected::Length);
        let bound = u32::try_from(4 * EFFECTS_WAITING_MAX).unwrap_or(u32::MAX);
        let count = reader.array_at_most(bound)?;
        if count % 4 != 0 {
            return Err(length);
        }
        let mut queue = Queue::default();
        for _ in 0..count / 4 {
            let order = reader.error(Expected::WithinBound);
            let version = reader.uint()?;
            let effect = read(reader)?;
            let is_ordered = queue.sent.back().is_none_or(|(before, _)| *before <= version);
            match version {
                0 => queue.asked.push(effect),
                _ if is_ordered && version <= newest && queue.asked.is_empty() => {
                    queue.sent.push_back((version, effect));
                }
                _ => return Err(order),
            }
        }
        Ok(Self { queue: (count > 0).then(|| Box::new(queue)), dropped_told: 0 })
    }
}

fn write(effect: &PageEffect, out: &mut Writer) {
    out.uint(u64::from(effect.kind.code()));
    out.str(&effect.name);
    out.str(&effect.data);
}

fn read(reader: &mut Reader<'_>) -> Result<PageEffect, DecodeError> {
    let code = reader.error(Expected::Code);
    let kind = EffectKind::from_code(reader.uint32()?).ok_or(code)?;
    Ok(PageEffect::new(kind, reader.str()?, reader.str()?))
}

#[cfg(test)]
mod tests {
    use lightspeed_protocol::isa::EffectKind;
    use lightspeed_protocol::msgpack::{Raw, Reader, Writer};

    use super::*;

    fn flash(text: &str) -> PageEffect {
        PageEffect::new(EffectKind::Flash, "status", text)
    }

    /// The effects of the program for `version`, as text.
    fn written(effects: &mut Effects, version: u64, is_snapshot: bool) -> alloc::string::String {
        let mut program = ProgramWriter::new();
        effects.write(version, is_snapshot, &mut program);
        alloc::format!("{}", lightspeed_protocol::isa::Disassembly(Raw::new(&program.finish())))
    }

    #[test]
    fn an_effect_goes_with_one_version_and_with_each_snapshot_until_it_is_done() {
        let mut effects = Effects::default();
        effects.ask(flash("a"));
        assert!(effects.has_asked());
        assert_eq!(written(&mut effects, 3, false), "effect 0 3 \"status\" \"a\"\n");
        assert!(!effects.has_asked());
        assert_eq!(written(&mut effects, 4, false), "");
        effects.ask(flash("b"));
        let both = "effect 2 3 \"status\" \"a\"\neffect 0 3 \"status\" \"b\"\n";
        assert_eq!(written(&mut effects, 5, true), both);
        effects.acknowledge(4);
        assert_eq!(written(&mut effects, 6, true), "effect 1 3 \"status\" \"b\"\n");
        effects.acknowledge(5);
        assert!(effects.queue.is_none(), "and takes no room");
    }

    #[test]
    fn what_is_undone_is_not_asked_for() {
        let mut effects = Effects::default();
        effects.ask(flash("seen"));
        written(&mut effects, 1, false);
        effects.ask(flash("undone"));
        effects.undo();
        assert_eq!(written(&mut effects, 2, true), "effect 1 3 \"status\" \"seen\"\n");
    }

    #[test]
    fn the_last_address_wins_and_the_oldest_of_too_many_are_dropped() {
        let mut effects = Effects::default();
        effects.ask(PageEffect::new(EffectKind::Navigate, "/a", ""));
        effects.ask(PageEffect::new(EffectKind::Navigate, "/b", ""));
        assert_eq!(written(&mut effects, 1, false), "effect 0 4 \"/b\" \"\"\n");
        let fits = (0..EFFECTS_WAITING_MAX).filter(|_| !effects.ask(flash("x"))).count();
        assert_eq!(fits, EFFECTS_WAITING_MAX - 1);
        assert_eq!(written(&mut effects, 2, true).lines().count(), EFFECTS_WAITING_MAX);
    }

    #[test]
    fn large_effects_are_bounded_together_and_alone_and_the_author_hears_of_a_few() {
        let mut effects = Effects::default();
        let large = "x".repeat(EFFECTS_WAITING_BYTES_MAX / 2 - 10);
        assert!(!effects.ask(flash(&large)) && !effects.ask(flash(&large)));
        assert!(effects.ask(flash("one more")), "the oldest makes room");
        assert!(effects.byte_count() <= EFFECTS_WAITING_BYTES_MAX);
        let before = effects.byte_count();
        assert!(effects.ask(flash(&"x".repeat(EFFECTS_WAITING_BYTES_MAX + 1))));
        assert_eq!(effects.byte_count(), before, "what has no room even alone takes nobody else's");
        let told = (0..1_000).filter(|_| effects.ask(flash(&large))).count();
        assert_eq!(told, usize::from(DROPPED_TOLD_MAX) - 2);
    }

    #[test]
    fn what_waits_is_stored() {
        let mut effects = Effects::default();
        effects.ask(flash("sent"));
        written(&mut effects, 7, false);
        effects.ask(flash("asked"));
        let mut out = Writer::new();
        effects.save(&mut out);
        let bytes = out.into_bytes();
        let mut again = Effects::load(&mut Reader::new(&bytes), 7).expect("it was saved");
        let both = "effect 1 3 \"status\" \"sent\"\neffect 0 3 \"status\" \"asked\"\n";
        assert_eq!(written(&mut again, 8, true), both);
        assert!(Effects::load(&mut Reader::new(&bytes), 6).is_err(), "of a version that isn't there yet");
    }
}
