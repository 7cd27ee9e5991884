//! A SCIM 2.0 service provider (RFC 7644) over any store, for any resource type.
//!
//! The crate knows the routes, the operations, queries with sorting and pages, cursors, Bulk, entity
//! tags and discovery. It knows no transport, no database and no clock: a [`Request`] comes in, an
//! [`Answer`] goes out.
//!
//! Most service providers are a [`ResourceStore`], of which [`ServiceProvider`] makes one:
//!
//! ```
//! use scim_protocol::ResourceDefinition;
//! use scim_service::{MemoryStore, Method, Request, ServiceProvider};
//!
//! let store = MemoryStore::new([ResourceDefinition::user(), ResourceDefinition::group()]);
//! let provider = ServiceProvider::new(store, "https://scim.example/v2", b"a secret of the server");
//!
//! let body = br#"{"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "ava"}"#;
//! let created = provider.answer(&Request { body, ..Request::new(Method::Post, "/Users") });
//! assert_eq!(created.status, 201);
//!
//! let found = provider.answer(&Request {
//!     query: "filter=userName%20eq%20%22AVA%22",
//!     ..Request::new(Method::Get, "/Users")
//! });
//! assert_eq!(found.document().unwrap()["totalResults"], 1);
//! ```
//!
//! A service provider with rules of its own, to which callers see different resources or resource
//! types, implements [`Policy`] and [`Session`] instead: every operation then asks them at the
//! points that SCIM leaves to the service provider.
//!
//! | module | holds |
//! |---|---|
//! | [`mod@answer`] | requests and answers, whatever carries them |
//! | [`route`] | which endpoint a path names |
//! | [`store`], [`memory`] | the port of a store, and one in memory |
//! | [`policy`] | what a service provider decides at each operation |
//! | [`plain`] | the service provider over a store |
//! | [`select`], [`order`] | which resources, in which order, from where |
//! | [`environment`] | the clock and randomness |
//! | [`effort`] | what a database computed for a request |
//! | [`cursor`] | page cursors |
//! | [`testing`] | the contract of stores, for a store's own tests |
//! | [`wire`], [`Authenticate`] | what every transport over HTTP needs; with the feature `http`, `HttpEndpoint` |
//! | [`error`] | why a store or an operation did not do what it was asked for |

// What other crates say of this one is a link even where it is documented at the same time.
#![doc(html_root_url = "https://docs.rs/scim-service/latest")]
#![forbid(unsafe_code)]
#![deny(missing_docs)]
#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod answer;
mod authenticate;
mod bulk;
mod create;
pub mod cursor;
mod delete;
mod discovery;
pub mod effort;
#[cfg(feature = "http")]
mod endpoint;
pub mod environment;
pub mod error;
pub mod memory;
mod operation;
pub mod order;
pub mod plain;
pub mod policy;
mod provider;
mod query;
mod read;
pub mod render;
pub mod route;
pub mod select;
pub mod splice;
pub mod store;
pub mod testing;
mod unique;
mod update;
pub mod wire;
mod written;

pub use answer::{Answer, Method, Request};
pub use authenticate::Authenticate;
pub use cursor::{CURSOR_SECONDS, CursorKey};
#[cfg(feature = "http")]
#[cfg_attr(docsrs, doc(cfg(feature = "http")))]
pub use endpoint::HttpEndpoint;
pub use environment::{Environment, FixedEnvironment, NoRandomNumbers, SystemEnvironment};
pub use error::{Abort, Failure, FaultSource, Refusal, Rollback, StoreError};
pub use memory::MemoryStore;
pub use plain::ServiceProvider;
pub use policy::{
    Apart, Attempt, BulkStep, Chunk, Created, Policy, Session, StoredResource, Update, Written,
};
pub use provider::{answer, create_resource};
pub use route::Route;
pub use select::{Keyset, Place, Selected, Selection, Sort, Start};
pub use store::{ResourceStore, ResourceTransaction, Stored};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
