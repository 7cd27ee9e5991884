//! What would happen if a rehearsal went live, and what moved meanwhile.

use scim_provisioning::event::{Action, Outcome};
use scim_provisioning::{ResourceKind, RunId};

use super::AdminService;
use crate::configuration::ConfigurationStatus;
use crate::error::AdminError;
use crate::event::EventQuery;
use crate::rehearsal::{
    MovedResource, Rehearsal, RehearsedAction, RehearsedItem, RehearsedPage, RehearsedPlace,
};
use crate::run::{Chosen, by_resource};
use crate::store::{AdminStoreExt, AdminView};

impl AdminService {
    /// What would happen, behind a place: changes by their first one, then what would be refused;
    /// with an action, what is of that alone.
    ///
    /// # Errors
    /// [`AdminError::NoCopy`]; [`AdminError::Store`].
    pub fn rehearsed_items(
        &self,
        rehearsal: &Rehearsal,
        action: Option<RehearsedAction>,
        after: RehearsedPlace,
        limit: usize,
    ) -> Result<RehearsedPage, AdminError> {
        let copy = self.copy(rehearsal.id)?;
        let run = rehearsal.id;
        let mut page = copy.store.read(|rows| {
            let counts = rows.run(run)?.map(|run| run.counts).unwrap_or_default();
            let mut list = List {
                run,
                action,
                limit,
                items: Vec::new(),
            };
            list.fill(rows, after)?;
            let full = list.items.len() >= limit;
            let next = list.items.last().filter(|_| full).map(|item| item.place);
            Ok(RehearsedPage {
                counts,
                items: list.items,
                next,
            })
        })?;
        if rehearsal.before == ConfigurationStatus::Enabled {
            self.mark_at_once(&mut page.items)?;
        }
        Ok(page)
    }

    /// Marks those who left at once.
    fn mark_at_once(&self, items: &mut [RehearsedItem]) -> Result<(), AdminError> {
        self.store.read(|rows| {
            for item in items.iter_mut().filter(|item| item.leaves()) {
                let Some(id) = &item.id else { continue };
                let row = rows.current_row(ResourceKind::User, id)?;
                item.at_once = row.is_some_and(|row| {
                    let value = |name: &str| row.values.get(name).cloned().unwrap_or_default();
                    value("status") != "active" || !value("leftAt").is_null()
                });
            }
            Ok(())
        })
    }

    /// What is not as it was when the rehearsal began, so that it would not come to what was
    /// rehearsed; so many of it at most.
    ///
    /// # Errors
    /// [`AdminError::NoCopy`]; [`AdminError::Store`].
    pub fn moved_since(
        &self,
        rehearsal: &Rehearsal,
        most: usize,
    ) -> Result<Vec<MovedResource>, AdminError> {
        self.copy(rehearsal.id)?;
        let mut moved = Vec::new();
        let mut after = 0;
        loop {
            let page = self.copies()?.moved(rehearsal, after)?;
            moved.extend(page.items);
            match page.next {
                Some(next) if moved.len() < most => after = next,
                _ => break,
            }
        }
        moved.truncate(most);
        Ok(moved)
    }
}

/// A page under way.
struct List {
    run: RunId,
    action: Option<RehearsedAction>,
    limit: usize,
    items: Vec<RehearsedItem>,
}

impl List {
    fn fill(&mut self, rows: &mut dyn AdminView, after: RehearsedPlace) -> Result<(), AdminError> {
        let mut place = after;
        while self.items.len() < self.limit {
            let next = match place {
                RehearsedPlace::Change(_) if self.action == Some(RehearsedAction::Refuse) => None,
                RehearsedPlace::Change(number) => self.changes(rows, number)?,
                RehearsedPlace::Refusal(number) => match self.refusals(rows, number)? {
                    Some(next) => Some(next),
                    None => return Ok(()),
                },
            };
            place = next.unwrap_or(RehearsedPlace::Refusal(0));
        }
        self.items.truncate(self.limit);
        Ok(())
    }

    /// Adds changes behind a number; answers where it goes on, if there may be more.
    fn changes(
        &mut self,
        rows: &mut dyn AdminView,
        after: i64,
    ) -> Result<Option<RehearsedPlace>, AdminError> {
        let all = Chosen::default();
        let touched = rows.touched(self.run, &all, after, READ)?;
        let ids: Vec<String> = touched.iter().map(|one| one.id.clone()).collect();
        let mut images = by_resource(rows.images_of(self.run, &all, &ids)?);
        for one in &touched {
            let images = images.remove(&one.id).unwrap_or_default();
            self.items.extend(
                RehearsedItem::of(one, &images)
                    .filter(|item| self.action.is_none_or(|action| item.action == action)),
            );
        }
        Ok(touched
            .last()
            .map(|last| RehearsedPlace::Change(last.first)))
    }

    /// Adds what was refused behind an entry.
    fn refusals(
        &mut self,
        rows: &mut dyn AdminView,
        after: i64,
    ) -> Result<Option<RehearsedPlace>, AdminError> {
        if self
            .action
            .is_some_and(|action| action != RehearsedAction::Refuse)
        {
            return Ok(None);
        }
        let mut refused = Vec::new();
        for outcome in [Outcome::Failure, Outcome::Skipped] {
            refused.extend(rows.events(&EventQuery {
                run: Some(self.run),
                outcome: Some(outcome),
                after: Some(after),
                limit: READ,
                ..EventQuery::default()
            })?);
        }
        // The first of both are all that there are up to the last of them.
        refused.sort_by_key(|entry| entry.id);
        refused.truncate(usize::try_from(READ).unwrap_or_default());
        let last = refused.last().map(|last| RehearsedPlace::Refusal(last.id));
        refused.retain(|entry| entry.status >= 400 && entry.action != Action::Read);
        self.items
            .extend(refused.iter().map(RehearsedItem::refused));
        Ok(last)
    }
}

/// How much is read at once for a page.
const READ: i64 = 100;
