//! A request to a service provider over a store.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use scim_protocol::discovery::ServiceProviderConfig;
use scim_protocol::query::Projection;
use scim_protocol::resource::changes;
use scim_protocol::{Budget, Deviation, Limits, Resource, ResourceDefinition, Tolerance, Version};
use serde_json::{Map, Value};

use super::Shared;
use crate::cursor::CURSOR_SECONDS;
use crate::error::Failure;
use crate::policy::{Created, PlacesOf, Session, ShownOf, Update, Written};
use crate::render::Shown;
use crate::select::{Place, Selected, Selection};
use crate::store::{self, ResourceTransaction, Stored};
use crate::unique::check_unique;

/// Which of a store's resource types.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TypeIndex(pub(super) usize);

/// A request to a service provider over a store.
#[derive(Clone)]
pub struct PlainSession {
    pub(super) shared: Arc<Shared>,
    pub(super) budget: Budget,
    pub(super) now: DateTime<Utc>,
}

/// What is to be created.
#[derive(Debug, Clone)]
pub struct Draft {
    kind: TypeIndex,
    attributes: Map<String, Value>,
}

/// What is to be written of a resource, if it is still as it was read.
#[derive(Debug, Clone)]
pub struct Plan {
    kind: TypeIndex,
    stored: Stored,
    /// `None` where nothing changes.
    attributes: Option<Map<String, Value>>,
}

impl Session for PlainSession {
    type Kind = TypeIndex;
    type Id = String;
    type Stored = Stored;
    type Draft = Draft;
    type Plan = Plan;
    type Failure = Failure;
    type View<'t> = dyn ResourceTransaction + 't;
    type Transaction<'t> = dyn ResourceTransaction + 't;

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

    fn tolerance(&self) -> Tolerance {
        Tolerance::new(self.shared.profile).on_budget(self.budget.clone())
    }

    fn scope_name(&self) -> String {
        String::new()
    }

    fn kinds(&self) -> Vec<TypeIndex> {
        (0..self.shared.definitions.len()).map(TypeIndex).collect()
    }

    fn definition(&self, kind: TypeIndex) -> &ResourceDefinition {
        let definition = self.shared.definitions.get(kind.0);
        definition.unwrap_or(&self.shared.nothing)
    }

    fn config(&self) -> ServiceProviderConfig {
        let mut config = ServiceProviderConfig::new(self.limits(), CURSOR_SECONDS);
        if let Some(describe) = &self.shared.describe {
            describe(&mut config);
        }
        config
    }

    fn parse_id(&self, text: &str) -> Option<String> {
        Some(text.to_owned())
    }

