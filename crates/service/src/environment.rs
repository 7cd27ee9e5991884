//! What the crate would else take from its surroundings.

use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use uuid::Uuid;

/// The clock and randomness, as a parameter: whoever tests a year need not wait for one, and what
/// was drawn once can be drawn again.
pub trait Environment: Send + Sync {
    /// The time, in milliseconds.
    ///
    /// ```
    /// use scim_service::{Environment, SystemEnvironment};
    ///
    /// assert_eq!(SystemEnvironment.now().timestamp_subsec_nanos() % 1_000_000, 0);
    /// ```
    fn now(&self) -> DateTime<Utc>;

    /// An id that nothing else has: a UUID of version 7, so that ids grow with time.
    ///
    /// ```
    /// use scim_service::{Environment, SystemEnvironment};
    ///
    /// let (first, second) = (SystemEnvironment.uuid(), SystemEnvironment.uuid());
    /// assert!(first < second, "what is created later sorts later");
    /// ```
    fn uuid(&self) -> Uuid {
        Uuid::now_v7()
    }

    /// Fills bytes that nobody can foresee.
    ///
    /// ```
    /// use scim_service::{Environment, SystemEnvironment};
    ///
    /// let mut secret = [0; 32];
    /// SystemEnvironment.fill(&mut secret)?;
    /// assert_ne!(secret, [0; 32]);
    /// # Ok::<(), scim_service::NoRandomNumbers>(())
    /// ```
    ///
    /// # Errors
    /// [`NoRandomNumbers`] when the system gives none.
    fn fill(&self, bytes: &mut [u8]) -> Result<(), NoRandomNumbers> {
        getrandom::fill(bytes).map_err(NoRandomNumbers)
    }
}

/// The system gives no random numbers, so that nothing secret can be made.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("the system gives no random numbers")]
pub struct NoRandomNumbers(#[source] getrandom::Error);

/// The clock and the random numbers of the machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemEnvironment;

impl Environment for SystemEnvironment {
    fn now(&self) -> DateTime<Utc> {
        Utc::now().trunc_subsecs(3)
    }
}

/// A clock that is set by hand, and numbers that are the same every time, for tests. Two of them
/// that begin alike go on alike.
#[derive(Debug)]
pub struct FixedEnvironment(Mutex<Fixed>);

#[derive(Debug)]
struct Fixed {
    now: DateTime<Utc>,
    drawn: u64,
}

impl FixedEnvironment {
    /// An environment in which it is this time until it is set.
    ///
    /// ```
    /// use chrono::DateTime;
    /// use scim_service::{Environment, FixedEnvironment};
    ///
    /// let alike = [(); 2].map(|()| FixedEnvironment::at(DateTime::UNIX_EPOCH));
    /// assert_eq!(alike[0].uuid(), alike[1].uuid());
    /// ```
    pub fn at(now: DateTime<Utc>) -> Self {
        let now = now.trunc_subsecs(3);
        Self(Mutex::new(Fixed { now, drawn: 0 }))
    }

    /// Lets time pass.
    ///
    /// ```
    /// use chrono::{DateTime, TimeDelta};
    /// use scim_service::{Environment, FixedEnvironment};
    ///
    /// let environment = FixedEnvironment::at(DateTime::UNIX_EPOCH);
    /// environment.advance(TimeDelta::hours(1));
    /// assert_eq!(environment.now().timestamp(), 3_600);
    /// ```
    pub fn advance(&self, time: TimeDelta) {
        self.fixed().now += time;
    }

    fn fixed(&self) -> MutexGuard<'_, Fixed> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Environment for FixedEnvironment {
    fn now(&self) -> DateTime<Utc> {
        self.fixed().now
    }

    fn uuid(&self) -> Uuid {
        let mut fixed = self.fixed();
        fixed.drawn += 1;
        let millis = u64::try_from(fixed.now.timestamp_millis()).unwrap_or_default();
        let mut counter = [0; 10];
        // Behind the bits of the version and the variant.
        for (byte, of) in counter
            .iter_mut()
            .skip(3)
            .zip(fixed.drawn.to_be_bytes().iter().skip(1))
        {
            *byte = *of;
        }
        uuid::Builder::from_unix_timestamp_millis(millis, &counter).into_uuid()
    }

    fn fill(&self, bytes: &mut [u8]) -> Result<(), NoRandomNumbers> {
        for byte in bytes {
            let mut fixed = self.fixed();
            fixed.drawn += 1;
            // The multiplier of a linear congruential generator (Knuth), of which the high bits are
            // taken.
            let drawn = fixed.drawn.wrapping_mul(6_364_136_223_846_793_005);
            *byte = drawn.to_be_bytes()[0];
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_that_begin_alike_go_on_alike_and_draw_nothing_twice() {
        let begin = || FixedEnvironment::at(DateTime::from_timestamp(1_800_000_000, 7).unwrap());
        let draw = |environment: &FixedEnvironment| {
            let mut bytes = [0; 16];
            environment.fill(&mut bytes).unwrap();
            (environment.uuid(), bytes)
        };
        let (one, other) = (begin(), begin());
        let drawn: Vec<_> = (0..1_000).map(|_| draw(&one)).collect();
        assert!((0..1_000).map(|_| draw(&other)).eq(drawn.iter().copied()));
        assert!(
            drawn.is_sorted_by(|(left, _), (right, _)| left < right),
            "ids grow"
        );
        assert!(drawn.is_sorted_by(|(_, left), (_, right)| left != right));
        one.advance(TimeDelta::days(365));
        let (id, _) = draw(&one);
        assert!(id > drawn.last().unwrap().0);
        assert_eq!(id.get_version_num(), 7);
        assert_eq!(one.now().timestamp(), 1_800_000_000 + 365 * 86_400);
    }
}
