//! Every operation of the service provider over the directory in memory, with its refusals by
//! their causes.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

mod again;
mod create;
mod discovery;
mod groups;
mod house;
mod leave;
mod members;
mod update;
