//! What a policy answers about one request of one caller.

use chrono::{DateTime, Utc};
use scim_protocol::discovery::ServiceProviderConfig;
use scim_protocol::query::Projection;
use scim_protocol::{
    Budget, Deviation, EntityTag, Error, Limits, Resource, ResourceDefinition, Tolerance, Version,
};

use super::types::{Apart, BulkStep, Chunk, Created, Update, Written};
use super::{PlacesOf, ShownOf};
use crate::cursor::CURSOR_SECONDS;
use crate::error::{Abort, Refusal};
use crate::render::Shown;
use crate::select::{Place, Selection};

/// One request of one caller: what the caller sees, and what is decided about it.
///
/// It goes along with the work of transactions, hence cheap to clone.
pub trait Session: Clone + Send + Sync + 'static {
    /// Tells resource types apart.
    type Kind: Copy + PartialEq + Send + Sync + 'static;
    /// The id of a resource.
    type Id: Clone + std::fmt::Display + Send + Sync + 'static;
    /// A resource as the store has it.
    type Stored: StoredResource<Id = Self::Id> + Send + 'static;
    /// What is to be created, as far as it is decided before the transaction.
    type Draft: Send + 'static;
    /// What is to be written by an update, if nothing changes meanwhile.
    type Plan: Send + 'static;
    /// Why an operation does not succeed.
    type Failure: Abort + From<Error> + From<Refusal> + Send + 'static;
    /// The reading side of a transaction.
    type View<'t>: ?Sized;
    /// A transaction.
    type Transaction<'t>: ?Sized;

    /// Whether a transaction can consist of parts, each of which is undone alone.
    const PARTS: bool = false;

    /// The SCIM endpoint (`https://host/scim/v2`), without a slash at its end.
    ///
    /// ```
    /// use scim_protocol::ResourceDefinition;
    /// use scim_service::{MemoryStore, Method, Policy, Request, ServiceProvider, Session};
    /// let store = MemoryStore::new([ResourceDefinition::user(), ResourceDefinition::group()]);
    /// let provider = ServiceProvider::new(store, "https://scim.example/v2", b"secret");
    /// let session = provider.begin(&(), &Request::new(Method::Get, "/Users")).unwrap();
    /// assert_eq!(session.base_url(), "https://scim.example/v2");
    /// ```
    fn base_url(&self) -> &str;

    /// The limits in force.
    fn limits(&self) -> &Limits;

    /// When the request came.
    fn now(&self) -> DateTime<Utc>;

    /// The work that the request may still cause.
    ///
    /// ```
    /// use scim_protocol::ResourceDefinition;
    /// use scim_service::{MemoryStore, Method, Policy, Request, ServiceProvider, Session};
    /// let store = MemoryStore::new([ResourceDefinition::user(), ResourceDefinition::group()]);
    /// let provider = ServiceProvider::new(store, "https://scim.example/v2", b"secret");
    /// let session = provider.begin(&(), &Request::new(Method::Get, "/Users")).unwrap();
    /// session.budget().charge(7).unwrap();
    /// assert_eq!(session.tolerance().budget().spent(), 7, "one request has one");
    /// ```
    fn budget(&self) -> &Budget;

    /// How far deviations are accepted, and the work that the request may still cause.
    fn tolerance(&self) -> Tolerance;

    /// What is seen, in a word that cursors are bound to: a cursor of one scope is none in another.
    fn scope_name(&self) -> String;

    /// The resource types that the caller may use, in the order in which they are listed.
    ///
    /// ```
    /// use scim_protocol::ResourceDefinition;
    /// use scim_service::{MemoryStore, Method, Policy, Request, ServiceProvider, Session};
    /// let store = MemoryStore::new([ResourceDefinition::user(), ResourceDefinition::group()]);
    /// let provider = ServiceProvider::new(store, "https://scim.example/v2", b"secret");
    /// let session = provider.begin(&(), &Request::new(Method::Get, "/Users")).unwrap();
    /// let names: Vec<&str> = session.kinds().into_iter().map(|kind| session.definition(kind).name()).collect();
    /// assert_eq!(names, ["User", "Group"]);
    /// ```
    fn kinds(&self) -> Vec<Self::Kind>;

    /// What a resource type looks like to the caller.
    fn definition(&self, kind: Self::Kind) -> &ResourceDefinition;

    /// What the service provider supports.
    ///
    /// ```
    /// use scim_protocol::ResourceDefinition;
    /// use scim_service::{MemoryStore, Method, Policy, Request, ServiceProvider, Session};
    /// let store = MemoryStore::new([ResourceDefinition::user(), ResourceDefinition::group()]);
    /// let provider = ServiceProvider::new(store, "https://scim.example/v2", b"secret");
    /// let session = provider.begin(&(), &Request::new(Method::Get, "/Users")).unwrap();
    /// assert!(session.config().patch.supported);
    /// ```
    fn config(&self) -> ServiceProviderConfig {
        ServiceProviderConfig::new(self.limits(), CURSOR_SECONDS)
    }

    /// Checks that the caller may use a resource type.
    ///
    /// # Errors
    /// Why not.
    fn check_kind(&self, _kind: Self::Kind) -> Result<(), Self::Failure> {
        Ok(())
    }

    /// The id that a text spells; `None` when it can be nobody's.
    fn parse_id(&self, text: &str) -> Option<Self::Id>;

    /// The multi-valued attribute that is kept apart from the resources of a type, if there is one.
    fn apart(&self, _kind: Self::Kind) -> Option<Apart> {
        None
    }

    /// The attribute by which resources of a type hold each other, which no circle may close.
    ///
    /// ```
    /// use scim_protocol::ResourceDefinition;
    /// use scim_service::{MemoryStore, Method, Policy, Request, ServiceProvider, Session};
    /// let store = MemoryStore::new([ResourceDefinition::user(), ResourceDefinition::group()]);
    /// let provider = ServiceProvider::new(store, "https://scim.example/v2", b"secret");
    /// let session = provider.begin(&(), &Request::new(Method::Get, "/Users")).unwrap();
    /// let [users, groups] = session.kinds()[..] else { panic!("two types") };
    /// assert_eq!((session.nesting(users), session.nesting(groups)), (None, Some("members")));
    /// ```
    fn nesting(&self, _kind: Self::Kind) -> Option<&'static str> {
        None
    }

    /// The session of one operation of a bulk request. However many there are, the request is one
    /// and has one budget.
    fn of_operation(&self, _step: &BulkStep<'_>) -> Self {
        self.clone()
    }

    /// The same session when the turn of an operation comes that was read before.
    fn at_its_turn(&self) -> Self {
        self.clone()
    }

    /// Runs a part of the work of a transaction, which alone is undone when it fails. Where
    /// transactions have no [`PARTS`](Self::PARTS) it is all of the work.
    ///
    /// # Errors
    /// What the part answers, or a failure of the store.
    fn part<T>(
        &self,
        transaction: &mut Self::Transaction<'_>,
        work: impl FnOnce(&mut Self::Transaction<'_>) -> Result<T, Self::Failure>,
    ) -> Result<T, Self::Failure> {
        work(transaction)
    }

    /// Whether a transaction that consists of parts may have another one, with regard to those who
    /// wait for it.
    fn has_room(&self, _transaction: &mut Self::Transaction<'_>) -> bool {
        false
    }

    /// The reading side of a transaction.
    fn view<'a, 't: 'a>(transaction: &'a mut Self::Transaction<'t>) -> &'a mut Self::View<'t>;

    /// A resource that the caller sees; `beside` asks for the values that are kept apart and loaded
    /// with it ([`Apart::Loaded`]).
    ///
    /// ```
    /// use scim_protocol::ResourceDefinition;
    /// use scim_service::{MemoryStore, Method, Policy, Request, ServiceProvider, Session};
    /// let store = MemoryStore::new([ResourceDefinition::user(), ResourceDefinition::group()]);
    /// let provider = ServiceProvider::new(store, "https://scim.example/v2", b"secret");
    /// let body = br#"{"userName": "ava"}"#;
    /// let ava = provider.answer(&Request { body, ..Request::new(Method::Post, "/Users") });
    /// let id = ava.document().unwrap()["id"].as_str().unwrap().to_owned();
    /// let session = provider.begin(&(), &Request::new(Method::Get, "/Users")).unwrap();
    /// let users = provider.kind_at("Users").unwrap();
    /// let ava = provider.read(|view| session.get(view, users, &id, false)).unwrap().unwrap();
    /// assert_eq!(ava.attributes["userName"], "ava");
    /// ```
    ///
    /// # Errors
    /// A failure of the store.
    fn get(
        &self,
        view: &mut Self::View<'_>,
        kind: Self::Kind,
        id: &Self::Id,
        beside: bool,
    ) -> Result<Option<Self::Stored>, Self::Failure>;

    /// The same resource, of which nothing is wanted but to [`render`](Self::render) it.
    ///
    /// # Errors
    /// A failure of the store.
    fn get_shown(
        &self,
        view: &mut Self::View<'_>,
        kind: Self::Kind,
        id: &Self::Id,
        beside: bool,
    ) -> Result<Option<Self::Stored>, Self::Failure> {
        self.get(view, kind, id, beside)
    }

    /// A resource that the caller sees, locked against other writers until the transaction ends.
    ///
    /// # Errors
    /// A failure of the store.
    fn lock(
        &self,
        transaction: &mut Self::Transaction<'_>,
        kind: Self::Kind,
        id: &Self::Id,
    ) -> Result<Option<Self::Stored>, Self::Failure>;

    /// A page of resources that the caller sees before they are read, so that no more of them are
    /// read at once than there is room for. `beside` says that values kept apart are answered too.
    ///
    /// ```
    /// use scim_protocol::ResourceDefinition;
    /// use scim_service::{MemoryStore, Method, Policy, Request, ServiceProvider, Session};
    /// let store = MemoryStore::new([ResourceDefinition::user(), ResourceDefinition::group()]);
    /// let provider = ServiceProvider::new(store, "https://scim.example/v2", b"secret");
    /// let body = br#"{"userName": "ava"}"#;
    /// let ava = provider.answer(&Request { body, ..Request::new(Method::Post, "/Users") });
    /// let id = ava.document().unwrap()["id"].as_str().unwrap().to_owned();
    /// let session = provider.begin(&(), &Request::new(Method::Get, "/Users")).unwrap();
    /// let users = provider.kind_at("Users").unwrap();
    /// use scim_service::{Selection, Start};
    ///
    /// let first = Selection { condition: None, sort: None, from: Start::Offset(0), count: 10 };
    /// let page = provider.read(|view| session.places(view, users, &first, false)).unwrap();
    /// assert_eq!((page.total, page.items[0].keyset.id.as_str()), (1, id.as_str()));
    /// ```
    ///
    /// # Errors
    /// A failure of the store.
    fn places(
        &self,
        view: &mut Self::View<'_>,
        kind: Self::Kind,
        selection: &Selection<Self::Id>,
        beside: bool,
    ) -> Result<PlacesOf<Self>, Self::Failure>;

    /// Some resources of a page as clients see them who ask this of them, and whether the values that
    /// are kept apart are answered too; one that went meanwhile is left out.
    ///
    /// # Errors
    /// A failure of the store.
    fn load(
        &self,
        view: &mut Self::View<'_>,
        kind: Self::Kind,
        places: Vec<Place<Self::Stored, Self::Id>>,
        asked: (&Projection, bool),
    ) -> Result<Vec<ShownOf<Self>>, Self::Failure>;

    /// Of the values of a resource that are kept apart and paged ([`Apart::Paged`]) the next `count`
    /// behind one of them, or the first.
    ///
    /// # Errors
    /// A failure of the store.
    fn values_behind(
        &self,
        _view: &mut Self::View<'_>,
        _kind: Self::Kind,
        _id: &Self::Id,
        _after: Option<Self::Id>,
        _count: usize,
    ) -> Result<Chunk<Self::Id>, Self::Failure> {
        Ok(Chunk {
            values: Vec::new(),
            next: None,
        })
    }

    /// Whether a resource has so many values that are paged ([`Apart::Paged`]) that nobody who waits
    /// for a transaction that wrote it should wait until they are written out.
    ///
    /// # Errors
    /// A failure of the store.
    fn has_many_values(
        &self,
        _view: &mut Self::View<'_>,
        _kind: Self::Kind,
        _id: &Self::Id,
    ) -> Result<bool, Self::Failure> {
        Ok(false)
    }

    /// A resource as clients see it who ask this of it, without the values that are paged.
    ///
    /// # Errors
    /// Why it cannot be read.
    fn render(
        &self,
        kind: Self::Kind,
        stored: &Self::Stored,
        asked: &Projection,
    ) -> Result<Shown, Self::Failure>;

    /// Checks what is to be created.
    ///
    /// ```
    /// use scim_protocol::ResourceDefinition;
    /// use scim_service::{MemoryStore, Method, Policy, Request, ServiceProvider, Session};
    /// let store = MemoryStore::new([ResourceDefinition::user(), ResourceDefinition::group()]);
    /// let provider = ServiceProvider::new(store, "https://scim.example/v2", b"secret");
    /// let session = provider.begin(&(), &Request::new(Method::Get, "/Users")).unwrap();
    /// let users = provider.kind_at("Users").unwrap();
    /// use scim_protocol::Resource;
    ///
    /// let nameless = session.prepare(users, Resource::default(), Vec::new());
    /// assert_eq!(nameless.unwrap_err().to_error().status(), 400, "userName is required");
    /// ```
    ///
    /// # Errors
    /// Why it cannot be.
    fn prepare(
        &self,
        kind: Self::Kind,
        resource: Resource,
        deviations: Vec<Deviation>,
    ) -> Result<Self::Draft, Self::Failure>;

    /// Creates a resource, or takes over one that is there.
    ///
    /// # Errors
    /// Why it is not created.
    fn create(
        &self,
        transaction: &mut Self::Transaction<'_>,
        draft: &Self::Draft,
    ) -> Result<Created<Self::Stored>, Self::Failure>;

    /// Computes what an update makes of a resource. It is done before the transaction that writes
    /// it, in which others may have to wait.
    ///
    /// ```
    /// use scim_protocol::ResourceDefinition;
    /// use scim_service::{MemoryStore, Method, Policy, Request, ServiceProvider, Session};
    /// let store = MemoryStore::new([ResourceDefinition::user(), ResourceDefinition::group()]);
    /// let provider = ServiceProvider::new(store, "https://scim.example/v2", b"secret");
    /// let body = br#"{"userName": "ava"}"#;
    /// let ava = provider.answer(&Request { body, ..Request::new(Method::Post, "/Users") });
    /// let id = ava.document().unwrap()["id"].as_str().unwrap().to_owned();
    /// let session = provider.begin(&(), &Request::new(Method::Get, "/Users")).unwrap();
    /// let users = provider.kind_at("Users").unwrap();
    /// use scim_protocol::Resource;
    /// use scim_service::Update;
    ///
    /// let ava = provider.read(|view| session.get(view, users, &id, false)).unwrap().unwrap();
    /// let nameless = Update::Replace(Resource::default());
    /// let refused = session.plan(users, ava, &nameless, session.tolerance());
    /// assert_eq!(refused.unwrap_err().to_error().status(), 400);
    /// ```
    ///
    /// # Errors
    /// Why it cannot be updated so.
    fn plan(
        &self,
        kind: Self::Kind,
        stored: Self::Stored,
        update: &Update,
        tolerance: Tolerance,
    ) -> Result<Self::Plan, Self::Failure>;

    /// Whether whom or what a plan is about is still to be found out among the values that are kept
    /// apart.
    fn looks(&self, _plan: &Self::Plan) -> bool {
        false
    }

    /// Finds out among the values that are kept apart what a plan is about; `inside` says that it is
    /// done in the transaction that writes, while others wait.
    ///
    /// # Errors
    /// Why it cannot be, or not while others wait.
    fn look(
        &self,
        _view: &mut Self::View<'_>,
        _plan: &mut Self::Plan,
        _inside: bool,
    ) -> Result<(), Self::Failure> {
        Ok(())
    }

    /// Whether what is stored now is what the plan was made of.
    fn is_of(&self, plan: &Self::Plan, stored: &Self::Stored) -> bool;

    /// Writes what was planned; `version` is that of the resource as it is locked. `brief` says that
    /// a client which modifies asks for nothing particular of the resource, so that the answer may
    /// be 204 where a resource is big.
    ///
    /// # Errors
    /// Why it is not updated.
    fn update(
        &self,
        transaction: &mut Self::Transaction<'_>,
        plan: &Self::Plan,
        version: Version,
        brief: bool,
    ) -> Result<Written, Self::Failure>;

    /// Deletes a resource, or releases it from what the caller sees.
    ///
    /// # Errors
    /// Why it is not deleted.
    fn delete(
        &self,
        transaction: &mut Self::Transaction<'_>,
        kind: Self::Kind,
        stored: Self::Stored,
    ) -> Result<(), Self::Failure>;
}

