//! The SCIM endpoint as an actix-web service, and the wire of the server around it.
//!
//! [`edge`] is what every request passes, whatever it asks for; [`endpoint`] serves SCIM for a
//! [`service::Service`]. [`expect`] and [`unread`] stand between the HTTP library and the
//! connection. [`ScimEndpoint`] serves any other service provider of `scim-service`. What changed in
//! a directory, and streams of it, are served with the feature `feed`.

#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod address;
pub mod admission;
pub mod answer;
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
pub mod metrics;
pub mod provider;
mod proxy;
pub mod readiness;
pub mod request;
pub mod sampling;
pub mod service;
pub mod status;
pub mod stopping;
pub mod throttle;
mod trace;
pub mod unread;

pub use provider::{Authenticate, ScimEndpoint};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

#[cfg(test)]
mod tests;
