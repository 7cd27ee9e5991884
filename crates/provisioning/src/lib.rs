//! The SCIM service provider of ServiceOps: the rules of one provisioning configuration.
//!
//! `scim-service` carries out the operations of SCIM; this crate is the policy that it asks: what
//! the configuration can see, what collides, what `active: false` and DELETE mean, what the log
//! says. It reads and writes through the ports of [`directory`], which an adapter implements.

mod beside;
mod caller;
pub mod configuration;
mod context;
mod cycles;
pub mod directory;
pub mod event;
mod failure;
pub mod fault;
mod id;
mod job;
mod linking;
pub mod look_up;
pub mod memory;
pub mod model;
mod operation;
mod plain;
pub mod policy;
pub mod reapply;
mod received;
pub mod refusal;
mod refused;
mod rehearsal;
mod render;
pub mod replay;
mod route;
pub mod run;
pub mod seen;
mod service;
pub mod session;
mod spliced;
mod status;
pub mod testing;
mod unchanged;
pub mod words;

pub use caller::Caller;
pub use configuration::{Configuration, RehearsalStage, Rehearsing};
pub use directory::{
    Directory, DirectoryExt, DirectoryTransaction, DirectoryView, FaultSource, Scope, StoreError,
};
pub use event::{Action, Event, Outcome};
pub use failure::Failure;
pub use id::{ConfigurationId, ResourceId, ResourceKind, RunId};
pub use linking::Comparison;
pub use look_up::{LookUp, SoughtBy};
pub use policy::{ExistingUsers, Policies};
pub use refusal::{Cause, MendingPage, Stage};
pub use refused::RefusedRequest;
pub use run::RunKind;
pub use scim_service::{
    Answer, CursorKey, Environment, FixedEnvironment, Method, NoRandomNumbers, Request, Rollback,
    SystemEnvironment, effort,
};
pub use service::ServiceProvider;
