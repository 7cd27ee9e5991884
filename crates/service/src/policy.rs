//! What a service provider decides at each operation.
//!
//! SCIM says how a resource is created, found, changed and deleted; which resources a caller sees,
//! what a DELETE does to the record behind one, and what collides with what, it leaves to the
//! service provider. [`Policy`] is one server, [`Session`] one request of one caller; each operation
//! asks the session at the point where there is something to decide:
//!
//! | operation | outside of a transaction | in the transaction | after a rollback |
//! |---|---|---|---|
//! | GET | | [`get`](Session::get) | [`refuse`](Policy::refuse) |
//! | list, `.search` | | [`places`](Session::places), [`load`](Session::load) | |
//! | POST | [`prepare`](Session::prepare) | [`create`](Session::create) | |
//! | PUT, PATCH | [`plan`](Session::plan), [`look`](Session::look) | [`lock`](Session::lock), [`is_of`](Session::is_of), [`update`](Session::update) | |
//! | DELETE | | [`lock`](Session::lock), [`delete`](Session::delete) | |
//!
//! The transaction is a type of the policy ([`Session::Transaction`]), so that whatever else the
//! policy writes goes into the same one.

mod session;
mod types;

use serde_json::Value;

use crate::answer::{Answer, Request};
use crate::cursor::CursorKey;
use crate::render::Shown;
use crate::select::{Keyset, Place, Selected};

pub use session::{Session, StoredResource};
pub use types::{Apart, Attempt, BulkStep, Chunk, Created, Update, Written};

/// The type of resource of a policy.
pub type KindOf<P> = <<P as Policy>::Session as Session>::Kind;
/// The failure of a policy.
pub type FailureOf<P> = <<P as Policy>::Session as Session>::Failure;
/// The reading side of a policy's transactions.
pub type ViewOf<'t, P> = <<P as Policy>::Session as Session>::View<'t>;
/// The transaction of a policy.
pub type TransactionOf<'t, P> = <<P as Policy>::Session as Session>::Transaction<'t>;
/// A page of a policy's resources before they are read.
pub type PlacesOf<S> =
    Selected<Place<<S as Session>::Stored, <S as Session>::Id>, <S as Session>::Id>;
/// A resource as clients see it, and where it stands in the order of a page.
pub type ShownOf<S> = (Keyset<<S as Session>::Id>, Shown);

/// A service provider, to which [`answer`](crate::answer()) hands requests.
pub trait Policy: Send + Sync + Sized {
    /// Who speaks, as authentication found out.
    type Caller: ?Sized;
    /// One request of one caller.
    type Session: Session;

    /// The resource type at an endpoint, such as `Users`.
    ///
    /// ```
    /// use scim_protocol::ResourceDefinition;
    /// use scim_service::{MemoryStore, Method, Policy, Request, ServiceProvider, Session};
    /// let store = MemoryStore::new([ResourceDefinition::user(), ResourceDefinition::group()]);
    /// let provider = ServiceProvider::new(store, "https://scim.example/v2", b"secret");
    /// assert!(provider.kind_at("Users").is_some());
    /// assert!(provider.kind_at("Gadgets").is_none(), "a path below it is answered with 404");
    /// ```
    fn kind_at(&self, endpoint: &str) -> Option<KindOf<Self>>;

    /// Begins a request.
    ///
    /// ```
    /// use scim_protocol::ResourceDefinition;
    /// use scim_service::{MemoryStore, Method, Policy, Request, ServiceProvider, Session};
    /// let store = MemoryStore::new([ResourceDefinition::user(), ResourceDefinition::group()]);
    /// let provider = ServiceProvider::new(store, "https://scim.example/v2", b"secret");
    /// let session = provider.begin(&(), &Request::new(Method::Get, "/Users")).unwrap();
    /// assert_eq!(session.kinds().len(), 2);
    /// ```
    ///
    /// # Errors
    /// The answer, when it cannot even be begun.
    fn begin(
        &self,
        caller: &Self::Caller,
        request: &Request<'_>,
    ) -> Result<Self::Session, Box<Answer>>;

