//! Names as controllers generate them, but the same in each simulation of the same files.

use std::hash::Hasher;

use fnv::FnvHasher;

/// What Kubernetes makes generated names of: no vowels, so that they spell no words.
const ALPHABET: &[u8; 27] = b"bcdfghjklmnpqrstvwxz2456789";

/// Length of the part that the API server appends to a `generateName`.
const SUFFIX_LENGTH: usize = 5;

/// Returns what replaces the random end of a generated name.
pub(crate) fn suffix(seed: &str) -> String {
    let mut rest = hash(seed.as_bytes());
    let digits = std::iter::from_fn(|| {
        let digit = rest % 251;
        rest /= 251;
        u8::try_from(digit).ok()
    });
    digits.take(SUFFIX_LENGTH).map(letter).collect()
}

/// Returns a uid in the form of an RFC 9562 UUID, version 8.
pub(crate) fn uid(seed: &str) -> String {
    let high = hash(seed.as_bytes());
    let low = hash(&high.to_be_bytes());
    format!(
        "{:08x}-{:04x}-8{:03x}-8{:03x}-{:012x}",
        high >> 32,
        (high >> 16) & 0xffff,
        high & 0xfff,
        low >> 52,
        low & 0xffff_ffff_ffff,
    )
}

fn letter(byte: u8) -> char {
    char::from(ALPHABET[usize::from(byte) % ALPHABET.len()])
}

/// Stable across builds, unlike the standard library's hash.
fn hash(bytes: &[u8]) -> u64 {
    let mut hasher = FnvHasher::default();
    hasher.write(bytes);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_as_fnv_1a_does() {
        assert_eq!(hash(b""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(hash(b"foobar"), 0x8594_4171_f739_67e8);
    }

    #[test]
    fn names_are_stable_and_differ_by_their_seed() {
        assert_eq!(suffix("shop/web/0/0"), suffix("shop/web/0/0"));
        assert_ne!(suffix("shop/web/0/0"), suffix("shop/web/1/0"));
        assert_eq!(suffix("shop/web/0/0").len(), SUFFIX_LENGTH);
    }

    #[test]
    fn a_uid_has_the_form_of_a_uuid() {
        let uid = uid("Pod/shop/web");
        let lengths: Vec<_> = uid.split('-').map(str::len).collect();
        assert_eq!(lengths, [8, 4, 4, 4, 12]);
    }
}
