//! How many requests of one stream are under way.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Counts the requests of each stream that are under way.
#[derive(Debug, Default)]
pub(super) struct Turns(Mutex<HashMap<String, usize>>);

impl Turns {
    /// A turn of a stream, unless it has [`MOST`] already.
    pub(super) fn take(self: &Arc<Self>, stream: &str) -> Option<Turn> {
        let mut taken = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = taken.entry(stream.to_owned()).or_default();
        if *count >= MOST {
            return None;
        }
        *count += 1;
        Some(Turn {
            turns: Arc::clone(self),
            stream: stream.to_owned(),
        })
    }
}

/// One request, for as long as it is under way.
#[derive(Debug)]
pub(super) struct Turn {
    turns: Arc<Turns>,
    stream: String,
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut taken = self.turns.0.lock().unwrap_or_else(PoisonError::into_inner);
        let left = taken.get(&self.stream).map(|count| count.saturating_sub(1));
        match left {
            Some(left @ 1..) => drop(taken.insert(self.stream.clone(), left)),
            _ => drop(taken.remove(&self.stream)),
        }
    }
}

/// How many requests one stream has under way at most.
const MOST: usize = 4;

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_has_its_own_turns_and_gets_them_back() {
        let turns = Arc::new(Turns::default());
        let taken: Vec<Turn> = (0..MOST).map(|_| turns.take("a").unwrap()).collect();
        assert!(turns.take("a").is_none());
        assert!(turns.take("b").is_some());
        drop(taken);
        assert!(turns.0.lock().unwrap().is_empty());
        assert!(turns.take("a").is_some());
    }
}
