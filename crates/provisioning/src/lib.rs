//! The SCIM service provider: one SCIM operation of one provisioning configuration.
//!
//! The crate decides what an operation does: what the configuration can see, what collides, what
//! `active: false` and DELETE mean, what the log says. It reads and writes through the ports of
//! [`directory`], which an adapter implements.

pub mod configuration;
pub mod cursor;
pub mod directory;
mod discovery;
pub mod event;
pub mod fault;
mod id;
mod linking;
pub mod model;
pub mod operation;
pub mod policy;
pub mod reapply;
mod received;
pub mod refusal;
mod refused;
mod render;
pub mod replay;
mod route;
pub mod seen;
mod service;

pub use configuration::Configuration;
pub use cursor::CursorKey;
pub use directory::{
    Directory, DirectoryTransaction, DirectoryView, FaultSource, Scope, StoreError,
};
pub use event::{Action, Event, Outcome};
pub use id::{ConfigurationId, ResourceId, ResourceKind};
pub use linking::Comparison;
pub use operation::{Answer, Caller, Failure, Method, Request};
pub use policy::{ExistingUsers, Policies};
pub use refusal::{Cause, Stage};
pub use service::{RefusedRequest, ServiceProvider};
