//! Names found among many, for less than comparing letters.

/// The length of a name, its first eight letters and its last: all of a name of up to sixteen. Telling
/// two of these apart takes no call, and is done for every member of every resource that is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sketch {
    length: usize,
    head: u64,
    tail: u64,
}

impl Sketch {
    #[inline]
    pub(super) fn of(name: &str) -> Self {
        let bytes = name.as_bytes();
        let (head, tail) = match (bytes.first_chunk(), bytes.last_chunk()) {
            (Some(head), Some(tail)) => (u64::from_le_bytes(*head), u64::from_le_bytes(*tail)),
            _ => Self::of_few(bytes),
        };
        Self {
            length: bytes.len(),
            head,
            tail,
        }
    }

    /// Of fewer than eight.
    fn of_few(bytes: &[u8]) -> (u64, u64) {
        match (bytes.first_chunk(), bytes.last_chunk()) {
            (Some(head), Some(tail)) => {
                let (head, tail) = (u32::from_le_bytes(*head), u32::from_le_bytes(*tail));
                (head.into(), tail.into())
            }
            _ => {
                let letters = bytes.iter().map(|byte| u64::from(*byte));
                (letters.fold(0, |all, letter| (all << 8) | letter), 0)
            }
        }
    }

    /// Whether two names are the same to the letter, of which these are the sketches.
    #[inline]
    pub(super) fn is(self, name: &str, other: Self, other_name: &str) -> bool {
        self == other && (self.length <= 16 || name == other_name)
    }
}

/// Where each of some names stands, by its sketch.
#[derive(Debug, Clone)]
pub(super) struct Places {
    /// One more than the place, or nothing; a power of two, of which no more than half are taken.
    slots: Vec<u32>,
}

impl Places {
    /// The places of names in their order; of the same ones the last.
    pub(super) fn of<'n>(names: impl ExactSizeIterator<Item = (Sketch, &'n str)> + Clone) -> Self {
        let slots = vec![0; (names.len() * 2).next_power_of_two()];
        let mut places = Self { slots };
        for (place, (sketch, name)) in (1..).zip(names.clone()) {
            let at = places.slot(sketch, |taken| {
                let there = names.clone().nth(taken);
                there.is_some_and(|(known, there)| sketch.is(name, known, there))
            });
            if let Some(slot) = at.and_then(|at| places.slots.get_mut(at)) {
                *slot = place;
            }
        }
        places
    }

    /// The place of a name, where `is` tells whether it is the one that stands at a place.
    #[inline]
    pub(super) fn get(&self, sketch: Sketch, is: impl Fn(usize) -> bool) -> Option<usize> {
        let at = self.slot(sketch, is)?;
        place(*self.slots.get(at)?)
    }

    /// The slot of a name, or the free one that it would take.
    #[inline]
    fn slot(&self, sketch: Sketch, is: impl Fn(usize) -> bool) -> Option<usize> {
        // Of the product, the upper half has something of every letter.
        let letters = sketch.head ^ sketch.tail.rotate_left(29) ^ sketch.length as u64;
        let spread = letters.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32;
        let mask = self.slots.len() - 1;
        let mut at = spread as usize & mask;
        loop {
            match place(*self.slots.get(at)?) {
                Some(taken) if !is(taken) => at = (at + 1) & mask,
                _ => return Some(at),
            }
        }
    }
}

fn place(slot: u32) -> Option<usize> {
    usize::try_from(slot).ok()?.checked_sub(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_told_apart_by_every_letter() {
        let names = [
            "",
            "a",
            "b",
            "ab",
            "ba",
            "abc",
            "acb",
            "type",
            "typf",
            "value",
            "valuf",
            "display",
            "userName",
            "userNbme",
            "givenName",
            "familyName",
            "middleName",
            "honorificPrefix",
            "honorificSuffix",
            "abcdefghXijklmnop",
            "abcdefghYijklmnop",
        ];
        for one in names {
            for other in names {
                let (of_one, of_other) = (Sketch::of(one), Sketch::of(other));
                assert_eq!(
                    of_one.is(one, of_other, other),
                    one == other,
                    "{one} {other}"
                );
            }
        }
        let places = Places::of(names.iter().map(|name| (Sketch::of(name), *name)));
        for (at, name) in names.iter().enumerate() {
            let is = |place: usize| names.get(place) == Some(name);
            assert_eq!(places.get(Sketch::of(name), is), Some(at), "{name}");
        }
        let nobody = Places::of(std::iter::empty::<(Sketch, &str)>());
        assert_eq!(nobody.get(Sketch::of("title"), |_| true), None);
    }

    #[test]
    fn of_the_same_name_the_last_one_counts() {
        let names = ["title", "title"];
        let places = Places::of(names.iter().map(|name| (Sketch::of(name), *name)));
        assert_eq!(places.get(Sketch::of("title"), |at| at < 2), Some(1));
    }
}
