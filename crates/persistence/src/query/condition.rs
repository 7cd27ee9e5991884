//! Conditions as SQL.
//!
//! A leaf reads a column where there is one, and the document in its searched form where there is
//! none. Absent values make SQL's third truth value, which is the same as false but for a negation:
//! inside `NOT` every leaf is brought back to two values.

use scim_protocol::filter::{Condition, Operator, Target, Test};
use scim_provisioning::{ResourceKind, Scope};
use serde_json::{Value, json};

use super::comparison::constant;
use super::entrance::{email_lookup, email_path, other_end, other_end_of};
use super::manager;
#[cfg(feature = "postgres")]
use super::path::postgres_path;
use super::path::{literal, path, sqlite_path};
use crate::key::{HASH, Key};
use crate::scope::{GROUP_BESIDE, visible};
use crate::sql::{Dialect, Sql};

/// Writes conditions on one table, whose alias is `r`.
pub(crate) struct ConditionWriter<'a> {
    pub(crate) sql: &'a mut Sql,
    pub(crate) kind: ResourceKind,
    pub(crate) scope: Scope,
    /// The base URL of SCIM, in front of every location.
    pub(crate) base_url: &'a str,
}

/// Where a leaf reads.
enum Place {
    /// An expression that gives text.
    Text(String),
    /// A column of keys, and the member of the document that has the text in full.
    Key(&'static str, &'static str),
    /// A column of milliseconds since 1970.
    Instant(&'static str),
    /// The document.
    Document,
    /// Rows of memberships.
    Membership,
    /// The same for every resource of the type.
    Constant(Value),
}

impl ConditionWriter<'_> {
    pub(crate) fn write(&mut self, condition: &Condition) {
        self.condition(condition, false);
    }

    // The recursion is as deep as the filter, which the parser bounds.
    fn condition(&mut self, condition: &Condition, negated: bool) {
        match condition {
            Condition::All(parts) => self.joined(parts, " AND ", "TRUE", negated),
            Condition::Any(parts) => self.joined(parts, " OR ", "FALSE", negated),
            Condition::Not(part) => {
                self.sql.push("NOT (");
                self.condition(part, true);
                self.sql.push(")");
            }
            Condition::Constant(true) => {
                self.sql.push("TRUE");
            }
            Condition::Constant(false) => {
                self.sql.push("FALSE");
            }
            Condition::Value { target, test } => self.two_valued(negated, |writer| {
                writer.leaf(target, test);
            }),
            Condition::Some { target, condition } => self.two_valued(negated, |writer| {
                writer.some(target, condition, negated);
            }),
        }
    }

    fn joined(&mut self, parts: &[Condition], with: &str, empty: &str, negated: bool) {
        self.sql.push("(");
        for (at, part) in parts.iter().enumerate() {
            if at > 0 {
                self.sql.push(with);
            }
            self.condition(part, negated);
        }
        if parts.is_empty() {
            self.sql.push(empty);
        }
        self.sql.push(")");
    }

    fn two_valued(&mut self, negated: bool, write: impl FnOnce(&mut Self)) {
        if negated {
            self.sql.push("COALESCE(");
            write(self);
            self.sql.push(", FALSE)");
        } else {
            self.sql.push("(");
            write(self);
            self.sql.push(")");
        }
    }

    fn leaf(&mut self, target: &Target, test: &Test) {
        match self.place(target) {
            Place::Text(expression) => self.test(&expression, test),
            Place::Key(column, member) => self.key(column, member, test),
            Place::Instant(column) => self.instant(column, test),
            Place::Constant(value) => {
                let holds = constant(&value, test);
                self.sql.push(if holds { "TRUE" } else { "FALSE" });
            }
            Place::Membership => {
                let other = other_end(target, test);
                self.membership(other, |writer| writer.member_test(target, test));
            }
            Place::Document => self.document(target, test),
        }
    }

