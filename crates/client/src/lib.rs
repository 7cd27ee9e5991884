//! A SCIM 2.0 client over any HTTP client.
//!
//! | to | use |
//! |---|---|
//! | create, read, replace, change, delete | [`Client`] |
//! | walk through all pages, by cursor or by index | [`Client::resources`], [`Client::walk`] |
//! | learn what the service provider serves | [`Client::definitions`] |
//! | use a type of your own | [`ScimResource`] |
//! | use another HTTP client than ureq | [`Transport`] |
//! | wait for a busy server, or not | [`Patience`] |
//!
//! Messages are those of [`scim_protocol`].

#![forbid(unsafe_code)]
#![deny(missing_docs)]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod client;
mod discovery;
mod error;
mod patience;
mod resource;
mod transport;
#[cfg(feature = "ureq")]
mod ureq;
mod walk;

pub use client::Client;
pub use error::{ClientError, Problem};
pub use patience::Patience;
pub use resource::ScimResource;
pub use transport::{Method, Request, Response, Transport};
#[cfg(feature = "ureq")]
#[cfg_attr(docsrs, doc(cfg(feature = "ureq")))]
pub use ureq::UreqTransport;
pub use walk::Walk;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
