//! Conditions that a key answers alone: the match that an identity provider makes before each change.

use scim_protocol::filter::{Condition, Operator, Test};
use scim_provisioning::ResourceKind;

use super::entrance::{email_lookup, email_path};
use crate::key::Key;

/// A condition that is one comparison of a key: the match that comes before every change.
pub(crate) enum Lookup<'c> {
    Id(&'c str),
    ExternalId(&'c str),
    /// The `userName` of a user, or the `displayName` of a group.
    Name(Key),
    /// An e-mail address of a user, and its type where one is said.
    Email(Key, Option<&'c str>),
}

impl<'c> Lookup<'c> {
    pub(crate) fn of(kind: ResourceKind, condition: &'c Condition) -> Option<Self> {
        if kind == ResourceKind::User
            && let Some(email) = Self::email(condition)
        {
            return Some(email);
        }
        let Condition::Value {
            target,
            test:
                Test::Text {
                    operator: Operator::Equal,
                    value,
                    ..
                },
        } = condition
        else {
            return None;
        };
        match (kind, &*target.attribute) {
            _ if target.extension.is_some() || target.sub_attribute.is_some() => None,
            (_, "id") => Some(Self::Id(value)),
            (_, "externalId") => Some(Self::ExternalId(value)),
            (ResourceKind::User, "userName") | (ResourceKind::Group, "displayName") => {
                Some(Self::Name(Key::of_folded(value)))
            }
            _ => None,
        }
    }

    /// A condition that the index of addresses answers alone.
    fn email(condition: &'c Condition) -> Option<Self> {
        let (address, kind) = match condition {
            Condition::Value { target, test } => (email_lookup(target, test)?, None),
            Condition::Some { target, condition } => {
                let email = email_path(target, condition).filter(|email| email.is_whole)?;
                (email.address, email.kind)
            }
            _ => return None,
        };
        Some(Self::Email(Key::of_folded(address), kind))
    }
}
