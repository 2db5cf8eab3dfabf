//! A template's fingerprint: equal templates have equal ones, in every build.

use super::{Kind, Slot, Template};
use crate::names::Namespace;

/// [FNV-1a](http://www.isthe.com/chongo/tech/comp/fnv/) of 64 bits over a description in which
/// every text has its length before it, folded to 32 bits.
pub(super) fn fingerprint(
    namespace: Namespace,
    statics: &[String],
    slots: &[Slot],
    templates: &[Template],
) -> u32 {
    let mut hash = Hash(0xcbf2_9ce4_8422_2325);
    hash.number(namespace as usize);
    hash.number(statics.len());
    for html in statics {
        hash.text(html);
    }
    for Slot { kind, path, .. } in slots {
        hash.number(path.len());
        for index in path {
            hash.number(*index);
        }
        match kind {
            Kind::Splice => hash.number(0),
            Kind::Attribute { name, guard } => {
                hash.number(1);
                hash.text(name);
                hash.number(*guard as usize);
            }
            Kind::Flag { name } => {
                hash.number(2);
                hash.text(name);
            }
            Kind::Class { name } => {
                hash.number(3);
                hash.text(name);
            }
            Kind::Property { field, is_content } => {
                hash.number(4);
                hash.number(usize::from(field.is_some()));
                hash.text(field.as_deref().unwrap_or_default());
                hash.number(usize::from(*is_content));
            }
            Kind::BoolProperty { name } => {
                hash.number(5);
                hash.text(name);
            }
            Kind::Handler { event } => {
                hash.number(6);
                hash.text(event);
            }
            Kind::Branch { arms } => {
                hash.number(7);
                hash.number(arms.len());
                for arm in arms {
                    hash.number(templates[*arm].fingerprint as usize);
                }
            }
            Kind::List { item } => {
                hash.number(8);
                hash.number(templates[*item].fingerprint as usize);
            }
        }
    }
    hash.folded()
}

struct Hash(u64);

impl Hash {
    fn bytes(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }

    fn number(&mut self, number: usize) {
        // As u64, so that a 32-bit compiler finds the same.
        self.bytes(&(number as u64).to_le_bytes());
    }

    fn text(&mut self, text: &str) {
        self.number(text.len());
        self.bytes(text.as_bytes());
    }

    fn folded(&self) -> u32 {
        let bytes = (self.0 ^ (self.0 >> 32)).to_le_bytes();
        u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])
    }
}
