//! The attribute-mapping engine: SCIM resources to ServiceOps records, and back.

pub mod record;

pub use record::{Field, FieldValue, Record};
