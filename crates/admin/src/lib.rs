//! The administrators' service: provisioning configurations, their authentication tokens, console
//! accounts, API keys, and people created by hand.
//!
//! The rules are here; what is stored goes through the port [`AdminStore`], whose every write
//! appends an entry to the configuration audit in its own transaction; [`memory`] is one without a
//! database.

pub mod account;
pub mod alert;
pub mod api_key;
mod authenticate;
pub mod configuration;
mod decision;
pub mod declaration;
mod delivering;
pub mod ending;
mod error;
pub mod event;
mod hex;
mod instance;
pub mod invalid;
pub mod item;
mod jwt;
mod keyring;
mod mailing;
pub mod mapping;
pub mod memory;
mod name;
pub mod people;
pub mod policy;
pub mod pruning;
pub mod rehearsal;
pub mod requests;
mod rotation;
pub mod run;
pub mod safekeeping;
pub mod scope;
mod secret;
mod security_events;
mod service;
mod services;
pub mod session;
pub mod store;
pub mod survey;
pub mod table;
pub mod token;
pub mod upkeep;
mod watching;
pub mod why;
pub mod word;

pub use authenticate::{Authenticated, AuthenticationError, Authenticator, Refusal};
pub use configuration::{
    ConfigurationInput, ConfigurationStatus, IdentityProvider, ProvisioningConfiguration,
};
pub use delivering::{Deliverer, DeliveringError, Step};
pub use error::AdminError;
pub use invalid::{InputField, Invalid, InvalidInput, Problem};
pub use keyring::{KeyFacts, KeyRing, KeyRingError};
pub use mailing::{Letter, MailError, Mailer, Postman};
pub use security_events::RingSigner;
pub use service::Sealed;
pub use service::{
    Actor, AdminService, Admitted, Application, Attempt, ConfigurationMeasures, Deletion,
    ImportedMapping, IssuedApiKey, IssuedStream, IssuedToken, Measures, PutTable, Replay, Replayed,
    StreamInput, StreamMeasures, TableSeen, VersionChoice, WhyQuery, give_up_lost_keys,
};
pub use services::Services;
pub use store::{AdminStore, AdminStoreExt, StoreLoad};
pub use token::{AccessToken, PlainToken};
