//! The service provider over a store: SCIM as it is written, with the store's rules and no others.

mod session;

use std::sync::Arc;

use scim_protocol::discovery::ServiceProviderConfig;
use scim_protocol::{Budget, Limits, Profile, ResourceDefinition};

use crate::answer::{Answer, Request};
use crate::cursor::{CursorKey, SecretKey};
use crate::environment::{Environment, SystemEnvironment};
use crate::error::{Abort, Failure};
use crate::policy::{Attempt, FailureOf, Policy, ViewOf};
use crate::provider;
use crate::store::ResourceStore;

pub use session::{Draft, PlainSession, Plan, TypeIndex};

/// A service provider over a store, to which every caller is alike.
///
/// What a request has beyond the RFCs is understood where the profile tolerates it, and is not told:
/// an attribute that no schema knows is left out of what is created (201), and a PATCH of one changes
/// nothing. Under [`Profile::Strict`] it is an error that the client sees. A service provider that is
/// to know of deviations and not to refuse them is a [`Policy`] of its own, whose
/// [`Session::prepare`](crate::Session::prepare) is given them, and whose
/// [`Session::plan`](crate::Session::plan) has the [`Tolerance`](scim_protocol::Tolerance) that
/// collects them.
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
    describe: Option<Arc<Describe>>,
    /// What a kind is that no definition has; there is none.
    nothing: ResourceDefinition,
}

/// What a service provider says of itself otherwise than by default.
type Describe = dyn Fn(&mut ServiceProviderConfig) + Send + Sync;

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
            describe: None,
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
    ///
    /// ```
    /// use scim_protocol::{Profile, ResourceDefinition};
    /// use scim_service::{MemoryStore, Method, Request, ServiceProvider};
    ///
    /// let store = MemoryStore::new([ResourceDefinition::user()]);
    /// let provider = ServiceProvider::new(store, "https://scim.example/v2", b"secret");
    /// let strict = provider.with_profile(Profile::Strict);
    /// // RFC 7643 section 3: `schemas` is missing.
    /// let body = br#"{"userName": "ava"}"#;
    /// assert_eq!(strict.answer(&Request { body, ..Request::new(Method::Post, "/Users") }).status, 400);
    /// ```
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

    /// The same, which says something else of itself at `/ServiceProviderConfig`: how its clients
    /// authenticate, where its documentation is. `describe` changes what is said by default, of the
    /// limits in force; it changes nothing of what is done.
    ///
    /// ```
    /// use scim_protocol::ResourceDefinition;
    /// use scim_protocol::discovery::AuthenticationScheme;
    /// use scim_service::{MemoryStore, Method, Request, ServiceProvider};
    ///
    /// let store = MemoryStore::new([ResourceDefinition::user()]);
    /// let provider = ServiceProvider::new(store, "https://scim.example/v2", b"secret").with_config(|config| {
    ///     config.documentation_uri = Some("https://scim.example/help".to_owned());
    ///     config.authentication_schemes =
    ///         vec![AuthenticationScheme::new("httpbasic", "Basic", "A name and a password.")];
    /// });
    /// let config = provider.answer(&Request::new(Method::Get, "/ServiceProviderConfig"));
    /// assert_eq!(config.document().unwrap()["authenticationSchemes"][0]["name"], "Basic");
    /// ```
    #[must_use]
    pub fn with_config(
        self,
        describe: impl Fn(&mut ServiceProviderConfig) + Send + Sync + 'static,
    ) -> Self {
        let describe: Option<Arc<Describe>> = Some(Arc::new(describe));
        self.with(|shared| Shared { describe, ..shared })
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
    ///
    /// ```
    /// use scim_protocol::ResourceDefinition;
    /// use scim_service::{MemoryStore, ServiceProvider};
    /// let store = MemoryStore::new([ResourceDefinition::user(), ResourceDefinition::group()]);
    /// let provider = ServiceProvider::new(store, "https://scim.example/v2", b"secret");
    /// assert_eq!(provider.limits(), &scim_protocol::Limits::default());
    /// ```
    pub fn limits(&self) -> &Limits {
        &self.shared.limits
    }

    /// The store.
    ///
    /// ```
    /// use scim_protocol::ResourceDefinition;
    /// use scim_service::{MemoryStore, ResourceStore, ServiceProvider};
    /// let store = MemoryStore::new([ResourceDefinition::user(), ResourceDefinition::group()]);
    /// let provider = ServiceProvider::new(store, "https://scim.example/v2", b"secret");
    /// assert_eq!(provider.store().definitions().len(), 2);
    /// ```
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
            describe: self.shared.describe.clone(),
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
