//! Keys: what makes an item of a list the same item in the next render.

use alloc::string::String;
use core::hash::{Hash, Hasher};

use compact_str::CompactString;

/// The identity of an item among its siblings. It stays on the server.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Key {
    /// A number.
    Number(Wide),
    /// A text.
    Text(CompactString),
}

impl Key {
    /// The key, if it is a number that fits.
    pub(crate) fn as_u64(&self) -> Option<u64> {
        match self {
            Self::Number(number) => u64::try_from(number.get()).ok(),
            Self::Text(_) => None,
        }
    }
}

/// Any integer, aligned as 64 bits are: an item that isn't packed is a quarter smaller than with an `i128`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(Rust, packed(8))]
pub struct Wide(i128);

impl Wide {
    /// The number.
    pub const fn get(self) -> i128 {
        self.0
    }
}

impl From<i128> for Wide {
    fn from(number: i128) -> Self {
        Self(number)
    }
}

/// What can be a key: integers and strings, borrowed or owned.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a key",
    label = "a key is an integer or a string",
    note = "use the item's id, or implement `IntoKey` for its id type"
)]
pub trait IntoKey {
    /// The key.
    fn to_key(&self) -> Key;
}

macro_rules! number_keys {
    ($($number:ty)*) => {
        $(impl IntoKey for $number {
            fn to_key(&self) -> Key {
                Key::Number(Wide(i128::from(*self)))
            }
        })*
    };
}
number_keys!(u8 u16 u32 u64 i8 i16 i32 i64 i128 bool);

impl IntoKey for usize {
    fn to_key(&self) -> Key {
        Key::Number(Wide(*self as i128))
    }
}

impl IntoKey for isize {
    fn to_key(&self) -> Key {
        Key::Number(Wide(*self as i128))
    }
}

impl IntoKey for u128 {
    /// Numbers above `i128::MAX` become their decimal text: still one key each.
    fn to_key(&self) -> Key {
        match i128::try_from(*self) {
            Ok(number) => Key::Number(Wide(number)),
            Err(_) => Key::Text(compact_str::format_compact!("{self}")),
        }
    }
}

impl IntoKey for str {
    fn to_key(&self) -> Key {
        Key::Text(self.into())
    }
}

impl IntoKey for String {
    fn to_key(&self) -> Key {
        Key::Text(self.as_str().into())
    }
}

impl IntoKey for CompactString {
    fn to_key(&self) -> Key {
        Key::Text(self.clone())
    }
}

impl IntoKey for char {
    fn to_key(&self) -> Key {
        Key::Number(Wide(i128::from(u32::from(*self))))
    }
}

impl<T: IntoKey + ?Sized> IntoKey for &T {
    fn to_key(&self) -> Key {
        T::to_key(self)
    }
}

impl IntoKey for Key {
    fn to_key(&self) -> Key {
        self.clone()
    }
}

/// A hash of the key: of numbers, in a few steps.
pub(crate) fn hash_key(key: &Key) -> u64 {
    if let Some(number) = key.as_u64() {
        return mix(number);
    }
    let mut hasher = Fnv(0xcbf2_9ce4_8422_2325);
    key.hash(&mut hasher);
    hasher.finish()
}

/// The finish of [MurmurHash3](https://github.com/aappleby/smhasher): each bit concerns all others.
pub(crate) const fn mix(mut bits: u64) -> u64 {
    bits = (bits ^ (bits >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    bits = (bits ^ (bits >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    bits ^ (bits >> 33)
}

struct Fnv(u64);

impl Hasher for Fnv {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    fn finish(&self) -> u64 {
        mix(self.0)
    }
}
