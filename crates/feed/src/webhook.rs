//! Receivers that changes are sent to.

use std::fmt;

use chrono::{DateTime, Duration, Utc};
use http::Uri;

use crate::position::Position;

/// What the stream of a receiver has that changes are sent to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Webhook {
    /// The id of the stream.
    pub stream: String,
    /// The secret with which is signed.
    pub secret: SealedSecret,
    /// The secret before, with which is signed as well for a while.
    pub previous: Option<PreviousSecret>,
    /// How long nothing gets through; `None` where the last attempt did.
    pub failing: Option<Failing>,
    /// Up to where the changes go that are being sent, so that they are the same when they go again.
    pub sending: Option<Position>,
}

impl Webhook {
    /// With what is signed now: the secret, and for a while the one before.
    pub fn secrets(&self, now: DateTime<Utc>) -> impl Iterator<Item = &SealedSecret> {
        let previous = self.previous.as_ref();
        let previous = previous.filter(|previous| previous.until > now);
        let previous = previous.map(|previous| &previous.secret);
        std::iter::once(&self.secret).chain(previous)
    }
}

/// A secret that only who has the key can read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedSecret {
    /// The id of the key that it was sealed with.
    pub key: String,
    /// What is kept of it.
    pub sealed: String,
}

/// A secret that is no longer the one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PreviousSecret {
    /// It.
    pub secret: SealedSecret,
    /// Until when is signed with it.
    pub until: DateTime<Utc>,
}

/// A receiver that does not take what is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Failing {
    /// Since the first attempt.
    pub since: DateTime<Utc>,
    /// How many attempts failed one after the other.
    pub attempts: u32,
    /// When the next one is.
    pub next: DateTime<Utc>,
}

impl Failing {
    /// What it is when one more attempt failed. The next one is three times as late as the one
    /// before, 5 seconds to 6 hours from now, or as late as the receiver says (`Retry-After`), and
    /// not at the same moment as those of other streams.
    pub fn after(
        before: Option<Self>,
        stream: &str,
        asked: Option<Duration>,
        now: DateTime<Utc>,
    ) -> Self {
        let attempts = before
            .map_or(0, |failing| failing.attempts)
            .saturating_add(1);
        let factor = 3_i64.saturating_pow(attempts - 1);
        let pause = FIRST_PAUSE.num_milliseconds().saturating_mul(factor);
        let pause = pause.min(LONGEST_PAUSE.num_milliseconds());
        // Up to a fifth earlier or later: by what is the stream's own, no random number is needed.
        let spread = stream.bytes().fold(attempts, |spread, byte| {
            spread.wrapping_mul(16_777_619) ^ u32::from(byte)
        });
        let pause = pause * (80 + i64::from(spread % 41)) / 100;
        let pause = pause.min(LONGEST_PAUSE.num_milliseconds());
        let asked = asked.map_or(0, |asked| asked.min(LONGEST_PAUSE).num_milliseconds());
        Self {
            since: before.map_or(now, |failing| failing.since),
            attempts,
            next: now + Duration::milliseconds(pause.max(asked)),
        }
    }

    /// Whether nothing got through for so long that nothing is sent any more until somebody looks
    /// at it.
    pub fn is_given_up(&self, now: DateTime<Utc>) -> bool {
        now - self.since >= PATIENCE
    }
}

/// The address of a receiver: HTTPS, with a host, without a user, a password or a fragment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookUrl(String);

/// Why a text is not the address of a receiver.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WebhookUrlError {
    /// It is no URL.
    #[error("the address is no URL such as https://receiver.example/feed")]
    Malformed,
    /// Its scheme is another one.
    #[error("the address begins with https://; nothing is sent otherwise")]
    NotHttps,
    /// It names a user.
    #[error("the address has no user and no password; what is sent is signed")]
    User,
    /// It is too long.
    #[error("the address has {MOST_BYTES} bytes at most")]
    TooLong,
}

