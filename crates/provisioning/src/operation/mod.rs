//! What the rules of ServiceOps make of each SCIM operation.

pub(crate) mod collision;
pub(crate) mod create;
pub(crate) mod delete;
pub(crate) mod departure;
pub(crate) mod group;
pub(crate) mod members;
pub(crate) mod plan;
pub(crate) mod reference;
pub(crate) mod roster;
pub(crate) mod update;
pub(crate) mod user;