/// A resource as a store has it.
pub trait StoredResource {
    /// The id.
    type Id;

    /// The id.
    ///
    /// ```
    /// use chrono::DateTime;
    /// use scim_protocol::Version;
    /// use scim_service::{Stored, StoredResource};
    /// let at = DateTime::UNIX_EPOCH;
    /// let attributes = serde_json::Map::new();
    /// let stored = Stored { id: "7".into(), version: Version(3), attributes, created: at, last_modified: at };
    /// assert_eq!(StoredResource::id(&stored), "7");
    /// ```
    fn id(&self) -> &Self::Id;

    /// The version, which `If-Match` names.
    ///
    /// ```
    /// use chrono::DateTime;
    /// use scim_protocol::Version;
    /// use scim_service::{Stored, StoredResource};
    /// let at = DateTime::UNIX_EPOCH;
    /// let attributes = serde_json::Map::new();
    /// let stored = Stored { id: "7".into(), version: Version(3), attributes, created: at, last_modified: at };
    /// assert_eq!(stored.version().to_string(), "W/\"3\"");
    /// ```
    fn version(&self) -> Version;

    /// The entity tag of what is shown.
    ///
    /// ```
    /// use chrono::DateTime;
    /// use scim_protocol::Version;
    /// use scim_service::{Stored, StoredResource};
    /// let at = DateTime::UNIX_EPOCH;
    /// let attributes = serde_json::Map::new();
    /// let stored = Stored { id: "7".into(), version: Version(3), attributes, created: at, last_modified: at };
    /// assert!(stored.tag().matches("W/\"3\""));
    /// ```
    fn tag(&self) -> EntityTag {
        self.version().into()
    }
}
