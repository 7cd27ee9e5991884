//! Log lines of refused requests: a few of each kind and address are written, the rest are counted.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::throttle::network;

/// What is refused again and again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Refused {
    /// Where it comes from; `None` for the rest of very many.
    pub address: Option<IpAddr>,
    /// With which status.
    pub status: u16,
}

struct Window {
    began: Instant,
    written: u32,
    left_out: u64,
}

/// Counts refusals by address and status.
#[derive(Default)]
pub struct Sampler(Mutex<HashMap<Refused, Window>>);

impl Sampler {
    /// Whether the line of a refusal is written.
    pub fn writes(&self, address: Option<IpAddr>, status: u16, now: Instant) -> bool {
        let mut windows = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut key = Refused {
            address: address.map(network),
            status,
        };
        if windows.len() >= KINDS && !windows.contains_key(&key) {
            key.address = None;
        }
        let window = windows.entry(key).or_insert(Window {
            began: now,
            written: 0,
            left_out: 0,
        });
        if window.written < LINES {
            window.written += 1;
            return true;
        }
        window.left_out += 1;
        false
    }

    /// What was left out within a period that is over.
    pub fn take(&self, now: Instant) -> Vec<(Refused, u64)> {
        let mut windows = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_over = |window: &Window| now.duration_since(window.began) >= PERIOD;
        let over = windows.extract_if(|_refused, window| is_over(window));
        over.filter(|(_, window)| window.left_out > 0)
            .map(|(refused, window)| (refused, window.left_out))
            .collect()
    }
}

/// How many lines of a kind are written within a period.
const LINES: u32 = 20;
const PERIOD: Duration = Duration::from_secs(10);
const KINDS: usize = 1_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lines_of_one_address_are_few_and_the_rest_is_counted() {
        let (sampler, now) = (Sampler::default(), Instant::now());
        let address = |last: u8| Some(IpAddr::from([192, 0, 2, last]));
        let written = |last, status, times| {
            let one = |_: &i32| sampler.writes(address(last), status, now);
            (0..times).filter(one).count()
        };
        assert_eq!(written(1, 401, 1_000), 20);
        assert_eq!(
            (written(1, 404, 5), written(2, 401, 5)),
            (5, 5),
            "another kind"
        );
        assert_eq!(sampler.take(now), []);
        let later = now + PERIOD;
        let one = Refused {
            address: address(1),
            status: 401,
        };
        assert_eq!(sampler.take(later), [(one, 980)]);
        assert_eq!(sampler.take(later), []);
        assert!(sampler.writes(address(1), 401, later));
    }

    #[test]
    fn lines_of_very_many_addresses_are_bounded_together() {
        let (sampler, now) = (Sampler::default(), Instant::now());
        let one = |number: &u32| {
            let address = IpAddr::from(number.to_be_bytes());
            sampler.writes(Some(address), 401, now)
        };
        let written = (0..50_000_u32).filter(one).count();
        assert!(written <= KINDS + 20, "{written}");
    }
}
