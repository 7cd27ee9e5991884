//! Why a request was refused: the step at which it ended, and the cause.

use scim_protocol::{Error, ScimType};

use scim_service::{Refusal, StoreError};

/// The steps of a request, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Stage {
    /// Who speaks, and whether they may.
    Authenticate,
    /// What is said: body, query and path.
    Read,
    /// Which resource is meant, and what is in its way.
    Match,
    /// Which fields it becomes by the rules.
    Map,
    /// Whether the configuration's policies allow it.
    Policy,
    /// Carrying it out.
    Write,
}

impl Stage {
    /// Every stage, in their order.
    pub const ALL: [Self; 6] = [
        Self::Authenticate,
        Self::Read,
        Self::Match,
        Self::Map,
        Self::Policy,
        Self::Write,
    ];

    /// The stage as it is stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Authenticate => "authenticate",
            Self::Read => "read",
            Self::Match => "match",
            Self::Map => "map",
            Self::Policy => "policy",
            Self::Write => "write",
        }
    }

    /// The stage of this name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|stage| stage.as_str() == text)
    }
}

/// A page of the console on which the cause of a refusal is mended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum MendingPage {
    /// None: it is mended in the identity provider, or by itself.
    Nowhere,
    /// The overview of the configuration.
    Overview,
    /// The form of the configuration.
    Edit,
    /// Its tokens.
    Tokens,
    /// Its policy.
    Policy,
    /// What its guards hold.
    Held,
    /// The links that wait.
    Links,
    /// Its mapping.
    Mapping,
    /// Its groups.
    Groups,
    /// The directory.
    Directory,
}

/// Names of causes are stable: they stand in the log, and clients of the admin API read them. All
/// that is said of a cause stands beside it: what it is, at which step a request ends for it, what
/// an administrator can do, and on which page.
macro_rules! causes {
    ($(#[doc = $meaning:literal] $variant:ident = $name:literal at $stage:ident,
       mended at $page:ident: $advice:literal,)+) => {
        /// Why a request was not carried out, or not as it was asked for.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Cause { $(#[doc = $meaning] $variant,)+ }

        impl Cause {
            /// Every cause.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// The cause as it is stored and shown.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            /// The step at which a request ends for this cause.
            pub fn stage(self) -> Stage {
                match self { $(Self::$variant => Stage::$stage,)+ }
            }

            /// What the cause is, in a sentence.
            pub fn meaning(self) -> &'static str {
                match self { $(Self::$variant => $meaning,)+ }.trim()
            }

            /// What an administrator can do.
            pub fn advice(self) -> &'static str {
                match self { $(Self::$variant => $advice,)+ }
            }

            /// On which page of the console.
            pub fn mending_page(self) -> MendingPage {
                match self { $(Self::$variant => MendingPage::$page,)+ }
            }
        }
    };
}

