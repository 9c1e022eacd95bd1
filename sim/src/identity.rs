//! Names and ids that look random and follow from the seed alone.

/// Letters that Kubernetes uses in generated names: no vowels, no look-alikes.
const NAME_LETTERS: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";

/// A reproducible source of ids: the same seed and the same order of calls give the same ids.
#[derive(Debug, Clone)]
pub(crate) struct Ids {
    state: u64,
}

impl Ids {
    /// A source that starts from `seed`.
    pub(crate) const fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// The next number (splitmix64).
    pub(crate) fn number(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.state)
    }

    /// A UUID of version 4.
    pub(crate) fn uuid(&mut self) -> String {
        let (high, low) = (self.number(), self.number());
        format!(
            "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
            high >> 32,
            (high >> 16) & 0xffff,
            high & 0x0fff,
            0x8000 | ((low >> 48) & 0x3fff),
            low & 0xffff_ffff_ffff
        )
    }

    /// A suffix for generated names: five letters or digits.
    pub(crate) fn suffix(&mut self) -> String {
        letters(self.number(), 5)
    }
}

/// `count` letters of a name, drawn from `number`.
pub(crate) fn letters(mut number: u64, count: usize) -> String {
    let base = NAME_LETTERS.len() as u64;
    let mut text = String::with_capacity(count);
    for _ in 0..count {
        let index = usize::try_from(number % base).unwrap_or_default();
        text.push(char::from(NAME_LETTERS[index]));
        number /= base;
    }
    text
}

/// A number that follows from the texts (FNV-1a, then mixed).
pub(crate) fn hash(parts: &[&str]) -> u64 {
    let mut state = 0xcbf2_9ce4_8422_2325_u64;
    for part in parts {
        for byte in part.bytes().chain(std::iter::once(0xff)) {
            state = (state ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
    mix(state)
}

/// 64 hexadecimal digits that follow from the texts, as container ids have.
pub(crate) fn hex64(parts: &[&str]) -> String {
    let mut ids = Ids::new(hash(parts));
    [(); 4].map(|()| format!("{:016x}", ids.number())).concat()
}

const fn mix(mut value: u64) -> u64 {
    value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_follow_from_the_seed() {
        let take = |seed| {
            let mut ids = Ids::new(seed);
            (ids.uuid(), ids.suffix())
        };
        assert_eq!(take(7), take(7));
        assert_ne!(take(7), take(8));
    }

    #[test]
    fn a_uuid_has_the_usual_shape() {
        let uuid = Ids::new(1).uuid();
        let lengths: Vec<_> = uuid.split('-').map(str::len).collect();
        assert_eq!(lengths, [8, 4, 4, 4, 12]);
        assert!(uuid.split('-').nth(2).unwrap().starts_with('4'));
        assert_eq!(hex64(&["a"]).len(), 64);
    }
}
