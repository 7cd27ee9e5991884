//! How often one address fails to authenticate or to sign in.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Counts failures; successes are neither counted nor refused, because many clients may share an
/// address.
pub struct Throttle {
    limit: usize,
    period: Duration,
    windows: Mutex<HashMap<IpAddr, Window>>,
}

#[derive(Debug, Clone, Copy)]
struct Window {
    began: Instant,
    failures: usize,
}

impl Throttle {
    /// Lets an address fail this often in a period.
    pub fn new(limit: usize, period: Duration) -> Self {
        Self {
            limit,
            period,
            windows: Mutex::default(),
        }
    }

    /// How long an address that failed too often already has to wait.
    pub fn waits(&self, address: IpAddr, now: Instant) -> Option<Duration> {
        let windows = self.windows.lock().unwrap_or_else(PoisonError::into_inner);
        let window = windows.get(&network(address))?;
        let left = self.period.checked_sub(now.duration_since(window.began))?;
        (window.failures >= self.limit).then_some(left)
    }

    /// Notes a failure. `Some` when it was one too many: how long the address is to wait.
    pub fn failure(&self, address: IpAddr, now: Instant) -> Option<Duration> {
        let mut windows = self.windows.lock().unwrap_or_else(PoisonError::into_inner);
        let mut key = network(address);
        if windows.len() >= ADDRESSES && !windows.contains_key(&key) {
            windows.retain(|_address, window| now.duration_since(window.began) < self.period);
            if windows.len() >= ADDRESSES {
                // Those beyond the table's end share one count.
                key = IpAddr::V6(Ipv6Addr::UNSPECIFIED);
            }
        }
        let fresh = Window {
            began: now,
            failures: 0,
        };
        let window = windows.entry(key).or_insert(fresh);
        if now.duration_since(window.began) >= self.period {
            *window = fresh;
        }
        window.failures = window.failures.saturating_add(1);
        (window.failures > self.limit)
            .then(|| self.period.saturating_sub(now.duration_since(window.began)))
    }
}

/// An IPv4 address, or the /64 that one IPv6 customer has.
pub fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let network = u128::from(address) & !u128::from(u64::MAX);
            IpAddr::V6(Ipv6Addr::from(network))
        }
        address => address,
    }
}

/// The usual period.
pub const MINUTE: Duration = Duration::from_secs(60);
const ADDRESSES: usize = 10_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_failure_beyond_the_limit_waits_for_the_rest_of_the_minute() {
        let throttle = Throttle::new(2, MINUTE);
        let (address, now) = ("192.0.2.1".parse().unwrap(), Instant::now());
        assert_eq!(throttle.failure(address, now), None);
        assert_eq!(throttle.failure(address, now), None);
        let later = now + Duration::from_secs(20);
        assert_eq!(
            throttle.failure(address, later),
            Some(Duration::from_secs(40))
        );
        assert_eq!(
            throttle.waits(address, later),
            Some(Duration::from_secs(40))
        );
        assert_eq!(throttle.waits(address, now + MINUTE * 2), None);
        assert_eq!(throttle.failure(address, now + MINUTE), None);
        assert_eq!(throttle.waits(address, now + MINUTE), None);
    }

    #[test]
    fn a_mapped_address_is_the_same_and_a_neighbour_another() {
        let throttle = Throttle::new(1, MINUTE);
        let now = Instant::now();
        for (address, refused) in [
            ("192.0.2.1", false),
            ("::ffff:192.0.2.1", true),
            ("192.0.2.2", false),
            ("2001:db8::1", false),
            ("2001:db8::ffff", true),
            ("2001:db8:0:1::1", false),
        ] {
            let failure = throttle.failure(address.parse().unwrap(), now);
            assert_eq!(failure.is_some(), refused, "{address}");
        }
    }

    #[test]
    fn the_table_does_not_grow_without_end() {
        let throttle = Throttle::new(1, MINUTE);
        let now = Instant::now();
        for number in 0..(ADDRESSES as u32 + 50) {
            throttle.failure(IpAddr::from(number.to_be_bytes()), now);
        }
        assert!(throttle.windows.lock().unwrap().len() <= ADDRESSES + 1);
    }
}