    /// A test of a column of keys. What a shortened key does not tell stands in the document.
    fn key(&mut self, column: &str, member: &str, test: &Test) {
        let Test::Text {
            operator, value, ..
        } = test
        else {
            return self.test(column, test);
        };
        let full = self.json(&[member.to_owned()], true);
        let shortest = Key::PREFIX - 3 + HASH;
        let longest = Key::PREFIX + HASH;
        let text = format!(
            "CASE WHEN octet_length({column}) BETWEEN {shortest} AND {longest} \
             THEN {full} ELSE {column} END"
        );
        match operator {
            Operator::Equal | Operator::NotEqual => {
                self.compare(column, *operator, Key::of_folded(value).as_str());
            }
            Operator::StartsWith if value.len() > Key::PREFIX => {
                let beginning = Key::beginning(value);
                self.compare(column, Operator::StartsWith, beginning);
                self.sql.push(" AND ");
                self.compare(&format!("({text})"), Operator::StartsWith, value);
            }
            Operator::Contains | Operator::EndsWith => {
                self.compare(&format!("({text})"), *operator, value);
            }
            _ => self.compare(column, *operator, value),
        }
    }

    /// Where a target is stored.
    fn place(&self, target: &Target) -> Place {
        if manager::is_reference(target) {
            let prefix = literal(&format!("{}{}/", self.base_url, self.kind.endpoint()));
            return Place::Text(format!("({prefix} || {})", manager::seen(self.sql.dialect)));
        }
        if target.extension.is_some() {
            return Place::Document;
        }
        let sub = target.sub_attribute.as_deref();
        match (self.kind, &*target.attribute, sub) {
            (_, "id", _) => Place::Text("r.id".to_owned()),
            (_, "externalId", _) => Place::Text("r.external_id".to_owned()),
            (ResourceKind::User, "userName", _) => Place::Key("r.scim_user_name_key", "userName"),
            (ResourceKind::Group, "displayName", _) => Place::Key("r.scim_name_key", "displayName"),
            (_, "meta", Some("created")) => Place::Instant("r.created_at"),
            (_, "meta", Some("lastModified")) => Place::Instant("r.updated_at"),
            (_, "meta", Some("resourceType")) => Place::Constant(json!(self.kind.as_str())),
            (_, "meta", Some("location")) => Place::Text(format!(
                "({} || r.id)",
                literal(&format!("{}{}/", self.base_url, self.kind.endpoint()))
            )),
            (_, "meta", Some("version")) => {
                let beside = match self.kind {
                    ResourceKind::User => groups_beside(),
                    ResourceKind::Group => "''".to_owned(),
                };
                Place::Text(format!(
                    "('W/\"' || CAST(r.version AS TEXT) || {beside} || '\"')"
                ))
            }
            (_, "meta", _) => Place::Constant(json!({ "resourceType": self.kind.as_str() })),
            (ResourceKind::User, "groups", _) | (ResourceKind::Group, "members", _) => {
                Place::Membership
            }
            _ => Place::Document,
        }
    }

    /// A test of an attribute in the document.
    fn document(&mut self, target: &Target, test: &Test) {
        if let Some(address) = email_lookup(target, test) {
            self.sql
                .push("r.id IN (SELECT a.user_id FROM user_emails a WHERE a.value_key = ");
            self.sql.bind(Key::of_folded(address)).push(")");
            return;
        }
        if target.multi_valued {
            self.elements(target);
            self.element_test(target, test);
            self.sql.push(")");
            return;
        }
        let path = path(target, true);
        let present = self.json(&path, false);
        let value = self.json(&path, true);
        self.json_test(&present, &value, test);
    }

    fn some(&mut self, target: &Target, condition: &Condition, negated: bool) {
        if let Place::Membership = self.place(target) {
            let other = other_end_of(condition);
            self.membership(other, |writer| writer.inner(condition, &Self::member_test));
            return;
        }
        if let Some(email) = email_path(target, condition) {
            self.sql
                .push("r.id IN (SELECT a.user_id FROM user_emails a WHERE a.value_key = ");
            self.sql.bind(Key::of_folded(email.address));
            if let Some(kind) = email.kind {
                self.sql.push(" AND a.type_key = ").bind(kind);
            }
            self.sql.push(")");
            if email.is_whole {
                return;
            }
            self.sql.push(" AND ");
        }
        if target.multi_valued {
            self.elements(target);
            self.inner(condition, &Self::element_test);
            self.sql.push(")");
        } else {
            // The attribute itself must be there, even where the filter is a negation.
            self.sql.push("(");
            if let Place::Document = self.place(target) {
                let present = self.json(&path(target, false), false);
                self.sql.push(&present).push(" IS NOT NULL AND ");
            }
            self.condition(condition, negated);
            self.sql.push(")");
        }
    }

