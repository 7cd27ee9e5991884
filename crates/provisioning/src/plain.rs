//! Who is known to be sent as stored.

use std::collections::HashSet;
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::sync::{PoisonError, RwLock};

use crate::directory::UnreadUser;

/// Digests of users who are sent as they are stored, for as long as a model is kept.
#[derive(Debug, Default)]
pub(crate) struct Plain {
    noted: RwLock<HashSet<Content>>,
    /// The secrets of the digests, which nobody who writes a document can know.
    keys: [RandomState; 2],
}

/// A digest of what a user is shown by.
pub(crate) type Content = [u64; 2];

impl Plain {
    /// The digest of all that a user is shown by but id, version and times, of which nothing but `id`
    /// and `meta` is made; and of whether the user is shown without groups.
    pub(crate) fn content(&self, user: &dyn UnreadUser, alone: bool) -> Content {
        let [mut one, mut other] = self.keys.each_ref().map(RandomState::build_hasher);
        one.write_u8(u8::from(alone));
        other.write_u8(u8::from(alone));
        user.contents(&mut |part| {
            // What follows cannot be taken for a part of it.
            let length = part.map_or(usize::MAX, <[u8]>::len);
            for hasher in [&mut one, &mut other] {
                hasher.write_usize(length);
                hasher.write(part.unwrap_or_default());
            }
        });
        [one.finish(), other.finish()]
    }

    pub(crate) fn has(&self, content: &Content) -> bool {
        let noted = self.noted.read().unwrap_or_else(PoisonError::into_inner);
        noted.contains(content)
    }

    pub(crate) fn note(&self, content: Content) {
        let mut noted = self.noted.write().unwrap_or_else(PoisonError::into_inner);
        if noted.len() >= KEPT {
            noted.clear();
        }
        noted.insert(content);
    }
}

/// Of how many users a model notes it, in 18 MB.
const KEPT: usize = (1 << 20) / 8 * 7;