impl WebhookUrl {
    /// Reads an address. Where its host is, is looked at when something is sent.
    ///
    /// # Errors
    /// [`WebhookUrlError`].
    pub fn parse(text: &str) -> Result<Self, WebhookUrlError> {
        if text.len() > MOST_BYTES {
            return Err(WebhookUrlError::TooLong);
        }
        let uri: Uri = text
            .parse()
            .map_err(|_invalid| WebhookUrlError::Malformed)?;
        let authority = uri.authority().ok_or(WebhookUrlError::Malformed)?;
        if authority.as_str().contains('@') {
            return Err(WebhookUrlError::User);
        }
        if uri.scheme_str() != Some("https") {
            return Err(WebhookUrlError::NotHttps);
        }
        if authority.host().is_empty() || text.contains('#') {
            return Err(WebhookUrlError::Malformed);
        }
        Ok(Self(text.to_owned()))
    }

    /// It, as it was given.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for WebhookUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

const MOST_BYTES: usize = 2_048;
const FIRST_PAUSE: Duration = Duration::seconds(5);
const LONGEST_PAUSE: Duration = Duration::hours(6);
/// For how long is tried again.
const PATIENCE: Duration = Duration::days(3);

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn only_https_with_a_host_and_without_a_user_is_an_address() {
        for (text, expected) in [
            ("https://receiver.example/feed?of=us", Ok(())),
            ("https://[2001:db8::1]:8443/", Ok(())),
            ("HTTPS://receiver.example", Ok(())),
            ("http://receiver.example/", Err(WebhookUrlError::NotHttps)),
            ("ftp://receiver.example/", Err(WebhookUrlError::NotHttps)),
            ("https://u:p@receiver.example/", Err(WebhookUrlError::User)),
            (
                "https://receiver.example/#a",
                Err(WebhookUrlError::Malformed),
            ),
            ("https:///feed", Err(WebhookUrlError::Malformed)),
            ("/feed", Err(WebhookUrlError::Malformed)),
            ("receiver.example", Err(WebhookUrlError::NotHttps)),
            (
                "https://receiver.example/a b",
                Err(WebhookUrlError::Malformed),
            ),
            ("", Err(WebhookUrlError::Malformed)),
        ] {
            assert_eq!(WebhookUrl::parse(text).map(drop), expected, "{text}");
        }
        let long = format!("https://receiver.example/{}", "a".repeat(MOST_BYTES));
        assert_eq!(WebhookUrl::parse(&long), Err(WebhookUrlError::TooLong));
    }

    #[test]
    fn a_receiver_that_fails_is_tried_later_and_later_and_given_up_after_three_days() {
        let begin = DateTime::UNIX_EPOCH;
        let (mut now, mut failing, mut pauses) = (begin, None, Vec::new());
        loop {
            let next = Failing::after(failing, "a stream", None, now);
            assert_eq!(next.since, begin);
            if next.is_given_up(now) {
                break;
            }
            pauses.push((next.next - now).num_milliseconds());
            (now, failing) = (next.next, Some(next));
        }
        assert!((4_000..=6_000).contains(&pauses[0]), "{pauses:?}");
        let longest = LONGEST_PAUSE.num_milliseconds();
        assert!(pauses.iter().all(|pause| *pause <= longest), "{pauses:?}");
        assert!(pauses.last().unwrap() >= &(longest * 4 / 5), "{pauses:?}");
        assert!((12..=30).contains(&pauses.len()), "{pauses:?}");
        let others = Failing::after(None, "another", None, begin).next;
        assert_ne!(others, Failing::after(None, "a stream", None, begin).next);
    }

    #[test]
    fn a_receiver_says_itself_when_it_is_asked_again() {
        let now = DateTime::UNIX_EPOCH;
        let asked = |seconds| Failing::after(None, "s", Some(Duration::seconds(seconds)), now).next;
        assert_eq!(asked(600), now + Duration::seconds(600));
        assert!(
            asked(1) >= now + Duration::seconds(4),
            "not sooner than otherwise"
        );
        assert_eq!(asked(1_000_000), now + LONGEST_PAUSE);
    }
}
