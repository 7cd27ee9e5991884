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

/// Names of causes are stable: they stand in the log, and clients of the admin API read them.
macro_rules! causes {
    ($($(#[$doc:meta])* $variant:ident = $name:literal at $stage:ident,)+) => {
        /// Why a request was not carried out, or not as it was asked for.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Cause { $($(#[$doc])* $variant,)+ }

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
        }
    };
}

causes! {
    /// The token was revoked.
    TokenRevoked = "token.revoked" at Authenticate,
    /// The token's time is over.
    TokenExpired = "token.expired" at Authenticate,
    /// The configuration is disabled.
    ConfigurationDisabled = "configuration.disabled" at Authenticate,
    /// The configuration is paused.
    ConfigurationPaused = "configuration.paused" at Authenticate,
    /// The request came from a network that the configuration does not name.
    NetworkNotAllowed = "network.notAllowed" at Authenticate,
    /// The configuration does not provision resources of this type.
    TypeSwitchedOff = "resourceType.switchedOff" at Authenticate,
    /// The configuration sends more requests a second than it may.
    TooManyRequests = "limit.rate" at Authenticate,
    /// The configuration has more requests under way than it may.
    TooManyAtOnce = "limit.concurrency" at Authenticate,
    /// The configuration has more bytes under way than it may.
    TooManyBytes = "limit.bytes" at Authenticate,
    /// The body is no JSON, or not of the form that the request needs.
    SyntaxInvalid = "syntax.invalid" at Read,
    /// The filter cannot be read, or does not fit the attribute.
    FilterInvalid = "filter.invalid" at Read,
    /// The path of a PATCH operation cannot be read.
    PathInvalid = "path.invalid" at Read,
    /// The path of a PATCH operation selects nothing.
    TargetMissing = "target.missing" at Read,
    /// A value is missing, or does not fit its attribute.
    ValueInvalid = "value.invalid" at Read,
    /// An attribute that clients may not write was to be changed.
    AttributeReadOnly = "attribute.readOnly" at Read,
    /// The cursor, or the count that came with it, is not that of the query.
    CursorInvalid = "cursor.invalid" at Read,
    /// The request is longer, or names more, than the limits allow.
    RequestTooLarge = "request.tooLarge" at Read,
    /// SCIM or this server knows no such request.
    RequestUnsupported = "request.unsupported" at Read,
    /// What is asked for takes more work than a request may.
    RequestTooExpensive = "request.tooExpensive" at Read,
    /// There is no such resource in the sight of the configuration.
    ResourceUnknown = "resource.unknown" at Match,
    /// The resource is a protected account, which is never provisioned.
    ResourceProtected = "resource.protected" at Match,
    /// The request names a version that is not the resource's.
    VersionMismatch = "version.mismatch" at Match,
    /// A unique value is another resource's of the configuration.
    UniquenessOwn = "uniqueness.own" at Match,
    /// A unique value is that of a user whom another configuration manages.
    UniquenessForeign = "uniqueness.foreign" at Match,
    /// A unique value is that of a user who was deleted and is blocked.
    UniquenessLeft = "uniqueness.left" at Match,
    /// A unique value is that of a person who was created by hand.
    UniquenessByHand = "uniqueness.byHand" at Match,
    /// A unique value is that of somebody by hand with an administrative role or a sign-in.
    UniquenessPrivileged = "uniqueness.privileged" at Match,
    /// A unique value is a protected account's.
    UniquenessProtected = "uniqueness.protected" at Match,
    /// The person whose link was approved is not the one in the way any more, or was changed since.
    LinkOutdated = "link.outdated" at Match,
    /// A member is not there, or not in the sight of the configuration.
    MemberUnknown = "member.unknown" at Match,
    /// A member is a protected account, which is never provisioned.
    MemberProtected = "member.protected" at Match,
    /// A group would be a member of itself.
    MemberCircle = "member.circle" at Match,
    /// A rule of the mapping refuses the value.
    MappingRejected = "mapping.rejected" at Map,
    /// A field names a record that ServiceOps does not have.
    ReferenceUnknown = "reference.unknown" at Map,
    /// The guard holds it until an administrator decides.
    GuardHeld = "guard.held" at Policy,
    /// The guard refused it.
    GuardRejected = "guard.rejected" at Policy,
    /// Another request took a unique value meanwhile.
    UniquenessRaced = "uniqueness.raced" at Write,
    /// Another request changed the resource meanwhile.
    ResourceChanged = "resource.changed" at Write,
    /// The server has too much to do.
    ServerBusy = "server.busy" at Write,
    /// The server or its database failed.
    ServerFailed = "server.failed" at Write,
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
}