    /// The condition of a value filter, whose leaves are tests of one value.
    fn inner(&mut self, condition: &Condition, test: &dyn Fn(&mut Self, &Target, &Test)) {
        match condition {
            Condition::All(parts) => self.inner_joined(parts, (" AND ", "TRUE"), test),
            Condition::Any(parts) => self.inner_joined(parts, (" OR ", "FALSE"), test),
            Condition::Not(part) => {
                self.sql.push("NOT (");
                self.inner(part, test);
                self.sql.push(")");
            }
            Condition::Constant(always) => {
                self.sql.push(if *always { "TRUE" } else { "FALSE" });
            }
            Condition::Some { condition, .. } => self.inner(condition, test),
            Condition::Value {
                target,
                test: value,
            } => {
                self.sql.push("COALESCE(");
                test(self, target, value);
                self.sql.push(", FALSE)");
            }
        }
    }

    fn inner_joined(
        &mut self,
        parts: &[Condition],
        (with, empty): (&str, &str),
        test: &dyn Fn(&mut Self, &Target, &Test),
    ) {
        self.sql.push("(");
        for (at, part) in parts.iter().enumerate() {
            if at > 0 {
                self.sql.push(with);
            }
            self.inner(part, test);
        }
        if parts.is_empty() {
            self.sql.push(empty);
        }
        self.sql.push(")");
    }

    /// Opens an `EXISTS` over the values of a multi-valued attribute, as `e`.
    fn elements(&mut self, target: &Target) {
        let path = path(target, false);
        match self.sql.dialect {
            Dialect::Sqlite => {
                let path = literal(&sqlite_path(&path));
                self.sql.push(&format!(
                    "EXISTS (SELECT 1 FROM json_each(r.search_document, {path}) e WHERE "
                ));
            }
            #[cfg(feature = "postgres")]
            Dialect::Postgres => {
                let path = postgres_path(&path);
                self.sql.push(&format!(
                    "EXISTS (SELECT 1 FROM jsonb_array_elements(CASE jsonb_typeof(\
                     r.search_document #> {path}) WHEN 'array' \
                     THEN r.search_document #> {path} END) AS e(value) WHERE "
                ));
            }
        }
    }

    /// A test of one value of a multi-valued attribute.
    fn element_test(&mut self, target: &Target, test: &Test) {
        let (present, value) = match (self.sql.dialect, target.sub_attribute.as_deref()) {
            (Dialect::Sqlite, None) => ("e.type".to_owned(), "e.value".to_owned()),
            (Dialect::Sqlite, Some(sub)) => {
                let path = literal(&sqlite_path(&[sub.to_owned()]));
                (
                    // What was written for another definition of the attribute need be no object.
                    format!("CASE e.type WHEN 'object' THEN json_type(e.value, {path}) END"),
                    format!("CASE e.type WHEN 'object' THEN json_extract(e.value, {path}) END"),
                )
            }
            #[cfg(feature = "postgres")]
            (Dialect::Postgres, None) => ("e.value".to_owned(), "(e.value #>> '{}')".to_owned()),
            #[cfg(feature = "postgres")]
            (Dialect::Postgres, Some(sub)) => {
                let sub = literal(sub);
                (
                    format!("(e.value -> {sub})"),
                    format!("(e.value ->> {sub})"),
                )
            }
        };
        self.json_test(&present, &value, test);
    }