causes! {
    /// The token was revoked.
    TokenRevoked = "token.revoked" at Authenticate, mended at Tokens:
        "The token was revoked. Issue a new one, and put it into the identity provider.",
    /// The token's time is over.
    TokenExpired = "token.expired" at Authenticate, mended at Tokens:
        "The token's time is over. Give it more time, or issue a new one and put it into the \
         identity provider.",
    /// The configuration is disabled.
    ConfigurationDisabled = "configuration.disabled" at Authenticate, mended at Overview:
        "The configuration is disabled. Enable it, or stop provisioning in the identity \
         provider.",
    /// The configuration is paused.
    ConfigurationPaused = "configuration.paused" at Authenticate, mended at Overview:
        "The configuration is paused; the identity provider asks again. Enable it when it is to \
         go on.",
    /// The request came from a network that the configuration does not name.
    NetworkNotAllowed = "network.notAllowed" at Authenticate, mended at Edit:
        "The request came from an address outside the allowed networks. If the source address \
         is the identity provider's, add its network.",
    /// The configuration does not provision resources of this type.
    TypeSwitchedOff = "resourceType.switchedOff" at Authenticate, mended at Edit:
        "Users or groups are switched off for this configuration. Switch on what it is to \
         provision, or take it out of the identity provider's scope.",
    /// The configuration sends more requests a second than it may.
    TooManyRequests = "limit.rate" at Authenticate, mended at Nowhere:
        "The identity provider asks faster than the limits of the server allow; it was told \
         when to come again. If that happens in ordinary use, raise the limits (--limit-rate, \
         --limit-concurrent).",
    /// The configuration has more requests under way than it may.
    TooManyAtOnce = "limit.concurrency" at Authenticate, mended at Nowhere:
        "The identity provider asks faster than the limits of the server allow; it was told \
         when to come again. If that happens in ordinary use, raise the limits (--limit-rate, \
         --limit-concurrent).",
    /// The configuration has more bytes under way than it may.
    TooManyBytes = "limit.bytes" at Authenticate, mended at Nowhere:
        "The identity provider asks faster than the limits of the server allow; it was told \
         when to come again. If that happens in ordinary use, raise the limits (--limit-rate, \
         --limit-concurrent).",
    /// The body is no JSON, or not of the form that the request needs.
    SyntaxInvalid = "syntax.invalid" at Read, mended at Edit:
        "The request cannot be read as SCIM. If the configuration is strict, the tolerant \
         profile may accept it.",
    /// The filter cannot be read, or does not fit the attribute.
    FilterInvalid = "filter.invalid" at Read, mended at Nowhere:
        "The identity provider's filter or path is not one of SCIM, or selects nothing. Look at \
         the attribute mapping over there.",
    /// The path of a PATCH operation cannot be read.
    PathInvalid = "path.invalid" at Read, mended at Nowhere:
        "The identity provider's filter or path is not one of SCIM, or selects nothing. Look at \
         the attribute mapping over there.",
    /// The path of a PATCH operation selects nothing.
    TargetMissing = "target.missing" at Read, mended at Nowhere:
        "The identity provider's filter or path is not one of SCIM, or selects nothing. Look at \
         the attribute mapping over there.",
    /// A value is missing, or does not fit its attribute.
    ValueInvalid = "value.invalid" at Read, mended at Nowhere:
        "A value is missing, or does not fit its SCIM attribute. Put it right in the identity \
         provider, or in the attribute mapping over there.",
    /// An attribute that clients may not write was to be changed.
    AttributeReadOnly = "attribute.readOnly" at Read, mended at Nowhere:
        "A value is missing, or does not fit its SCIM attribute. Put it right in the identity \
         provider, or in the attribute mapping over there.",
    /// The cursor, or the count that came with it, is not that of the query.
    CursorInvalid = "cursor.invalid" at Read, mended at Nowhere:
        "The identity provider goes on with a list that is too old, or not its own. It begins \
         the list again.",
    /// The request is longer, or names more, than the limits allow.
    RequestTooLarge = "request.tooLarge" at Read, mended at Nowhere:
        "The request is larger, or asks for more, than the limits of this server allow. Let the \
         identity provider send less at once.",
    /// SCIM or this server knows no such request.
    RequestUnsupported = "request.unsupported" at Read, mended at Nowhere:
        "The identity provider asks for something that this server does not offer.",
    /// What is asked for takes more work than a request may.
    RequestTooExpensive = "request.tooExpensive" at Read, mended at Nowhere:
        "The request is larger, or asks for more, than the limits of this server allow. Let the \
         identity provider send less at once.",
    /// There is no such resource in the sight of the configuration.
    ResourceUnknown = "resource.unknown" at Match, mended at Nowhere:
        "The identity provider asks for something that is not there, or not in its sight. Let \
         it provision the user or group anew: most have a button for a full synchronisation.",
    /// The resource is a protected account, which is never provisioned.
    ResourceProtected = "resource.protected" at Match, mended at Nowhere:
        "The account is protected and never provisioned: nothing was done. Take the user out of \
         the identity provider's scope.",
    /// The request names a version that is not the resource's.
    VersionMismatch = "version.mismatch" at Match, mended at Nowhere:
        "The resource was changed meanwhile; the identity provider reads it and tries again.",
    /// A unique value is another resource's of the configuration.
    UniquenessOwn = "uniqueness.own" at Match, mended at Directory:
        "Another user or group of this configuration has the same name, e-mail address or \
         externalId. Put it right in the identity provider.",
    /// A unique value is that of a user whom another configuration manages.
    UniquenessForeign = "uniqueness.foreign" at Match, mended at Directory:
        "Another configuration manages the user who has this name or address. Take the user out \
         of one of them.",
    /// A unique value is that of a user who was deleted and is blocked.
    UniquenessLeft = "uniqueness.left" at Match, mended at Directory:
        "The identity provider deleted a user with this name or address before, who is blocked. \
         Create the user with all of the same values, or convert the blocked one.",
    /// A unique value is that of a person who was created by hand.
    UniquenessByHand = "uniqueness.byHand" at Match, mended at Links:
        "A person created by hand has this name or address. Link the two; the policy “Link” \
         does so by itself.",
    /// A unique value is that of somebody by hand with an administrative role or a sign-in.
    UniquenessPrivileged = "uniqueness.privileged" at Match, mended at Nowhere:
        "The person who has this name or address has an administrative role or signs in to the \
         console, and is never linked. Take the user out of the identity provider's scope.",
    /// A unique value is a protected account's.
    UniquenessProtected = "uniqueness.protected" at Match, mended at Nowhere:
        "The account is protected and never provisioned: nothing was done. Take the user out of \
         the identity provider's scope.",
    /// The person whose link was approved is not the one in the way any more, or was changed since.
    LinkOutdated = "link.outdated" at Match, mended at Links:
        "Somebody else is in the way by now, or the person was changed. Look at what waits \
         anew.",
    /// A member is not there, or not in the sight of the configuration.
    MemberUnknown = "member.unknown" at Match, mended at Nowhere:
        "A member is not there, or not in the identity provider's sight. Let it provision the \
         member first, then the group.",
    /// A member is a protected account, which is never provisioned.
    MemberProtected = "member.protected" at Match, mended at Nowhere:
        "The account is protected and never provisioned: nothing was done. Take the user out of \
         the identity provider's scope.",
    /// A group would be a member of itself.
    MemberCircle = "member.circle" at Match, mended at Groups:
        "The group would be a member of itself. Put it right in the identity provider.",
    /// A rule of the mapping refuses the value.
    MappingRejected = "mapping.rejected" at Map, mended at Mapping:
        "A rule refuses the value. Preview this request under Mapping and change the rule, or \
         put the value right in the identity provider.",
    /// A field names a record that ServiceOps does not have.
    ReferenceUnknown = "reference.unknown" at Map, mended at Mapping:
        "A field names a department, location, company or role that ServiceOps does not have. \
         Make it there, or let the rule ignore or create what is unknown.",
    /// The guard holds it until an administrator decides.
    GuardHeld = "guard.held" at Policy, mended at Held:
        "Too many users left at once. Look at who they are, and allow what is meant.",
    /// It was taken back a short time ago, and is asked for again.
    GuardRepeated = "guard.repeated" at Policy, mended at Held:
        "An administrator took back that the user left, or left a group, and the identity provider \
         asks for it again. Put it right there, or allow what is meant.",
    /// The guard refused it.
    GuardRejected = "guard.rejected" at Policy, mended at Policy:
        "Too many users would have left at once, and the policy refuses that. If it is meant, \
         raise the guard's limit, or let it hold what is beyond it.",
    /// Another request took a unique value meanwhile.
    UniquenessRaced = "uniqueness.raced" at Write, mended at Nowhere:
        "Another request came first; the identity provider reads and tries again.",
    /// Another request changed the resource meanwhile.
    ResourceChanged = "resource.changed" at Write, mended at Nowhere:
        "Another request came first; the identity provider reads and tries again.",
    /// The server has too much to do.
    ServerBusy = "server.busy" at Write, mended at Nowhere:
        "The server could not carry it out. Its log says more under the request id; the \
         identity provider tries again.",
    /// The server or its database failed.
    ServerFailed = "server.failed" at Write, mended at Nowhere:
        "The server could not carry it out. Its log says more under the request id; the \
         identity provider tries again.",
}

