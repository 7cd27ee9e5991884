//! Memberships that are answered with several resources.

use std::collections::HashMap;

use crate::directory::{DirectoryView, Membership, Scope, StoreError};
use crate::id::{ResourceId, ResourceKind};

/// The groups of users or the members of groups, each resource's by themselves, so that a page looks
/// at each membership once.
#[derive(Debug, Default)]
pub(crate) struct Beside(HashMap<ResourceId, Vec<Membership>>);

impl Beside {
    /// Reads those of the resources of these ids.
    pub(crate) fn read(
        view: &mut (dyn DirectoryView + '_),
        kind: ResourceKind,
        scope: Scope,
        ids: &[ResourceId],
    ) -> Result<Self, StoreError> {
        let memberships = match kind {
            ResourceKind::User => view.groups_of(scope, ids)?,
            ResourceKind::Group => view.members_of(scope, ids)?,
        };
        let mut beside: HashMap<ResourceId, Vec<Membership>> = HashMap::new();
        for membership in memberships {
            let own = match kind {
                ResourceKind::User => membership.member,
                ResourceKind::Group => membership.group,
            };
            beside.entry(own).or_default().push(membership);
        }
        Ok(Self(beside))
    }

    /// Takes those of a resource.
    pub(crate) fn of(&mut self, id: ResourceId) -> Vec<Membership> {
        self.0.remove(&id).unwrap_or_default()
    }
}
