//! The kinds of alerts, and why they are raised.

use scim_provisioning::Cause;

/// Every kind with its word, what it is about, what it says in a few words, and what to do.
macro_rules! kinds {
    ($($(#[$about:meta])* $variant:ident = $word:literal about $thing:literal, $title:literal: $advice:literal;)+) => {
        /// What needs somebody.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum AlertKind { $($(#[$about])* $variant,)+ }

        impl AlertKind {
            /// Every kind.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// The word as it is stored and shown.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }

            /// What sort of thing it is about.
            pub fn thing(self) -> &'static str {
                match self { $(Self::$variant => $thing,)+ }
            }

            /// What it is, in a few words.
            pub fn title(self) -> &'static str {
                match self { $(Self::$variant => $title,)+ }
            }

            /// What to do.
            pub fn advice(self) -> &'static str {
                match self { $(Self::$variant => $advice,)+ }
            }
        }
    };
}

kinds! {
    /// Most requests of a configuration fail, or it has no token any more.
    ConfigurationFailing = "configuration-failing" about "configuration", "Provisioning fails":
        "Look at the failures in its log: each says why, and what to do about it.";
    /// An identity provider is silent for longer than it ever is.
    ConfigurationSilent = "configuration-silent" about "configuration",
        "An identity provider is silent":
        "Look at the identity provider whether it still provisions, and whether it reaches this \
         server.";
    /// A guard holds changes until somebody decides.
    ChangesHeld = "changes-held" about "configuration", "Changes are held":
        "Look whether they are meant, and allow them or drop them: until then nobody leaves.";
    /// A token that is in use ends soon.
    TokenEnds = "token-ends" about "token", "A token ends soon":
        "Make a new token and put it into the identity provider; the old one goes on until the new \
         one is used.";
    /// A token is still in use whose place another one was to take.
    RetiringTokenUsed = "retiring-token-used" about "token", "An old token is still used":
        "Put the new token into the identity provider, everywhere that it has the old one; if it is \
         lost, revoke it and make another one.";
    /// The certificate of the server ends soon.
    CertificateEnds = "certificate-ends" about "certificate", "The certificate ends soon":
        "Put a renewed certificate in its place and send the server SIGHUP; one that the server made \
         itself is renewed when it starts.";
    /// A receiver of the feed is not told what changes.
    DeliveriesFailing = "deliveries-failing" about "stream", "A receiver is not told what changes":
        "Look at its stream, which says why; mend that and resume it, or delete the stream of a \
         receiver that is no more.";
    /// The database takes no writes.
    DatabaseRefusesWrites = "database-refuses-writes" about "database",
        "The database takes no writes":
        "The log of the server says why, such as a full disk. Identity providers are told to come \
         again, and nothing is lost.";
    /// A rehearsal was begun long ago and did not go live.
    RehearsalWaiting = "rehearsal-waiting" about "rehearsal", "A rehearsal waits":
        "Let it go live or discard it: the longer it waits, the more changes meanwhile.";
    /// Nobody is written to about alerts.
    MailFailing = "mail-failing" about "mail", "Alerts are not mailed":
        "The log of the server says why. Mend the mail server or the options that begin with --mail; \
         what waits is sent then.";
}

impl AlertKind {
    /// The kind of this word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.as_str() == word)
    }
}

/// Every fixed cause with its word, how urgent it is among those of its kind, and what it says.
macro_rules! causes {
    ($($(#[$about:meta])* $variant:ident = $word:literal, $urgency:literal: $said:literal;)+) => {
        /// Why an alert is raised, where its kind alone does not say it.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum AlertCause {
            $($(#[$about])* $variant,)+
            /// Most of what is refused is refused for this.
            Refused(Cause),
        }

        impl AlertCause {
            /// Every cause but those of refusals.
            pub const FIXED: &[Self] = &[$(Self::$variant,)+];

            /// The word as it is stored and shown.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                    Self::Refused(cause) => cause.as_str(),
                }
            }

            /// How urgent it is among those of its kind: one that becomes more urgent is told again.
            pub(super) fn urgency(self) -> u8 {
                match self {
                    $(Self::$variant => $urgency,)+
                    Self::Refused(_) => 0,
                }
            }

            /// What it says, in a sentence.
            pub fn meaning(self) -> &'static str {
                match self {
                    $(Self::$variant => $said,)+
                    Self::Refused(cause) => cause.meaning(),
                }
            }
        }
    };
}

causes! {
    /// Every token has ended.
    NoLiveToken = "no-live-token", 1: "No token is accepted any more.";
    /// Within two weeks.
    WithinTwoWeeks = "14-days", 1: "It ends within 14 days.";
    /// Within three days.
    WithinThreeDays = "3-days", 2: "It ends within 3 days.";
    /// Within an hour.
    WithinAnHour = "1-hour", 3: "It ends within an hour.";
    /// The new token was never used.
    NewTokenUnused = "new-token-unused", 1: "The new token was never used.";
    /// The new token is used, and the old one too.
    BothTokensUsed = "both-tokens-used", 1: "The new token is used, and the old one as well.";
    /// The receiver does not ask, or does not keep up.
    Lagging = "lagging", 1: "It lacks changes that are older than an hour.";
    /// The receiver does not take what is sent.
    Failing = "failing", 2: "It does not take what is sent.";
    /// There is no secret to sign with.
    NoSecret = "no-secret", 2: "There is no secret to sign with.";
    /// Nothing got through for so long that nothing is sent any more.
    Paused = "paused", 3: "It took nothing for so long that nothing is sent any more.";
    /// What it lacks is not kept any more.
    Broken = "broken", 4: "What it lacks is not kept any more; it needs a snapshot.";
}

impl AlertCause {
    /// The cause of this word.
    pub fn parse(word: &str) -> Option<Self> {
        let mut fixed = Self::FIXED.iter().copied();
        let known = fixed.find(|cause| cause.as_str() == word);
        known.or_else(|| Cause::parse(word).map(Self::Refused))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_and_cause_is_found_by_its_word_and_by_no_other() {
        for kind in AlertKind::ALL {
            assert_eq!(AlertKind::parse(kind.as_str()), Some(*kind));
        }
        let refusals = Cause::ALL.iter().map(|cause| AlertCause::Refused(*cause));
        for cause in AlertCause::FIXED.iter().copied().chain(refusals) {
            assert_eq!(AlertCause::parse(cause.as_str()), Some(cause));
        }
        assert_eq!(AlertKind::parse("quiet"), None);
        assert_eq!(AlertCause::parse("quiet"), None);
    }
}