impl Cause {
    /// The cause of this name.
    pub fn parse(text: &str) -> Option<Self> {
        let mut causes = Self::ALL.iter().copied();
        causes.find(|cause| cause.as_str() == text)
    }

    /// The cause of what the protocol refuses to read.
    pub(crate) fn of_error(error: &Error) -> Self {
        match error.scim_type() {
            Some(ScimType::InvalidFilter) => Self::FilterInvalid,
            Some(ScimType::InvalidPath) => Self::PathInvalid,
            Some(ScimType::NoTarget) => Self::TargetMissing,
            Some(ScimType::InvalidValue) => Self::ValueInvalid,
            Some(ScimType::Mutability) => Self::AttributeReadOnly,
            Some(ScimType::TooMany) => Self::RequestTooExpensive,
            Some(ScimType::Uniqueness) => Self::UniquenessOwn,
            Some(ScimType::InvalidCursor | ScimType::ExpiredCursor | ScimType::InvalidCount) => {
                Self::CursorInvalid
            }
            Some(ScimType::InvalidVers | ScimType::Sensitive) => Self::RequestUnsupported,
            Some(_) => Self::SyntaxInvalid,
            // The one error of the protocol crate that has no keyword.
            None => Self::RequestTooLarge,
        }
    }

    /// The cause of what the service provider refuses by itself.
    pub(crate) fn of_refusal(refusal: &Refusal) -> Self {
        match refusal {
            Refusal::NotFound => Self::ResourceUnknown,
            Refusal::VersionMismatch(_) => Self::VersionMismatch,
            _ => Self::RequestUnsupported,
        }
    }

