//! How long a client waits for a server that is busy.

use std::time::Duration;

/// How often a request is repeated that was answered 429 or 503, and how long is waited before.
///
/// `Retry-After` (RFC 9110 section 10.2.3) is obeyed where it is a number of seconds; a date is
/// treated as absent, as identity providers do. Without it the pauses double.
///
/// ```
/// use scim_client::Patience;
/// use std::time::Duration;
///
/// let patience = Patience::default();
/// assert_eq!(patience.pause(Some("7"), 1), Duration::from_secs(7));
/// assert_eq!(patience.pause(None, 3), Duration::from_secs(8));
/// assert_eq!(patience.pause(Some("86400"), 1), patience.longest_pause);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// How often a request is sent at most, the first time among them.
    pub attempts: u32,
    /// How long is waited at most, whatever the server asks for.
    pub longest_pause: Duration,
}

impl Patience {
    /// No request is repeated.
    pub fn none() -> Self {
        Self {
            attempts: 1,
            ..Self::default()
        }
    }

    /// How long to wait after an attempt, counted from 1, that was answered with this
    /// `Retry-After`.
    pub fn pause(&self, retry_after: Option<&str>, attempt: u32) -> Duration {
        let asked = retry_after.and_then(|text| text.trim().parse().ok());
        let seconds = asked.unwrap_or_else(|| 1 << attempt.min(6));
        Duration::from_secs(seconds).min(self.longest_pause)
    }

    /// Whether an answer asks to be waited for, and may be.
    pub(crate) fn repeats(&self, status: u16, attempt: u32) -> bool {
        matches!(status, 429 | 503) && attempt < self.attempts
    }
}

impl Default for Patience {
    /// Ten attempts, and pauses of two minutes at most.
    fn default() -> Self {
        Self {
            attempts: 10,
            longest_pause: Duration::from_secs(120),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_obeyed_in_seconds_and_bounded() {
        let patience = Patience::default();
        assert_eq!(patience.pause(Some(" 7 "), 1), Duration::from_secs(7));
        assert_eq!(patience.pause(Some("0"), 1), Duration::ZERO);
        let longest = patience.longest_pause;
        assert_eq!(patience.pause(Some("99999999999"), 1), longest);
    }

    #[test]
    fn without_a_number_the_pauses_grow() {
        let patience = Patience::default();
        let date = Some("Wed, 21 Oct 2026 07:28:00 GMT");
        assert_eq!(patience.pause(date, 1), Duration::from_secs(2));
        assert_eq!(patience.pause(None, 3), Duration::from_secs(8));
        assert_eq!(patience.pause(None, 40), Duration::from_secs(64));
    }
}
