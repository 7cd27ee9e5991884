//! The service provider over a store: SCIM as it is written, with the store's rules and no others.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use scim_protocol::query::Projection;
use scim_protocol::resource::changes;
use scim_protocol::{
    Budget, Deviation, Limits, Profile, Resource, ResourceDefinition, Tolerance, Version,
};
use serde_json::{Map, Value};

use crate::answer::{Answer, Request};
use crate::cursor::{CursorKey, SecretKey};
use crate::environment::{Environment, SystemEnvironment};
use crate::error::{Abort, Failure};
use crate::policy::{
    Attempt, Created, FailureOf, PlacesOf, Policy, Session, ShownOf, Update, ViewOf, Written,
};
use crate::provider;
use crate::render::Shown;
use crate::select::{Place, Selected, Selection};
use crate::store::{self, ResourceStore, ResourceTransaction, Stored};
use crate::unique::check_unique;

/// A service provider over a store, to which every caller is alike.
pub struct ServiceProvider<S> {
    store: S,
    cursors: Arc<dyn CursorKey>,
    shared: Arc<Shared>,
}

struct Shared {
    base_url: String,
    limits: Limits,
    profile: Profile,
    definitions: Vec<ResourceDefinition>,
    environment: Arc<dyn Environment>,
    /// What a kind is that no definition has; there is none.
    nothing: ResourceDefinition,
}

impl<S: ResourceStore> ServiceProvider<S> {
    /// A service provider over a store, with the limits and tolerance that are the default.
    ///
    /// `base_url` is the SCIM endpoint (`https://host/scim/v2`), from which links are built. The
    /// secret seals cursors; every replica needs the same one.
    ///
    /// ```
    /// use scim_protocol::ResourceDefinition;
    /// use scim_service::{MemoryStore, Method, Request, ServiceProvider};
    ///
    /// let store = MemoryStore::new([ResourceDefinition::user()]);
    /// let provider = ServiceProvider::new(store, "https://scim.example/v2", b"a secret");
    /// let types = provider.answer(&Request::new(Method::Get, "/ResourceTypes"));
    /// assert_eq!(types.document().unwrap()["totalResults"], 1);
    /// ```
    pub fn new(store: S, base_url: &str, secret: &[u8]) -> Self {
        let shared = Shared {
            base_url: base_url.trim_end_matches('/').to_owned(),
            limits: Limits::default(),
            profile: Profile::default(),
            definitions: store.definitions(),
            environment: Arc::new(SystemEnvironment),
            nothing: ResourceDefinition::user(),
        };
        Self {
            store,
            cursors: Arc::new(SecretKey::new(secret)),
            shared: Arc::new(shared),
        }
    }

    /// The same with other limits.
    ///
    /// ```
    /// use scim_protocol::{Limits, ResourceDefinition};
    /// use scim_service::{MemoryStore, Method, Request, ServiceProvider};
    ///
    /// let store = MemoryStore::new([ResourceDefinition::user()]);
    /// let limits = Limits { body: 10, ..Limits::default() };
    /// let provider = ServiceProvider::new(store, "https://scim.example/v2", b"secret").with_limits(limits);
    /// let body = br#"{"userName": "ava"}"#;
    /// let long = provider.answer(&Request { body, ..Request::new(Method::Post, "/Users") });
    /// assert_eq!(long.status, 413);
    /// ```
    #[must_use]
    pub fn with_limits(self, limits: Limits) -> Self {
        self.with(|shared| Shared { limits, ..shared })
    }

    /// The same with another tolerance of deviations.
    #[must_use]
    pub fn with_profile(self, profile: Profile) -> Self {
        self.with(|shared| Shared { profile, ..shared })
    }

    /// The same with another clock.
    ///
    /// ```
    /// use std::sync::Arc;
    ///
    /// use chrono::DateTime;
    /// use scim_protocol::ResourceDefinition;
    /// use scim_service::{FixedEnvironment, MemoryStore, ServiceProvider};
    ///
    /// let store = MemoryStore::new([ResourceDefinition::user()]);
    /// let clock = Arc::new(FixedEnvironment::at(DateTime::UNIX_EPOCH));
    /// ServiceProvider::new(store, "https://scim.example/v2", b"secret").with_environment(clock);
    /// ```
    #[must_use]
    pub fn with_environment(self, environment: Arc<dyn Environment>) -> Self {
        self.with(|shared| Shared {
            environment,
            ..shared
        })
    }