    /// The cause of what the store did not do.
    pub(crate) fn of_store(error: &StoreError) -> Self {
        match error {
            StoreError::Conflict { .. } => Self::UniquenessRaced,
            StoreError::Stale => Self::ResourceChanged,
            StoreError::Busy => Self::ServerBusy,
            StoreError::TooExpensive => Self::RequestTooExpensive,
            StoreError::TooLarge => Self::ValueInvalid,
            // All others are faults of the store.
            _ => Self::ServerFailed,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_cause_and_stage_has_a_name_of_its_own_and_is_read_by_it() {
        let names: HashSet<_> = Cause::ALL.iter().map(|cause| cause.as_str()).collect();
        assert_eq!(names.len(), Cause::ALL.len());
        for cause in Cause::ALL {
            assert_eq!(Cause::parse(cause.as_str()), Some(*cause));
        }
        for stage in Stage::ALL {
            assert_eq!(Stage::parse(stage.as_str()), Some(stage));
        }
        assert_eq!(Cause::parse("guard"), None);
    }
    /// The page about what went wrong, as the causes say it.
    fn troubleshooting() -> String {
        let mut page = "# What went wrong\n\nEvery entry of the provisioning log that was not \
                        carried out, or not as it was asked for, names the step at which it ended \
                        and the cause. The names are stable; the admin API gives them as `stage` \
                        and `cause`. The page of the entry in the console says the same and leads \
                        to where it is mended.\n"
            .to_owned();
        for stage in Stage::ALL {
            page += &format!("\n## {}\n\n", stage.as_str());
            page += "| cause | what it is | what to do |\n|---|---|---|\n";
            for cause in Cause::ALL.iter().filter(|cause| cause.stage() == stage) {
                let (name, meaning) = (cause.as_str(), cause.meaning());
                page += &format!("| `{name}` | {meaning} | {} |\n", cause.advice());
            }
        }
        page
    }

    #[test]
    fn the_page_about_what_went_wrong_says_what_the_causes_say() {
        let page = include_str!("../../../docs/troubleshooting.md");
        assert_eq!(
            page,
            troubleshooting(),
            "docs/troubleshooting.md says something else"
        );
    }

    #[test]
    fn every_cause_says_what_can_be_done() {
        for cause in Cause::ALL {
            let said = cause.advice();
            assert!(said.ends_with('.') || said.ends_with(')'), "{said}");
        }
    }
}
