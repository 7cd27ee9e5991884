//! What a configuration sees, and what is decided about it: the policy of ServiceOps.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use chrono::{DateTime, Utc};
use scim_protocol::discovery::{SecurityEvents, ServiceProviderConfig};
use scim_protocol::query::Projection;
use scim_protocol::{
    Budget, Deviation, EntityTag, Limits, Resource, ResourceDefinition, Tolerance, Version,
};
use scim_service::policy::{PlacesOf, ShownOf};
use scim_service::render::Shown;
use scim_service::{
    Abort, Apart, BulkStep, CURSOR_SECONDS, Chunk, Created, Place, Rollback, Selected, Session,
    StoredResource, Update, Written,
};

use crate::beside::Beside;
pub use crate::context::Context;
use crate::directory::{
    DirectoryTransaction, DirectoryView, Membership, Row, Selection, StoreError, Stored,
    StoredGroup, StoredUser, UserRow,
};
use crate::failure::Failure;
use crate::id::{ResourceId, ResourceKind};
use crate::look_up;
pub use crate::operation::create::Draft;
use crate::operation::create::{self, Drafted};
pub use crate::operation::plan::Plan;
use crate::operation::plan::{self, Planned};
use crate::operation::roster::Place as Looked;
use crate::operation::{delete, members, update};
use crate::received::Received;
use crate::render::user_tag;

/// A resource in scope: a user with the groups that were asked for, a group without its members,
/// whose number has no bound.
#[derive(Debug)]
pub enum Found {
    /// A user.
    User(UserRow, Vec<Membership>),
    /// A group.
    Group(StoredGroup),
}

impl Found {
    /// A user who was read.
    fn user(user: StoredUser, groups: Vec<Membership>) -> Self {
        Self::User(UserRow::Read(Box::new(user)), groups)
    }

    fn read(self) -> Result<Stored, StoreError> {
        Ok(match self {
            Self::User(user, _groups) => Stored::User(user.read()?),
            Self::Group(group) => Stored::Group(group),
        })
    }
}

impl From<Row> for Found {
    fn from(row: Row) -> Self {
        match row {
            Row::User(user) => Self::User(user, Vec::new()),
            Row::Group(group) => Self::Group(group),
        }
    }
}

impl StoredResource for Found {
    type Id = ResourceId;

    fn id(&self) -> &ResourceId {
        match self {
            Self::User(user, _) => user.id(),
            Self::Group(group) => &group.id,
        }
    }

    fn version(&self) -> Version {
        match self {
            Self::User(user, _) => user.version(),
            Self::Group(group) => group.version,
        }
    }

    fn tag(&self) -> EntityTag {
        match self {
            Self::User(user, groups) => user_tag(*user.id(), user.version(), groups.iter()),
            Self::Group(group) => group.version.into(),
        }
    }
}

impl Session for Context {
    type Kind = ResourceKind;
    type Id = ResourceId;
    type Stored = Found;
    type Draft = Draft;
    type Plan = Plan;
    type Failure = Failure;
    type View<'t> = dyn DirectoryView + 't;
    type Transaction<'t> = dyn DirectoryTransaction + 't;

    const PARTS: bool = true;

    fn base_url(&self) -> &str {
        &self.shared.base_url
    }

    fn limits(&self) -> &Limits {
        &self.shared.limits
    }

    fn now(&self) -> DateTime<Utc> {
        self.now
    }

    fn budget(&self) -> &Budget {
        &self.budget
    }

    fn config(&self) -> ServiceProviderConfig {
        let mut config = ServiceProviderConfig::new(self.limits(), CURSOR_SECONDS);
        for scheme in &mut config.authentication_schemes {
            scheme.description = TOKEN.to_owned();
        }
        let event_uris = (self.shared.event_uris)();
        if !event_uris.is_empty() {
            let mut events = SecurityEvents::default();
            // RFC 9967 section 4: no request is completed asynchronously.
            events.async_request = Some("none".to_owned());
            events.event_uris = event_uris.iter().map(ToString::to_string).collect();
            config.security_events = Some(events);
        }
        config
    }

    fn tolerance(&self) -> Tolerance {
        Self::tolerance(self)
    }

    fn scope_name(&self) -> String {
        self.configuration().id.to_string()
    }

    fn kinds(&self) -> Vec<ResourceKind> {
        let mut kinds = vec![ResourceKind::User, ResourceKind::Group];
        kinds.retain(|kind| self.provisions(*kind));
        kinds
    }

    fn definition(&self, kind: ResourceKind) -> &ResourceDefinition {
        Self::definition(self, kind)
    }

    fn check_kind(&self, kind: ResourceKind) -> Result<(), Failure> {
        self.check_provisioned(kind)
    }

    fn parse_id(&self, text: &str) -> Option<ResourceId> {
        ResourceId::parse(text)
    }

    fn apart(&self, kind: ResourceKind) -> Option<Apart> {
        Some(match kind {
            ResourceKind::User => Apart::Loaded("groups"),
            ResourceKind::Group => Apart::Paged("members"),
        })
    }