    /// Answers a request. What goes wrong is a SCIM error in the answer.
    ///
    /// ```
    /// use scim_protocol::ResourceDefinition;
    /// use scim_service::{MemoryStore, Method, Request, ServiceProvider};
    ///
    /// let store = MemoryStore::new([ResourceDefinition::user()]);
    /// let provider = ServiceProvider::new(store, "https://scim.example/v2", b"a secret of the server");
    /// let body = br#"{"userName": "ava"}"#;
    /// let created = provider.answer(&Request { body, ..Request::new(Method::Post, "/Users") });
    /// let path = created.location.unwrap().replace("https://scim.example/v2", "");
    /// let deleted = provider.answer(&Request::new(Method::Delete, &path));
    /// assert_eq!(deleted.status, 204);
    /// assert_eq!(provider.answer(&Request::new(Method::Get, &path)).status, 404);
    /// ```
    pub fn answer(&self, request: &Request<'_>) -> Answer {
        provider::answer(self, &(), request)
    }

    /// The limits in force.
    pub fn limits(&self) -> &Limits {
        &self.shared.limits
    }

    /// The store.
    pub fn store(&self) -> &S {
        &self.store
    }

    fn with(mut self, change: impl FnOnce(Shared) -> Shared) -> Self {
        let shared = Shared {
            base_url: self.shared.base_url.clone(),
            limits: self.shared.limits.clone(),
            profile: self.shared.profile,
            definitions: self.shared.definitions.clone(),
            environment: Arc::clone(&self.shared.environment),
            nothing: self.shared.nothing.clone(),
        };
        self.shared = Arc::new(change(shared));
        self
    }
}

impl<S: ResourceStore> Policy for ServiceProvider<S> {
    type Caller = ();
    type Session = PlainSession;

    fn kind_at(&self, endpoint: &str) -> Option<TypeIndex> {
        let named = |definition: &ResourceDefinition| {
            definition.resource_type().endpoint.trim_matches('/') == endpoint
        };
        let at = self.shared.definitions.iter().position(named);
        at.map(TypeIndex)
    }

    fn begin(&self, _caller: &(), _request: &Request<'_>) -> Result<PlainSession, Box<Answer>> {
        Ok(PlainSession {
            budget: Budget::of(&self.shared.limits),
            now: self.shared.environment.now(),
            shared: Arc::clone(&self.shared),
        })
    }

    fn cursor_key(&self) -> &dyn CursorKey {
        &*self.cursors
    }

    fn read<T>(
        &self,
        mut work: impl FnMut(&mut ViewOf<'_, Self>) -> Result<T, FailureOf<Self>>,
    ) -> Result<T, FailureOf<Self>> {
        let mut slot = None;
        let ran = self
            .store
            .read(&mut |view| Failure::carry(work(view), &mut slot));
        Failure::conclude(ran, slot)
    }

    fn write<T: Send + 'static>(
        &self,
        mut work: impl FnMut(&mut ViewOf<'_, Self>) -> Result<T, FailureOf<Self>> + Send + 'static,
    ) -> Result<T, FailureOf<Self>> {
        let mut slot = None;
        let ran = self
            .store
            .write(&mut |transaction| Failure::carry(work(transaction), &mut slot));
        Failure::conclude(ran, slot)
    }

    fn refuse(
        &self,
        _session: &PlainSession,
        _attempt: Attempt<'_, TypeIndex>,
        failure: Failure,
    ) -> Answer {
        let retry_after = match &failure {
            Failure::Store(error) => error.retry_after(),
            _ => None,
        };
        Answer {
            retry_after,
            ..Answer::from(&failure.to_error())
        }
    }
}

/// Which of a store's resource types.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TypeIndex(usize);

/// A request to a service provider over a store.
#[derive(Clone)]
pub struct PlainSession {
    shared: Arc<Shared>,
    budget: Budget,
    now: DateTime<Utc>,
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
