//! What finds the rows that satisfy a condition, without going through all of them.

use scim_protocol::filter::{Condition, Operator, Target, Test};
use scim_provisioning::ResourceKind;

/// What finds the rows that satisfy a condition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Entrance {
    /// A key, or how one begins: an index that is led by it.
    Key,
    /// A span of time: an index that is led by the configuration.
    Time,
}

/// What finds the rows that satisfy a condition, where an index does.
pub(crate) fn entrance(kind: ResourceKind, condition: &Condition) -> Option<Entrance> {
    match condition {
        Condition::All(parts) => {
            let found = || parts.iter().filter_map(|part| entrance(kind, part));
            found().find(|one| *one == Entrance::Key).or(found().next())
        }
        Condition::Value { target, test } => entrance_of(kind, target, test),
        Condition::Some { target, condition } if target.extension.is_none() => {
            let found = match (kind, &*target.attribute) {
                (ResourceKind::User, "groups") | (ResourceKind::Group, "members") => {
                    other_end_of(condition).is_some()
                }
                _ if !target.multi_valued => return entrance(kind, condition),
                _ => email_path(target, condition).is_some(),
            };
            found.then_some(Entrance::Key)
        }
        _ => None,
    }
}

fn entrance_of(kind: ResourceKind, target: &Target, test: &Test) -> Option<Entrance> {
    if target.extension.is_some() {
        return None;
    }
    let sub = target.sub_attribute.as_deref();
    if let (Test::Instant { operator, .. }, "meta", Some("lastModified")) =
        (test, &*target.attribute, sub)
    {
        return (*operator != Operator::NotEqual).then_some(Entrance::Time);
    }
    let Test::Text { operator, .. } = test else {
        return None;
    };
    let found = match (kind, &*target.attribute, operator) {
        (_, "id" | "externalId", Operator::Equal)
        | (ResourceKind::User, "userName", Operator::Equal | Operator::StartsWith)
        | (ResourceKind::Group, "displayName", Operator::Equal | Operator::StartsWith) => true,
        (ResourceKind::User, "groups", _) | (ResourceKind::Group, "members", _) => {
            other_end(target, test).is_some()
        }
        _ => email_lookup(target, test).is_some(),
    };
    found.then_some(Entrance::Key)
}

/// The id of the other end of the memberships that a test looks for.
pub(crate) fn other_end<'a>(target: &Target, test: &'a Test) -> Option<&'a str> {
    let sub = target.sub_attribute.as_deref().unwrap_or("value");
    match test {
        Test::Text {
            operator: Operator::Equal,
            value,
            ..
        } if sub == "value" => Some(value),
        _ => None,
    }
}

/// The same of a value filter: the id that every membership must have which satisfies it.
pub(crate) fn other_end_of(condition: &Condition) -> Option<&str> {
    match condition {
        Condition::Value { target, test } => other_end(target, test),
        Condition::All(parts) => parts.iter().find_map(other_end_of),
        _ => None,
    }
}

/// An e-mail address that a test looks for, which the index of addresses finds.
pub(crate) fn email_lookup<'a>(target: &Target, test: &'a Test) -> Option<&'a str> {
    match test {
        Test::Text {
            operator: Operator::Equal,
            value,
            ..
        } if is_email(target, "value") => Some(value),
        _ => None,
    }
}

/// What the index of addresses finds of a value filter such as `emails[type eq "work" and value eq
/// "x"]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct EmailPath<'a> {
    /// The address.
    pub(crate) address: &'a str,
    /// Its type, where the filter says one.
    pub(crate) kind: Option<&'a str>,
    /// Whether that is all that the filter says.
    pub(crate) is_whole: bool,
}

/// The address that every e-mail address must be which satisfies a value filter.
pub(crate) fn email_path<'a>(target: &Target, condition: &'a Condition) -> Option<EmailPath<'a>> {
    if target.extension.is_some() || &*target.attribute != "emails" {
        return None;
    }
    let mut parts = Vec::new();
    conjuncts(condition, &mut parts);
    let find = |sub: &str| {
        parts.iter().find_map(|part| match part {
            Condition::Value {
                target,
                test:
                    Test::Text {
                        operator: Operator::Equal,
                        value,
                        ..
                    },
            } if is_email(target, sub) => Some(value.as_str()),
            _ => None,
        })
    };
    let (address, kind) = (find("value")?, find("type"));
    Some(EmailPath {
        address,
        kind,
        is_whole: parts.len() == 1 + usize::from(kind.is_some()),
    })
}

/// The parts that a condition joins by `and`.
fn conjuncts<'a>(condition: &'a Condition, into: &mut Vec<&'a Condition>) {
    match condition {
        Condition::All(parts) => parts.iter().for_each(|part| conjuncts(part, into)),
        part => into.push(part),
    }
}

fn is_email(target: &Target, sub: &str) -> bool {
    target.extension.is_none()
        && &*target.attribute == "emails"
        && target.sub_attribute.as_deref() == Some(sub)
}
