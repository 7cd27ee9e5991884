//! What an administrator can do about an entry of the log, and on which page.

use scim_admin::event::LoggedEvent;
use scim_provisioning::{Cause, Stage};

use super::LIST;

/// A sentence, and the page that mends it.
pub(super) struct Advice {
    pub(super) said: &'static str,
    /// What the link says, and where it leads.
    pub(super) link: Option<(&'static str, String)>,
}

/// A page of the configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Page {
    Nowhere,
    Overview,
    Edit,
    Tokens,
    Policy,
    Held,
    Links,
    Mapping,
    Groups,
    Directory,
}

impl Advice {
    /// The advice about an entry; `None` where nothing is to be done or the cause is not known.
    pub(super) fn of(event: &LoggedEvent) -> Option<Self> {
        let (said, page) = match event.cause {
            Some(cause) => about(cause)?,
            None if event.outcome == "warning" => (
                "It was done. The warnings say what was accepted although it deviates, or what a \
                 rule could not fill.",
                Page::Nowhere,
            ),
            None => return None,
        };
        Some(Self {
            said,
            link: page.link(event),
        })
    }
}

/// What can be done about a cause.
fn about(cause: Cause) -> Option<(&'static str, Page)> {
    Some(match cause.stage() {
        Stage::Authenticate => at_the_door(cause)?,
        Stage::Read => in_the_request(cause)?,
        Stage::Match => in_the_way(cause)?,
        _ => afterwards(cause)?,
    })
}

fn at_the_door(cause: Cause) -> Option<(&'static str, Page)> {
    Some(match cause {
        Cause::TokenRevoked => (
            "The token was revoked. Issue a new one, and put it into the identity provider.",
            Page::Tokens,
        ),
        Cause::TokenExpired => (
            "The token's time is over. Give it more time, or issue a new one and put it into the \
             identity provider.",
            Page::Tokens,
        ),
        Cause::ConfigurationDisabled => (
            "The configuration is disabled. Enable it, or stop provisioning in the identity \
             provider.",
            Page::Overview,
        ),
        Cause::ConfigurationPaused => (
            "The configuration is paused; the identity provider asks again. Enable it when it is \
             to go on.",
            Page::Overview,
        ),
        Cause::NetworkNotAllowed => (
            "The request came from an address outside the allowed networks. If the source address \
             is the identity provider's, add its network.",
            Page::Edit,
        ),
        Cause::TypeSwitchedOff => (
            "Users or groups are switched off for this configuration. Switch on what it is to \
             provision, or take it out of the identity provider's scope.",
            Page::Edit,
        ),
        Cause::TooManyRequests | Cause::TooManyAtOnce | Cause::TooManyBytes => (
            "The identity provider asks faster than the limits of the server allow; it was told \
             when to come again. If that happens in ordinary use, raise the limits (--limit-rate, \
             --limit-concurrent).",
            Page::Nowhere,
        ),
        _ => return None,
    })
}

fn in_the_request(cause: Cause) -> Option<(&'static str, Page)> {
    Some(match cause {
        Cause::SyntaxInvalid => (
            "The request cannot be read as SCIM. If the configuration is strict, the tolerant \
             profile may accept it.",
            Page::Edit,
        ),
        Cause::FilterInvalid | Cause::PathInvalid | Cause::TargetMissing => (
            "The identity provider's filter or path is not one of SCIM, or selects nothing. Look \
             at the attribute mapping over there.",
            Page::Nowhere,
        ),
        Cause::ValueInvalid | Cause::AttributeReadOnly => (
            "A value is missing, or does not fit its SCIM attribute. Put it right in the identity \
             provider, or in the attribute mapping over there.",
            Page::Nowhere,
        ),
        Cause::CursorInvalid => (
            "The identity provider goes on with a list that is too old, or not its own. It begins \
             the list again.",
            Page::Nowhere,
        ),
        Cause::RequestTooLarge | Cause::RequestTooExpensive => (
            "The request is larger, or asks for more, than the limits of this server allow. Let \
             the identity provider send less at once.",
            Page::Nowhere,
        ),
        Cause::RequestUnsupported => (
            "The identity provider asks for something that this server does not offer.",
            Page::Nowhere,
        ),
        _ => return None,
    })
}

