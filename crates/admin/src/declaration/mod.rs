//! What administrators configure, as one document: exported, compared with what is there, applied.
//!
//! The document holds no secrets, and what it does not name is not its business. Things are known
//! by their names, not by ids, so that a document of one instance can be applied to another.

mod compare;
mod document;
mod export;
mod plan;
mod policies;
mod read;

pub(crate) use self::compare::compare;
pub use self::document::{
    Declaration, DeclaredConfiguration, DeclaredMappings, DeclaredStream, DeclaredTypes,
};
pub(crate) use self::export::export;
pub use self::plan::{Change, MemberChange, Plan, PlanItem, StoredPlan};
pub(crate) use self::plan::{NewStream, Step, Work};
pub use self::policies::merge_policies;
