//! What is written as SQL by this crate: filters, sorts and pages, and what typed statements have no
//! words for. Everything else is typed by diesel.

mod comparison;
mod condition;
pub(crate) mod each;
mod entrance;
pub(crate) mod kept;
pub(crate) mod look_up;
mod manager;
pub(crate) mod nodes;
pub(crate) mod page;
mod path;
pub(crate) mod places;
pub(crate) mod scope;
pub(crate) mod sql;
pub(crate) mod values;
pub(crate) mod walk;
pub(crate) mod writes;
