//! Who is known to be sent as stored.

use std::collections::HashSet;
use std::sync::{PoisonError, RwLock};

/// Digests of users who are sent as they are stored, for as long as a model is kept.
#[derive(Debug, Default)]
pub(crate) struct Plain(RwLock<HashSet<Content>>);

/// A digest of what a user is shown by: half of a SHA-256.
pub(crate) type Content = [u8; 16];

impl Plain {
    pub(crate) fn has(&self, content: &Content) -> bool {
        let noted = self.0.read().unwrap_or_else(PoisonError::into_inner);
        noted.contains(content)
    }

    pub(crate) fn note(&self, content: Content) {
        let mut noted = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if noted.len() >= KEPT {
            noted.clear();
        }
        noted.insert(content);
    }
}

/// Of how many users a model notes it, in 18 MB.
const KEPT: usize = (1 << 20) / 8 * 7;
