//! Finding people, attempts and what was looked for, in memory.

use chrono::{DateTime, Utc};
use scim_protocol::text::fold;
use scim_provisioning::words::{term_of, words_of};
use scim_provisioning::{ConfigurationId, LookUp, ResourceKind, StoreError};

use super::rows::{Rows, StoredPerson};
use crate::event::{AuditEntry, LoggedEvent};
use crate::policy::{HeldMember, HeldUser, LinkRequest};
use crate::store::{About, KeepWhy, ReadWhy};
use crate::why::{AttemptName, FoundPerson, Wanted};

fn found(person: &StoredPerson) -> FoundPerson {
    FoundPerson {
        id: person.id.clone(),
        user_name: person.user_name.clone(),
        scim_user_name: None,
        display_name: None,
        email: person.email.clone(),
        status: person.status,
        protected: person.tenant_admin,
        managed_by: person.managed_by,
        external_id: None,
        left: person.left.then_some(person.last_modified),
        purge: person.purge,
        created: person.created,
    }
}

/// Whether what is wanted is a text, or one of its words, or how one begins.
fn fits(wanted: &Wanted, text: &str) -> bool {
    let mut words = words_of(text);
    words.push(term_of(text));
    words.iter().any(|word| word.starts_with(wanted.term()))
}

fn few<T>(found: impl Iterator<Item = T>, limit: i64) -> Vec<T> {
    found.take(usize::try_from(limit).unwrap_or(0)).collect()
}

impl ReadWhy for Rows {
    fn people_named(
        &mut self,
        wanted: &Wanted,
        limit: i64,
    ) -> Result<Vec<FoundPerson>, StoreError> {
        let of = |person: &&StoredPerson| {
            person.id == wanted.term()
                || fits(wanted, &person.user_name)
                || person
                    .email
                    .as_ref()
                    .is_some_and(|email| fits(wanted, email))
        };
        Ok(few(self.people.iter().filter(of).map(found), limit))
    }

    fn attempts_named(
        &mut self,
        wanted: &Wanted,
        limit: i64,
    ) -> Result<Vec<AttemptName>, StoreError> {
        let named = self.events.iter().rev().filter_map(|event| {
            let name = event.resource_name.as_ref()?;
            let of_user = event.known_kind() == Some(ResourceKind::User);
            (of_user && fits(wanted, name)).then(|| AttemptName {
                name: Some(fold(name)),
                resource: event.resource_id.clone(),
                event: event.id,
                whole: fold(name) == wanted.term(),
            })
        });
        Ok(few(named, limit))
    }

    fn entries_about(&mut self, about: &About, limit: i64) -> Result<Vec<LoggedEvent>, StoreError> {
        let of = |event: &&LoggedEvent| {
            let id = about.id.is_some() && event.resource_id == about.id;
            let mut names = about.names.iter();
            let named = event.resource_name.as_ref();
            id || named.is_some_and(|name| names.any(|known| fold(known) == fold(name)))
        };
        Ok(few(self.events.iter().rev().filter(of).cloned(), limit))
    }

    fn look_ups(
        &mut self,
        values: &[String],
        beginning: Option<&str>,
        limit: i64,
    ) -> Result<Vec<LookUp>, StoreError> {
        let of = |one: &&LookUp| {
            let begins = beginning.is_some_and(|text| fold(&one.value).starts_with(text));
            begins || values.contains(&one.value)
        };
        Ok(few(self.look_ups.iter().filter(of).cloned(), limit))
    }

    fn audit_about(
        &mut self,
        objects: &[String],
        limit: i64,
    ) -> Result<Vec<(i64, AuditEntry)>, StoreError> {
        let links = self.audit.iter().rev();
        let of = links.filter(|link| objects.contains(&link.entry.object));
        Ok(few(of.map(|link| (link.id, link.entry.clone())), limit))
    }

    fn links_about(
        &mut self,
        person: Option<&str>,
        names: &[String],
    ) -> Result<Vec<(ConfigurationId, LinkRequest)>, StoreError> {
        let of = |(_, link): &&(ConfigurationId, LinkRequest)| {
            person == Some(&link.person) || names.contains(&fold(link.user_name()))
        };
        let mut found: Vec<_> = self.links.iter().filter(of).cloned().collect();
        found.sort_by_key(|(_, link)| std::cmp::Reverse(link.at));
        Ok(found)
    }

    fn held_of(&mut self, person: &str) -> Result<Option<(ConfigurationId, HeldUser)>, StoreError> {
        let mut held = self.held_users.iter();
        Ok(held
            .find(|(_, held)| held.user.to_string() == person)
            .cloned())
    }

    fn held_memberships_of(
        &mut self,
        person: &str,
        limit: i64,
    ) -> Result<Vec<(ConfigurationId, HeldMember)>, StoreError> {
        let held = self.held_members.iter();
        let mut found: Vec<_> = held
            .filter(|(_, held)| held.member == person)
            .cloned()
            .collect();
        found.sort_by_key(|(_, held)| std::cmp::Reverse(held.at));
        found.truncate(usize::try_from(limit).unwrap_or(0));
        Ok(found)
    }
}

impl KeepWhy for Rows {
    fn note_look_ups(&mut self, look_ups: &[LookUp]) -> Result<(), StoreError> {
        for one in look_ups {
            let same = |known: &&mut LookUp| {
                (known.configuration, known.by, &known.value)
                    == (one.configuration, one.by, &one.value)
            };
            match self.look_ups.iter_mut().find(same) {
                Some(known) => {
                    known.last = known.last.max(one.last);
                    known.times = known.times.saturating_add(one.times);
                }
                None => self.look_ups.push(one.clone()),
            }
        }
        Ok(())
    }

    fn forget_look_ups(
        &mut self,
        before: DateTime<Utc>,
        _most: i64,
        _limit: i64,
    ) -> Result<usize, StoreError> {
        let all = self.look_ups.len();
        self.look_ups.retain(|one| one.last >= before);
        Ok(all - self.look_ups.len())
    }

    fn fill_terms(&mut self, _limit: i64) -> Result<bool, StoreError> {
        // Nothing is kept apart: whoever is looked for is found by going through all.
        Ok(false)
    }
}