fn in_the_way(cause: Cause) -> Option<(&'static str, Page)> {
    Some(match cause {
        Cause::ResourceUnknown => (
            "The identity provider asks for something that is not there, or not in its sight. Let \
             it provision the user or group anew: most have a button for a full synchronisation.",
            Page::Nowhere,
        ),
        Cause::ResourceProtected | Cause::UniquenessProtected | Cause::MemberProtected => (
            "The account is protected and never provisioned: nothing was done. Take the user out \
             of the identity provider's scope.",
            Page::Nowhere,
        ),
        Cause::VersionMismatch => (
            "The resource was changed meanwhile; the identity provider reads it and tries again.",
            Page::Nowhere,
        ),
        Cause::UniquenessOwn => (
            "Another user or group of this configuration has the same name, e-mail address or \
             externalId. Put it right in the identity provider.",
            Page::Directory,
        ),
        Cause::UniquenessForeign => (
            "Another configuration manages the user who has this name or address. Take the user \
             out of one of them.",
            Page::Directory,
        ),
        Cause::UniquenessLeft => (
            "The identity provider deleted a user with this name or address before, who is \
             blocked. Create the user with all of the same values, or convert the blocked one.",
            Page::Directory,
        ),
        Cause::UniquenessByHand => (
            "A person created by hand has this name or address. Link the two; the policy “Link” \
             does so by itself.",
            Page::Links,
        ),
        Cause::UniquenessPrivileged => (
            "The person who has this name or address has an administrative role or signs in to \
             the console, and is never linked. Take the user out of the identity provider's scope.",
            Page::Nowhere,
        ),
        Cause::LinkOutdated => (
            "Somebody else is in the way by now, or the person was changed. Look at what waits anew.",
            Page::Links,
        ),
        Cause::MemberUnknown => (
            "A member is not there, or not in the identity provider's sight. Let it provision the \
             member first, then the group.",
            Page::Nowhere,
        ),
        Cause::MemberCircle => (
            "The group would be a member of itself. Put it right in the identity provider.",
            Page::Groups,
        ),
        _ => return None,
    })
}

fn afterwards(cause: Cause) -> Option<(&'static str, Page)> {
    Some(match cause {
        Cause::MappingRejected => (
            "A rule refuses the value. Preview this request under Mapping and change the rule, or \
             put the value right in the identity provider.",
            Page::Mapping,
        ),
        Cause::ReferenceUnknown => (
            "A field names a department, location, company or role that ServiceOps does not have. \
             Make it there, or let the rule ignore or create what is unknown.",
            Page::Mapping,
        ),
        Cause::GuardHeld => (
            "Too many users left at once. Look at who they are, and allow what is meant.",
            Page::Held,
        ),
        Cause::GuardRejected => (
            "Too many users would have left at once, and the policy refuses that. If it is meant, \
             raise the guard's limit, or let it hold what is beyond it.",
            Page::Policy,
        ),
        Cause::UniquenessRaced | Cause::ResourceChanged => (
            "Another request came first; the identity provider reads and tries again.",
            Page::Nowhere,
        ),
        Cause::ServerBusy | Cause::ServerFailed => (
            "The server could not carry it out. Its log says more under the request id; the \
             identity provider tries again.",
            Page::Nowhere,
        ),
        _ => return None,
    })
}

impl Page {
    fn link(self, event: &LoggedEvent) -> Option<(&'static str, String)> {
        let configuration = format!("{LIST}/{}", event.configuration);
        let mapping = match event.resource_type.as_deref() {
            Some("Group") => "group",
            _ => "user",
        };
        Some(match self {
            Self::Nowhere => return None,
            Self::Overview => ("Open the configuration", configuration),
            Self::Edit => ("Edit the configuration", format!("{configuration}/edit")),
            Self::Tokens => ("Open its tokens", format!("{configuration}/tokens")),
            Self::Policy => ("Open its policy", format!("{configuration}/policy")),
            Self::Held => ("Open Held & pending", format!("{configuration}/held")),
            Self::Links => ("Open Held & pending", format!("{configuration}/held#links")),
            Self::Mapping => (
                "Open its mapping",
                format!("{configuration}/mappings/{mapping}"),
            ),
            Self::Groups => ("Open its groups", format!("{configuration}/groups")),
            Self::Directory => match event.resource_type.as_deref() {
                Some("Group") => ("Look among the groups", "/admin/groups".to_owned()),
                _ => ("Look among the users", "/admin/users".to_owned()),
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_advice_for_every_cause() {
        for cause in Cause::ALL {
            let (said, _page) = about(*cause).unwrap_or_else(|| panic!("{}", cause.as_str()));
            assert!(said.ends_with('.') || said.ends_with(')'), "{said}");
        }
    }
}
