//! Failed authentications per address.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, Duration, Utc};

/// Counts failures per source address and holds back further failures of an address that has too
/// many. A request with a valid token is never held back: many people share an address.
#[derive(Debug)]
pub struct Throttle {
    failures: Mutex<HashMap<IpAddr, (DateTime<Utc>, u32)>>,
    most: u32,
}

impl Throttle {
    /// A throttle that lets so many failures a minute pass.
    pub fn new(most: u32) -> Self {
        Self {
            failures: Mutex::new(HashMap::new()),
            most,
        }
    }

    /// Counts a failure; answers in how many seconds the next one may come, if not at once.
    pub fn failed(&self, address: IpAddr, now: DateTime<Utc>) -> Option<u32> {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        if failures.len() >= ADDRESSES {
            failures.retain(|_, (since, _)| now - *since < Duration::minutes(1));
        }
        let (since, count) = failures.entry(address).or_insert((now, 0));
        if now - *since >= Duration::minutes(1) {
            (*since, *count) = (now, 0);
        }
        *count += 1;
        if *count <= self.most {
            return None;
        }
        let left = 60 - (now - *since).num_seconds();
        Some(u32::try_from(left.max(1)).unwrap_or(1))
    }
}

const ADDRESSES: usize = 10_000;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn an_address_is_held_back_for_the_rest_of_its_minute() {
        let throttle = Throttle::new(2);
        let address: IpAddr = "192.0.2.1".parse().unwrap();
        let now = Utc::now();
        assert_eq!(throttle.failed(address, now), None);
        assert_eq!(throttle.failed(address, now), None);
        assert_eq!(
            throttle.failed(address, now + Duration::seconds(10)),
            Some(50)
        );
        assert_eq!(throttle.failed("192.0.2.2".parse().unwrap(), now), None);
        assert_eq!(throttle.failed(address, now + Duration::seconds(61)), None);
    }
}