    fn nesting(&self, kind: ResourceKind) -> Option<&'static str> {
        (kind == ResourceKind::Group).then_some("members")
    }

    fn of_operation(&self, step: &BulkStep<'_>) -> Self {
        Self {
            received: Some(Arc::new(Received::operation(step))),
            approval: None,
            started: Instant::now(),
            now: self.shared.environment.now(),
            ..self.clone()
        }
    }

    fn at_its_turn(&self) -> Self {
        Self {
            started: Instant::now(),
            now: self.shared.environment.now(),
            ..self.clone()
        }
    }

    fn part<T>(
        &self,
        transaction: &mut (dyn DirectoryTransaction + '_),
        work: impl FnOnce(&mut (dyn DirectoryTransaction + '_)) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let (mut work, mut slot) = (Some(work), None);
        let ran = transaction.part(&mut |transaction| match work.take() {
            Some(work) => Failure::carry(work(transaction), &mut slot),
            None => Err(Rollback::Refused),
        });
        Failure::conclude(ran, slot)
    }

    fn has_room(&self, transaction: &mut (dyn DirectoryTransaction + '_)) -> bool {
        transaction.has_room()
    }

    fn view<'a, 't: 'a>(
        transaction: &'a mut (dyn DirectoryTransaction + 't),
    ) -> &'a mut (dyn DirectoryView + 't) {
        transaction
    }

    fn get(
        &self,
        view: &mut (dyn DirectoryView + '_),
        kind: ResourceKind,
        id: &ResourceId,
        beside: bool,
    ) -> Result<Option<Found>, Failure> {
        let scope = self.scope();
        if kind == ResourceKind::Group {
            return Ok(view.group(scope, *id)?.map(Found::Group));
        }
        let Some(user) = view.user(scope, *id)? else {
            return Ok(None);
        };
        let groups = match beside {
            true => view.groups_of(scope, &[*id])?,
            false => Vec::new(),
        };
        Ok(Some(Found::user(user, groups)))
    }

    fn get_shown(
        &self,
        view: &mut (dyn DirectoryView + '_),
        kind: ResourceKind,
        id: &ResourceId,
        beside: bool,
    ) -> Result<Option<Found>, Failure> {
        if kind == ResourceKind::Group {
            return self.get(view, kind, id, beside);
        }
        let scope = self.scope();
        let Some(user) = view.user_row(scope, *id)? else {
            return Ok(None);
        };
        let groups = match beside {
            true => view.groups_of(scope, &[*id])?,
            false => Vec::new(),
        };
        Ok(Some(Found::User(user, groups)))
    }

    fn lock(
        &self,
        transaction: &mut (dyn DirectoryTransaction + '_),
        kind: ResourceKind,
        id: &ResourceId,
    ) -> Result<Option<Found>, Failure> {
        transaction.speak_as(&self.author())?;
        let scope = self.scope();
        Ok(match kind {
            ResourceKind::User => transaction
                .lock_user(scope, *id)?
                .map(|user| Found::user(user, Vec::new())),
            ResourceKind::Group => transaction.lock_group(scope, *id)?.map(Found::Group),
        })
    }

    fn places(
        &self,
        view: &mut (dyn DirectoryView + '_),
        kind: ResourceKind,
        selection: &Selection,
        beside: bool,
    ) -> Result<PlacesOf<Self>, Failure> {
        let page = view.places(kind, self.scope(), selection, beside)?;
        // In memory alone: what waits for this read is no write.
        if let (ResourceKind::User, 0, Some(condition)) = (kind, page.total, &selection.condition)
            && let Some((by, value)) = look_up::sought(condition)
        {
            let look_ups = &self.shared.look_ups;
            look_ups.note(self.configuration().id, by, value, self.now);
        }
        let places = page.items.into_iter().map(|place| Place {
            keyset: place.keyset,
            bytes: place.bytes,
            resource: place.resource.map(Found::from),
        });
        Ok(Selected {
            total: page.total,
            items: places.collect(),
            next: page.next,
        })
    }

    fn load(
        &self,
        view: &mut (dyn DirectoryView + '_),
        kind: ResourceKind,
        places: Vec<Place<Found, ResourceId>>,
        (asked, beside): (&Projection, bool),
    ) -> Result<Vec<ShownOf<Self>>, Failure> {
        let scope = self.scope();
        let ids: Vec<ResourceId> = places.iter().map(|place| place.keyset.id).collect();
        let unread = places.iter().filter(|place| place.resource.is_none());
        let unread: Vec<ResourceId> = unread.map(|place| place.keyset.id).collect();
        let mut read: HashMap<ResourceId, Found> = HashMap::new();
        if !unread.is_empty() {
            let found = view.among(kind, scope, &unread)?;
            read.extend(found.into_iter().map(|row| (row.id(), row.into())));
        }
        let mut memberships = match beside {
            true => Beside::read(view, kind, scope, &ids)?,
            false => Beside::default(),
        };
        let mut shown = Vec::with_capacity(places.len());
        for place in places {
            let (found, beside) = (place.resource, memberships.of(place.keyset.id));
            let resource = match found.or_else(|| read.remove(&place.keyset.id)) {
                Some(Found::User(user, _)) => self.show_user(&user, &beside, asked)?,
                Some(Found::Group(group)) => Shown::Attributes(self.group(&group, &beside)),
                // It went between two statements.
                None => continue,
            };
            shown.push((place.keyset, resource));
        }
        Ok(shown)
    }

    fn values_behind(
        &self,
        view: &mut (dyn DirectoryView + '_),
        _kind: ResourceKind,
        id: &ResourceId,
        after: Option<ResourceId>,
        count: usize,
    ) -> Result<Chunk<ResourceId>, Failure> {
        let chunk = view.members_behind(self.scope(), *id, after, count)?;
        let members = chunk.members.iter();
        Ok(Chunk {
            values: members
                .map(|member| self.member(member.kind, member.id, &member.display))
                .collect(),
            next: chunk.next,
        })
    }

    fn has_many_values(
        &self,
        view: &mut (dyn DirectoryView + '_),
        kind: ResourceKind,
        id: &ResourceId,
    ) -> Result<bool, Failure> {
        match kind {
            ResourceKind::User => Ok(false),
            ResourceKind::Group => members::are_many(self, view, *id),
        }
    }

    fn render(
        &self,
        _kind: ResourceKind,
        stored: &Found,
        asked: &Projection,
    ) -> Result<Shown, Failure> {
        Ok(match stored {
            Found::User(user, groups) => self.show_user(user, groups, asked)?,
            Found::Group(group) => Shown::Attributes(self.group(group, &[])),
        })
    }

    fn prepare(
        &self,
        kind: ResourceKind,
        resource: Resource,
        deviations: Vec<Deviation>,
    ) -> Result<Draft, Failure> {
        create::prepare(self, kind, resource, deviations)
    }

    fn create(
        &self,
        transaction: &mut (dyn DirectoryTransaction + '_),
        draft: &Draft,
    ) -> Result<Created<Found>, Failure> {
        transaction.speak_as(&self.author())?;
        Ok(match &draft.0 {
            Drafted::User(user, deviations) => {
                let (user, groups) = create::create_user(self, transaction, user, deviations)?;
                Created {
                    stored: Found::user(user, groups),
                    bare: true,
                }
            }
            Drafted::Group(group, members, deviations) => {
                let created = create::create_group(self, transaction, group, members, deviations)?;
                let (group, bare) = created;
                Created {
                    stored: Found::Group(group),
                    bare,
                }
            }
        })
    }

    fn plan(
        &self,
        _kind: ResourceKind,
        stored: Found,
        update: &Update,
        tolerance: Tolerance,
    ) -> Result<Plan, Failure> {
        Ok(Plan(match stored.read()? {
            Stored::User(user) => {
                Planned::User(Box::new(plan::user(self, *user, update, tolerance)?))
            }
            Stored::Group(group) => {
                Planned::Group(Box::new(plan::group(self, group, update, tolerance)?))
            }
        }))
    }

    fn looks(&self, plan: &Plan) -> bool {
        match &plan.0 {
            Planned::User(_) => false,
            Planned::Group(plan) => plan.looks(),
        }
    }

    fn look(
        &self,
        view: &mut (dyn DirectoryView + '_),
        plan: &mut Plan,
        inside: bool,
    ) -> Result<(), Failure> {
        let Planned::Group(plan) = &mut plan.0 else {
            return Ok(());
        };
        plan.look(
            self,
            match inside {
                true => Looked::Inside(view),
                false => Looked::Outside(view),
            },
        )
    }

    fn is_of(&self, plan: &Plan, stored: &Found) -> bool {
        match (&plan.0, stored) {
            (Planned::User(plan), Found::User(UserRow::Read(user), _)) => plan.stored == **user,
            // Members that came and went meanwhile are not part of it.
            (Planned::Group(plan), Found::Group(group)) => plan.is_of(group),
            _ => false,
        }
    }

    fn update(
        &self,
        transaction: &mut (dyn DirectoryTransaction + '_),
        plan: &Plan,
        version: Version,
        brief: bool,
    ) -> Result<Written, Failure> {
        let (id, written) = match &plan.0 {
            Planned::User(plan) => {
                let version = update::write_user(self, transaction, plan)?;
                let brief = false;
                (plan.stored.id, Written { version, brief })
            }
            Planned::Group(plan) => {
                let written = update::write_group(self, transaction, plan, version, brief)?;
                (plan.stored.id, written)
            }
        };
        self.note_written(id, written.version == version);
        Ok(written)
    }

    fn delete(
        &self,
        transaction: &mut (dyn DirectoryTransaction + '_),
        _kind: ResourceKind,
        stored: Found,
    ) -> Result<(), Failure> {
        delete::delete(self, transaction, &stored.read()?)
    }
}

/// How clients authenticate, for people.
const TOKEN: &str =
    "The authentication token of a provisioning configuration, sent as a bearer token.";
