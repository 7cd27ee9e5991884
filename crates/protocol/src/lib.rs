//! SCIM 2.0 (RFC 7643, RFC 7644, RFC 9865) for service providers and provisioning clients.
//!
//! The crate holds what SCIM *is* and nothing else: no I/O, no clock, no async, no global state.
//!
//! | module | holds |
//! |---|---|
//! | [`schema`] | schemas as data, resource types, the built-in definitions |
//! | [`resource`] | schema-driven resources: reading, validation, projection |
//! | [`filter`] | the filter language: parse, display, bind to a schema, evaluate |
//! | [`patch`] | PATCH requests: read, apply, report what changed |
//! | [`query`] | query parameters, `.search` bodies, list responses |
//! | [`bulk`] | bulk requests and responses, `bulkId` references |
//! | [`discovery`] | `ServiceProviderConfig` and the documents that describe a service provider |
//! | [`user`], [`group`], [`common`] | typed resources for those who prefer structs |
//! | [`error`] | the SCIM error response |
//! | [`limits`], [`budget`] | how large a request may be, and how much work it may cause |
//! | [`number`] | numbers compared as what they are |
//! | [`tolerance`] | the closed list of deviations from the RFCs that are accepted, each named |

// What other crates say of this one is a link even where it is documented at the same time.
#![doc(html_root_url = "https://docs.rs/scim-protocol/latest")]
#![forbid(unsafe_code)]
#![deny(missing_docs)]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod alias;
pub mod budget;
#[cfg(feature = "bulk")]
#[cfg_attr(docsrs, doc(cfg(feature = "bulk")))]
pub mod bulk;
#[cfg(any(feature = "typed", feature = "discovery"))]
mod canonical;
#[cfg(feature = "typed")]
#[cfg_attr(docsrs, doc(cfg(feature = "typed")))]
pub mod common;
#[cfg(feature = "discovery")]
#[cfg_attr(docsrs, doc(cfg(feature = "discovery")))]
pub mod discovery;
pub mod error;
pub mod filter;
#[cfg(feature = "typed")]
#[cfg_attr(docsrs, doc(cfg(feature = "typed")))]
pub mod group;
pub mod limits;
mod members;
mod message;
pub mod number;
pub mod patch;
pub mod path;
pub mod query;
pub mod resource;
pub mod schema;
pub mod text;
pub mod tolerance;
pub mod uri;
#[cfg(feature = "typed")]
#[cfg_attr(docsrs, doc(cfg(feature = "typed")))]
pub mod user;
pub mod version;
mod word;

pub use budget::Budget;
pub use error::{Error, ScimType};
pub use filter::Filter;
pub use limits::Limits;
pub use path::AttributePath;
pub use resource::Resource;
pub use schema::{ResourceDefinition, Schema};
pub use tolerance::{Deviation, Profile, Tolerance};
pub use version::{ETag, EntityTag, Version};
pub use word::UnknownWord;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