    /// The key that seals cursors.
    fn cursor_key(&self) -> &dyn CursorKey;

    /// Runs `work` on one consistent view.
    ///
    /// ```
    /// use scim_protocol::ResourceDefinition;
    /// use scim_service::{MemoryStore, Method, Policy, Request, ServiceProvider, Session};
    /// let store = MemoryStore::new([ResourceDefinition::user(), ResourceDefinition::group()]);
    /// let provider = ServiceProvider::new(store, "https://scim.example/v2", b"secret");
    /// let session = provider.begin(&(), &Request::new(Method::Get, "/Users")).unwrap();
    /// let users = provider.kind_at("Users").unwrap();
    /// let nobody = provider.read(|view| session.get(view, users, &"7".into(), false)).unwrap();
    /// assert!(nobody.is_none());
    /// ```
    ///
    /// # Errors
    /// What `work` answers, or a failure of the store.
    fn read<T>(
        &self,
        work: impl FnMut(&mut ViewOf<'_, Self>) -> Result<T, FailureOf<Self>>,
    ) -> Result<T, FailureOf<Self>>;

    /// Runs `work` in one transaction and answers after it is committed durably. An error of `work`
    /// rolls everything back; a store may run it more than once, so that it has no effects but
    /// those through the transaction.
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
    /// let gone = provider.write(move |transaction| {
    ///     let stored = session.lock(transaction, users, &id)?;
    ///     stored.map(|ava| session.delete(transaction, users, ava)).transpose()
    /// });
    /// assert!(gone.unwrap().is_some());
    /// ```
    ///
    /// # Errors
    /// What `work` answers, or a failure of the store.
    fn write<T: Send + 'static>(
        &self,
        work: impl FnMut(&mut TransactionOf<'_, Self>) -> Result<T, FailureOf<Self>> + Send + 'static,
    ) -> Result<T, FailureOf<Self>>;

    /// Runs `work` that consists of parts ([`Session::part`]), as [`write`](Self::write) does. A store
    /// that writes for one after another lets others go first.
    ///
    /// # Errors
    /// What `work` answers, or a failure of the store.
    fn write_in_parts<T: Send + 'static>(
        &self,
        work: impl FnMut(&mut TransactionOf<'_, Self>) -> Result<T, FailureOf<Self>> + Send + 'static,
    ) -> Result<T, FailureOf<Self>> {
        self.write(work)
    }

    /// Takes note of the body of a create, replace or modify, before it is looked at.
    fn note_body(&self, _session: &Self::Session, _kind: KindOf<Self>, _body: &Value) {}

    /// Takes note of where an update was computed: outside of the transaction that wrote it, or
    /// inside, when others changed the resource again and again.
    fn note_plan(&self, _inside: bool) {}

    /// Takes note of why the resource is missing in the answer to a write that was carried out.
    fn note_unshown(&self, _session: &Self::Session, _failure: &FailureOf<Self>) {}

    /// Makes the answer to a request that failed, after everything is rolled back.
    ///
    /// ```
    /// use scim_protocol::ResourceDefinition;
    /// use scim_service::{MemoryStore, Method, Policy, Request, ServiceProvider, Session};
    /// let store = MemoryStore::new([ResourceDefinition::user(), ResourceDefinition::group()]);
    /// let provider = ServiceProvider::new(store, "https://scim.example/v2", b"secret");
    /// let session = provider.begin(&(), &Request::new(Method::Get, "/Users")).unwrap();
    /// use scim_service::{Attempt, Refusal, Route};
    ///
    /// let attempt = Attempt { route: Route::Me, method: Method::Get };
    /// let answer = provider.refuse(&session, attempt, Refusal::NoSelf.into());
    /// assert_eq!(answer.status, 501);
    /// ```
    fn refuse(
        &self,
        session: &Self::Session,
        attempt: Attempt<'_, KindOf<Self>>,
        failure: FailureOf<Self>,
    ) -> Answer;
}
