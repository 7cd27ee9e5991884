//! The administrators' service: provisioning configurations, their authentication tokens, console
//! accounts, API keys, and people created by hand.
//!
//! The rules are here; what is stored goes through the port [`Store`]. Every change writes an
//! entry of the configuration audit in its own transaction.

pub mod account;
pub mod api_key;
mod authenticate;
pub mod configuration;
pub mod ending;
mod error;
pub mod event;
pub mod invalid;
mod jwt;
mod keyring;
pub mod mapping;
pub mod memory;
pub mod people;
pub mod policy;
pub mod requests;
mod rotation;
pub mod scope;
mod service;
pub mod session;
pub mod store;
pub mod survey;
pub mod token;

pub use authenticate::{Authenticated, AuthenticationError, Authenticator, Refusal};
pub use configuration::{
    ConfigurationInput, ConfigurationStatus, IdentityProvider, ProvisioningConfiguration,
};
pub use error::AdminError;
pub use invalid::{InputField, Invalid, InvalidInput, Problem};
pub use keyring::{KeyRing, KeyRingError};
pub use service::Sealed;
pub use service::{
    Actor, AdminService, Admitted, Attempt, IssuedApiKey, IssuedToken, Replay, VersionChoice,
};
pub use store::Store;
pub use token::{AccessToken, PlainToken};