    /// The expression for a path of the document: its text, or whether it is there.
    fn json(&self, path: &[String], text: bool) -> String {
        match self.sql.dialect {
            Dialect::Sqlite => {
                let path = literal(&sqlite_path(path));
                let function = if text { "json_extract" } else { "json_type" };
                format!("{function}(r.search_document, {path})")
            }
            #[cfg(feature = "postgres")]
            Dialect::Postgres => {
                let operator = if text { "#>>" } else { "#>" };
                format!("(r.search_document {operator} {})", postgres_path(path))
            }
        }
    }

    /// A test of the memberships of the resource: `m` is the row, `o` the other end. Where the id
    /// of the other end is known, its memberships say which resources are meant; else those of each
    /// resource are looked at.
    fn membership(&mut self, other: Option<&str>, condition: impl FnOnce(&mut Self)) {
        let (own, far) = match self.kind {
            ResourceKind::User => ("m.member_id", "m.group_id"),
            ResourceKind::Group => ("m.group_id", "m.member_id"),
        };
        self.sql.push(&match other {
            Some(_) => format!("r.id IN (SELECT {own} FROM group_members m"),
            None => "EXISTS (SELECT 1 FROM group_members m".to_owned(),
        });
        match self.kind {
            ResourceKind::User => {
                self.sql.join_each("groups", "o", "m.group_id");
                self.sql
                    .push(" WHERE o.id = m.group_id AND m.held_id IS NULL AND ");
            }
            ResourceKind::Group => {
                let (user, group) = ("m.member_kind = 'User'", "m.member_kind = 'Group'");
                self.sql.join_any("users", "u", "m.member_id", user);
                self.sql.join_any("groups", "o", "m.member_id", group);
                self.sql.push(" WHERE m.held_id IS NULL AND ");
            }
        }
        match other {
            Some(id) => self.sql.push(&format!("{far} = ")).bind(id).push(" AND "),
            None => self.sql.push(&format!("{own} = r.id AND ")),
        };
        match self.kind {
            ResourceKind::User => {
                visible(self.sql, ResourceKind::Group, self.scope, "o");
                self.sql.push(" AND ");
            }
            ResourceKind::Group => {
                self.sql.push("(");
                visible(self.sql, ResourceKind::User, self.scope, "u");
                self.sql.push(" OR ");
                visible(self.sql, ResourceKind::Group, self.scope, "o");
                self.sql.push(") AND ");
            }
        }
        condition(self);
        self.sql.push(")");
    }

    fn member_test(&mut self, target: &Target, test: &Test) {
        let base_url = self.base_url;
        let sub = target.sub_attribute.as_deref().unwrap_or("value");
        let reference = |kind: ResourceKind, id: &str| {
            let prefix = literal(&format!("{base_url}{}/", kind.endpoint()));
            format!("({prefix} || {id})")
        };
        let expression = match (self.kind, sub) {
            (ResourceKind::User, "value") => "m.group_id".to_owned(),
            (ResourceKind::User, "display") => "o.name_key".to_owned(),
            (ResourceKind::User, "type") => "'direct'".to_owned(),
            (ResourceKind::User, _) => reference(ResourceKind::Group, "m.group_id"),
            (ResourceKind::Group, "value") => "m.member_id".to_owned(),
            (ResourceKind::Group, "display") => "COALESCE(u.display_key, o.name_key)".to_owned(),
            (ResourceKind::Group, "type") => {
                "CASE m.member_kind WHEN 'User' THEN 'user' ELSE 'group' END".to_owned()
            }
            (ResourceKind::Group, _) => format!(
                "CASE m.member_kind WHEN 'User' THEN {} ELSE {} END",
                reference(ResourceKind::User, "m.member_id"),
                reference(ResourceKind::Group, "m.member_id")
            ),
        };
        self.test(&format!("({expression})"), test);
    }
}

/// What the entity tag of a user says of the user's groups. A user is in the scope, so that the
/// groups of the same configuration are.
fn groups_beside() -> String {
    format!(
        "COALESCE((SELECT '-' || CAST(count(*) AS TEXT) || '-' || CAST(max(o.updated_at) AS TEXT) \
         FROM group_members m JOIN groups o ON o.id = m.group_id \
         WHERE m.member_id = r.id AND m.held_id IS NULL AND {GROUP_BESIDE}), '')"
    )
}
