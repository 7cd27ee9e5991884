//! Who is whose manager, in whatever order they arrive.

use scim_mapping::Field;
use scim_protocol::text::{fold, fold_name};
use serde_json::Value;

use super::rows::PersonRow;
use super::tables::Tables;
use crate::directory::{Scope, StoreError, UserWrite};
use crate::id::ResourceId;

/// By what others may name a user as their manager.
pub(super) struct ManagerKeys {
    /// By what nobody else in scope has.
    own: Vec<String>,
    external_id: Option<String>,
    email: Option<String>,
}

impl ManagerKeys {
    pub(super) fn of(id: ResourceId, user: &UserWrite) -> Self {
        let sent = user.document.get("userName").and_then(Value::as_str);
        let email = user.record.get(&Field::Email);
        Self {
            own: sent
                .into_iter()
                .map(fold_name)
                .chain([id.to_string()])
                .collect(),
            external_id: user.external_id.clone(),
            email: email.and_then(|email| email.as_text()).map(fold_name),
        }
    }

    /// Whether a manager is named by one of them.
    fn names(&self, manager: &str) -> bool {
        let external_id = self.external_id.as_deref().map(fold_name);
        self.own.iter().any(|key| key == manager)
            || external_id.as_deref() == Some(manager)
            || self.email.as_deref() == Some(manager)
    }
}

impl Tables {
    /// The manager whom a user names: whom the identity provider sees comes first, then whoever was
    /// the manager, then who left or whose deletion is held.
    pub(super) fn named_manager(
        &self,
        scope: Scope,
        named: Option<&str>,
        before: Option<ResourceId>,
    ) -> Option<ResourceId> {
        let named = named?;
        let (folded, name) = (fold(named), fold_name(named));
        let seen = [
            self.only(|row| row.person.is_seen(scope) && row.person.user.id.to_string() == named),
            self.only(|row| row.person.is_seen(scope) && row.person.external_id() == Some(named)),
            self.only(|row| {
                row.person.is_seen(scope) && row.keys.scim_user_name.as_ref() == Some(&name)
            }),
            self.only(|row| row.person.is_seen(scope) && row.keys.email.as_ref() == Some(&folded)),
        ];
        let held = |row: &PersonRow| row.person.is_gone(scope) && row.person.user.held;
        let kept = before.filter(|id| self.person(*id).is_some());
        let gone = [
            self.only(|row| row.person.is_gone(scope) && row.person.user.id.to_string() == named),
            self.only(|row| held(row) && row.person.external_id() == Some(named)),
            self.only(|row| held(row) && row.keys.user_name == name),
            self.only(|row| held(row) && row.keys.email.as_ref() == Some(&folded)),
        ];
        let mut ways = seen.into_iter().chain([kept]).chain(gone);
        ways.find_map(|found| found)
    }

    /// The one whom a test finds. What is not unique names nobody where several have it.
    fn only(&self, test: impl Fn(&PersonRow) -> bool) -> Option<ResourceId> {
        let mut found = self.all_people().filter(|row| test(row));
        let first = found.next()?.person.user.id;
        found.next().is_none().then_some(first)
    }

    /// Whether somebody waits for a manager who is named like this one.
    pub(super) fn is_waited_for(&self, scope: Scope, keys: &ManagerKeys) -> bool {
        let waits = |row: &PersonRow| {
            let named = row.keys.manager.as_deref();
            row.person.user.manager.is_none()
                && row.person.is_managed(scope)
                && named.is_some_and(|named| keys.names(named))
        };
        self.all_people().any(waits)
    }

    /// Links those who wait for a manager, or have one who left, to the one who arrived.
    pub(super) fn link_reports(
        &mut self,
        scope: Scope,
        manager: ResourceId,
        keys: &ManagerKeys,
    ) -> Result<(), StoreError> {
        let another = |test: &dyn Fn(&PersonRow) -> bool| {
            let mut seen = self.all_people();
            seen.any(|row| row.person.user.id != manager && row.person.is_seen(scope) && test(row))
        };
        let external_id = keys.external_id.as_deref();
        let external_id =
            external_id.filter(|id| !another(&|row| row.person.external_id() == Some(*id)));
        let email = keys.email.as_deref();
        let email =
            email.filter(|email| !another(&|row| row.keys.email.as_deref() == Some(*email)));
        let reports = self.all_people().filter(|row| {
            let Some(named) = row.keys.manager.as_deref() else {
                return false;
            };
            let free = match row.person.user.manager.and_then(|id| self.person(id)) {
                Some(manager) => manager.person.left.is_some(),
                None => row.person.user.manager.is_none(),
            };
            let meant = keys.own.iter().any(|key| key == named)
                || external_id.is_some() && row.person.text(&Field::Manager) == external_id
                || email == Some(named);
            row.person.is_managed(scope) && free && meant
        });
        let reports: Vec<ResourceId> = reports.map(|row| row.person.user.id).collect();
        for report in reports {
            self.change_person(report, |person| person.user.manager = Some(manager))?;
        }
        Ok(())
    }
}
