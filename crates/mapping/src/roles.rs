//! Which roles a mapping may name.

use std::collections::HashMap;

use scim_protocol::text::fold;
use serde_json::Value;

use crate::error::{MappingError, RoleProblem, RuleErrorKind, RuleList, RulePart};
use crate::record::Field;
use crate::rule::{MappingSet, Rule, Source};
use crate::transform::{Otherwise, Transform};

/// The roles of ServiceOps. Whether one administers ServiceOps is said by the role itself, never by
/// its name.
#[derive(Debug, Clone, Default)]
pub struct Roles {
    /// By folded name, and by id: whether the role is privileged.
    known: HashMap<String, bool>,
}

/// A role of ServiceOps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Role {
    /// The id.
    pub id: String,
    /// The name.
    pub name: String,
    /// Whether it administers ServiceOps.
    pub privileged: bool,
}

impl FromIterator<Role> for Roles {
    fn from_iter<T: IntoIterator<Item = Role>>(roles: T) -> Self {
        let mut known = HashMap::new();
        for role in roles {
            known.insert(fold(role.name.trim()), role.privileged);
            known.insert(role.id, role.privileged);
        }
        Self { known }
    }
}

impl Roles {
    /// Whether a mapping may name this role, by name without regard to case or by id.
    ///
    /// # Errors
    /// [`RoleProblem`] why it may not.
    pub fn check(&self, name: &str) -> Result<(), RoleProblem> {
        let found = self.known.get(&fold(name.trim()));
        match found.or_else(|| self.known.get(name.trim())) {
            None => Err(RoleProblem::Unknown),
            Some(true) => Err(RoleProblem::Privileged),
            Some(false) => Ok(()),
        }
    }
}

impl MappingSet {
    /// Checks the roles that the set names: what group rules grant, and what rules for roles give
    /// that is not the identity provider's.
    ///
    /// # Errors
    /// [`MappingError`] for the first rule that names a role which is not there or is privileged.
    pub fn check_roles(&self, roles: &Roles) -> Result<(), MappingError> {
        let refused = |name: &str| {
            let problem = roles.check(name).err()?;
            let name = name.to_owned();
            Some(RuleErrorKind::Role { name, problem })
        };
        for (number, rule) in (1..).zip(&self.rules) {
            if rule.target != Field::Roles {
                continue;
            }
            let mut given = given(rule).into_iter();
            if let Some(fault) = given.find_map(|(part, name)| Some(refused(name)?.at(part))) {
                return Err(fault.of(RuleList::Rules, number, &rule.key).into());
            }
        }
        for (number, rule) in (1..).zip(&self.group_rules) {
            if let Some(kind) = rule.grants.roles.iter().find_map(|role| refused(role)) {
                let fault = kind.at(RulePart::Roles);
                return Err(fault.of(RuleList::GroupRules, number, &rule.key).into());
            }
        }
        Ok(())
    }
}

/// The texts that a rule itself gives as they are, with the part that gives them: a constant, a
/// default, and what its last transform puts in the place of values. What others make of a text is
/// looked at when it is written.
fn given(rule: &Rule) -> Vec<(RulePart, &str)> {
    let default = rule.default.iter().map(|value| (RulePart::Default, value));
    let mut values: Vec<(RulePart, &Value)> = default.collect();
    let last = RulePart::Transform(rule.transforms.len().checked_sub(1));
    match (&rule.source, rule.transforms.last()) {
        (Source::Constant(value), None) => values.push((RulePart::Source, value)),
        (_, Some(Transform::Default(value))) => values.push((last, value)),
        (_, Some(Transform::ValueMap { entries, otherwise })) => {
            values.extend(entries.iter().map(|(_from, to)| (last, to)));
            if let Otherwise::Value(value) = otherwise {
                values.push((last, value));
            }
        }
        _ => {}
    }
    let named = |(part, value)| texts(value).into_iter().map(move |text| (part, text));
    values.into_iter().flat_map(named).collect()
}

fn texts(value: &Value) -> Vec<&str> {
    match value {
        Value::Array(items) => items.iter().filter_map(Value::as_str).collect(),
        single => single.as_str().into_iter().collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn roles() -> Roles {
        let role = |id: &str, name: &str, privileged| Role {
            id: id.to_owned(),
            name: name.to_owned(),
            privileged,
        };
        [
            role("r1", "Service Desk Technician", false),
            role("r2", "Administrator", true),
            role("r3", "Head of Everything", true),
        ]
        .into_iter()
        .collect()
    }

    #[test]
    fn the_role_says_whether_it_is_privileged_and_not_its_name() {
        let roles = roles();
        for known in ["Service Desk Technician", " service desk TECHNICIAN ", "r1"] {
            assert_eq!(roles.check(known), Ok(()), "{known}");
        }
        for privileged in ["Administrator", "administrator", "r2", "head of everything"] {
            assert_eq!(
                roles.check(privileged),
                Err(RoleProblem::Privileged),
                "{privileged}"
            );
        }
        // The second begins with a Cyrillic letter.
        for unknown in ["Administrators", "\u{410}dministrator", "Tenant Admins", ""] {
            assert_eq!(roles.check(unknown), Err(RoleProblem::Unknown), "{unknown}");
        }
    }

    #[test]
    fn what_a_rule_itself_gives_is_checked() {
        let refused = |rule: Value| {
            let mut set = serde_json::json!({"resource": "user", "rules": [rule]});
            set["rules"][0]["key"] = "r".into();
            set["rules"][0]["target"] = "roles".into();
            let set = MappingSet::from_json(&set).unwrap();
            set.check_roles(&roles()).is_err()
        };
        let good = "Service Desk Technician";
        for (role, wrong) in [(good, false), ("Administrator", true), ("Nobody", true)] {
            for rule in [
                serde_json::json!({"source": {"constant": [role]}}),
                serde_json::json!({"source": {"path": "title"}, "default": role}),
                serde_json::json!({"source": {"path": "title"}, "transforms": [
                    {"valueMap": {"entries": {"Boss": role}, "otherwise": "drop"}}]}),
                serde_json::json!({"source": {"path": "title"}, "transforms": [
                    {"valueMap": {"entries": {}, "otherwise": {"value": role}}}]}),
                serde_json::json!({"source": {"path": "title"}, "transforms": [{"default": role}]}),
            ] {
                assert_eq!(refused(rule.clone()), wrong, "{rule}");
            }
        }
    }
}
