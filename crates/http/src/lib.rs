//! A SCIM 2.0 service provider of `scim-service` as a service of an actix-web application.
//!
//! [`ScimEndpoint`] is all that is needed for one of your own, with something that finds out who
//! speaks ([`Authenticate`]; a function of the bearer token is one):
//!
//! ```
//! use actix_web::{App, HttpServer};
//! use scim_http::ScimEndpoint;
//! use scim_protocol::ResourceDefinition;
//! use scim_service::{MemoryStore, ServiceProvider};
//!
//! let store = MemoryStore::new([ResourceDefinition::user(), ResourceDefinition::group()]);
//! let provider = ServiceProvider::new(store, "http://localhost:8080/scim/v2", b"a secret");
//! let known = |token: &str| (token == "open sesame").then_some(());
//! let endpoint = ScimEndpoint::new("/scim/v2", provider, known);
//! let server = HttpServer::new(move || App::new().service(endpoint.clone()));
//! # let _ = server; // bind(..)?.run().await
//! ```
//!
//! # The modules
//!
//! They are the wire of ServiceOps SCIM, for those who serve as much as it does: nobody else needs
//! any of them.
//!
//! | module | holds |
//! |---|---|
//! | [`edge`] | what every request passes, whatever it asks for |
//! | [`mod@endpoint`] | SCIM for a [`service::Service`] |
//! | [`expect`], [`unread`], [`listener`], [`local`] | what stands between the HTTP library and the connection |
//! | [`admission`], [`throttle`], [`deadline`] | how much is under way, how often somebody fails, how long one waits |
//! | [`readiness`], [`draining`], [`stopping`] | whether the server takes requests, and how it ends |
//! | [`metrics`], [`sampling`] | what is measured |
//! | `feed`, with the feature of this name | what changed in a directory, and streams of it |
//! | `traces`, with the feature `opentelemetry` | spans of requests, exported by OTLP |
//! | `authorities`, with either of them | whose certificates are trusted |

#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod address;
pub mod admission;
pub mod answer;
#[cfg(any(feature = "feed", feature = "opentelemetry"))]
pub mod authorities;
pub mod body;
pub mod deadline;
pub mod draining;
pub mod edge;
pub mod endpoint;
pub mod error;
pub mod expect;
#[cfg(feature = "feed")]
pub mod feed;
pub mod listener;
pub mod local;
pub mod metrics;
pub mod provider;
mod proxy;
pub mod readiness;
pub mod request;
pub mod sampling;
pub mod service;
mod spans;
pub mod status;
pub mod stopping;
pub mod throttle;
mod trace;
#[cfg(feature = "opentelemetry")]
pub mod traces;
pub mod unread;

pub use provider::{Authenticate, ScimEndpoint};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

#[cfg(test)]
mod tests;
