//! Who is taken back together, for the names that they give to one another.
//!
//! A resource gets a name back that nobody has, or that somebody has who gives it away in the same
//! undo. Those who wait for one another are written together, or none of them is: a name is never
//! taken from somebody who does not get another one in the same transaction.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use scim_provisioning::{ConfigurationId, ResourceKind, RunId, StoreError};

use crate::run::{Chosen, CurrentRow, RowChange, Taking, Undone, Way};
use crate::store::ReadRuns;

/// What of which run is taken back.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scope<'a> {
    pub(crate) run: RunId,
    pub(crate) chosen: &'a Chosen,
    /// Those that there are.
    pub(crate) configurations: &'a BTreeSet<ConfigurationId>,
}

impl Scope<'_> {
    /// A resource and everybody who has to give a name away for it, in turn; `None` when one of the
    /// names stays with somebody else. `read` reads a row as it is now.
    pub(crate) fn together<R: ReadRuns + ?Sized>(
        &self,
        rows: &mut R,
        first: Taking,
        read: impl Fn(&mut R, ResourceKind, &str) -> Result<Option<CurrentRow>, StoreError>,
    ) -> Result<Option<Vec<Taking>>, StoreError> {
        let kind = first.kind;
        let mut then = BTreeMap::from([(first.id.clone(), first.names_then())]);
        let mut waiting = VecDeque::from([first]);
        let mut together = Vec::new();
        while let Some(one) = waiting.pop_front() {
            let now = one.names_now();
            let wanted = then.get(&one.id).cloned().unwrap_or_default();
            for name in wanted.difference(&now) {
                let Some(holder) = rows.holder_of(name, &one.id)? else {
                    continue;
                };
                if !then.contains_key(&holder) {
                    let Some(current) = read(rows, kind, &holder)? else {
                        continue;
                    };
                    let Some(giving) = self.taking(rows, kind, holder.clone(), current)? else {
                        return Ok(None);
                    };
                    then.insert(giving.id.clone(), giving.names_then());
                    waiting.push_back(giving);
                }
                if then.get(&holder).is_some_and(|names| names.contains(name)) {
                    return Ok(None);
                }
            }
            together.push(one);
        }
        Ok(Some(together))
    }

    /// Who has a name, if that is somebody to whom this undo does something.
    fn taking<R: ReadRuns + ?Sized>(
        &self,
        rows: &mut R,
        kind: ResourceKind,
        id: String,
        current: CurrentRow,
    ) -> Result<Option<Taking>, StoreError> {
        let images = rows.images_of(self.run, self.chosen, std::slice::from_ref(&id))?;
        let images = images.iter().filter(|image| image.subject.is_resource());
        let Some(change) = RowChange::of(images) else {
            return Ok(None);
        };
        let (configurations, overwrite) = (self.configurations, self.chosen.overwrite);
        let undone = Undone::of(kind, &change, Some(&current), configurations, overwrite);
        Ok(match undone.way {
            Way::Nothing => None,
            _ => Some(Taking {
                kind,
                id,
                current: Some(current),
                undone,
            }),
        })
    }
}