    fn nesting(&self, kind: TypeIndex) -> Option<&'static str> {
        // Of the built-in schemas only Group holds resources of its own type.
        let members = self.definition(kind).attribute("members")?;
        let refers = members.sub_attribute("$ref")?;
        let own = self.definition(kind).name();
        let itself = refers.reference_types.iter().any(|name| name == own);
        itself.then_some("members")
    }

    fn view<'a, 't: 'a>(
        transaction: &'a mut (dyn ResourceTransaction + 't),
    ) -> &'a mut (dyn ResourceTransaction + 't) {
        transaction
    }

    fn get(
        &self,
        view: &mut (dyn ResourceTransaction + '_),
        kind: TypeIndex,
        id: &String,
        _beside: bool,
    ) -> Result<Option<Stored>, Failure> {
        Ok(view.get(self.definition(kind).name(), id)?)
    }

    fn lock(
        &self,
        transaction: &mut (dyn ResourceTransaction + '_),
        kind: TypeIndex,
        id: &String,
    ) -> Result<Option<Stored>, Failure> {
        // Whoever wrote meanwhile is noticed by the version.
        self.get(transaction, kind, id, false)
    }

    fn places(
        &self,
        view: &mut (dyn ResourceTransaction + '_),
        kind: TypeIndex,
        selection: &Selection<String>,
        _beside: bool,
    ) -> Result<PlacesOf<Self>, Failure> {
        let definition = self.definition(kind);
        let page = view.select(definition, selection)?;
        let places = page.items.into_iter().map(|stored| Place {
            keyset: store::keyset(definition, &stored, selection.sort.as_ref()),
            bytes: 0,
            resource: Some(stored),
        });
        Ok(Selected {
            total: page.total,
            items: places.collect(),
            next: page.next,
        })
    }

    fn load(
        &self,
        _view: &mut (dyn ResourceTransaction + '_),
        kind: TypeIndex,
        places: Vec<Place<Stored, String>>,
        (asked, _): (&Projection, bool),
    ) -> Result<Vec<ShownOf<Self>>, Failure> {
        let places = places.into_iter().filter_map(|place| {
            let stored = place.resource?;
            Some((place.keyset, stored))
        });
        places
            .map(|(keyset, stored)| Ok((keyset, self.render(kind, &stored, asked)?)))
            .collect()
    }

    fn render(
        &self,
        kind: TypeIndex,
        stored: &Stored,
        _asked: &Projection,
    ) -> Result<Shown, Failure> {
        let document = stored.document(self.definition(kind), self.base_url());
        Ok(Shown::Attributes(document))
    }

    fn prepare(
        &self,
        kind: TypeIndex,
        resource: Resource,
        _deviations: Vec<Deviation>,
    ) -> Result<Draft, Failure> {
        resource.check_required(self.definition(kind))?;
        let attributes = resource.into_map();
        Ok(Draft { kind, attributes })
    }

    fn create(
        &self,
        transaction: &mut (dyn ResourceTransaction + '_),
        draft: &Draft,
    ) -> Result<Created<Stored>, Failure> {
        let definition = self.definition(draft.kind);
        check_unique(
            transaction,
            definition,
            None,
            &draft.attributes,
            &mut self.tolerance(),
        )?;
        transaction.check(definition, None, Some(&draft.attributes))?;
        let stored = Stored {
            id: transaction.new_id(definition.name())?,
            attributes: draft.attributes.clone(),
            version: Version(1),
            created: self.now,
            last_modified: self.now,
        };
        transaction.insert(definition.name(), stored.clone())?;
        Ok(Created { stored, bare: true })
    }

    fn plan(
        &self,
        kind: TypeIndex,
        stored: Stored,
        update: &Update,
        mut tolerance: Tolerance,
    ) -> Result<Plan, Failure> {
        let definition = self.definition(kind);
        let before = Resource::from_map(stored.attributes.clone());
        let after = match update {
            Update::Replace(new) => before.replaced_by(definition, new.clone())?,
            Update::Modify(request) => {
                let patch = request.clone().resolve(definition, &mut tolerance)?;
                patch.check_id(&stored.id)?;
                patch.apply(&before, &mut tolerance)?
            }
        };
        after.check_required(definition)?;
        let after = after.into_map();
        let changed = !changes(definition, &stored.attributes, &after).is_empty();
        Ok(Plan {
            kind,
            stored,
            attributes: changed.then_some(after),
        })
    }

    fn is_of(&self, plan: &Plan, stored: &Stored) -> bool {
        plan.stored == *stored
    }

    fn update(
        &self,
        transaction: &mut (dyn ResourceTransaction + '_),
        plan: &Plan,
        version: Version,
        _brief: bool,
    ) -> Result<Written, Failure> {
        let Some(attributes) = &plan.attributes else {
            return Ok(Written {
                version,
                brief: false,
            });
        };
        let definition = self.definition(plan.kind);
        let before = Some(&plan.stored);
        check_unique(
            transaction,
            definition,
            before,
            attributes,
            &mut self.tolerance(),
        )?;
        transaction.check(definition, before, Some(attributes))?;
        let next = Version(version.0 + 1);
        let stored = Stored {
            attributes: attributes.clone(),
            version: next,
            last_modified: self.now,
            ..plan.stored.clone()
        };
        transaction.replace(definition.name(), version, stored)?;
        Ok(Written {
            version: next,
            brief: false,
        })
    }

    fn delete(
        &self,
        transaction: &mut (dyn ResourceTransaction + '_),
        kind: TypeIndex,
        stored: Stored,
    ) -> Result<(), Failure> {
        let definition = self.definition(kind);
        transaction.check(definition, Some(&stored), None)?;
        Ok(transaction.delete(definition.name(), &stored.id)?)
    }
}
