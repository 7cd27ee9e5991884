//! The attribute-mapping engine: SCIM resources to the records of a product, and back.
//!
//! Two vocabularies meet here and never mix: SCIM has *resources* with *attributes*, the product has
//! *records* with *fields*. A [`MappingSet`] holds the rules between them; compiled against the
//! schemas of a resource type, it projects a resource to a record with a [`Verdict`] per rule, and
//! emits a resource that shows where the record was changed by hand. The engine is pure: no I/O,
//! no clock, and no input makes it fail but by a verdict.
//!
//! ```
//! use scim_mapping::{Catalog, Event, Field, FieldValue, MappingSet};
//! use scim_protocol::ResourceDefinition;
//! use serde_json::json;
//!
//! let mapping = MappingSet::default_user().compile(&ResourceDefinition::user(), &Catalog::default())?;
//! let resource = json!({
//!     "userName": "ava@corp.example",
//!     "name": {"givenName": "Ava", "familyName": "Stone"},
//!     "emails": [{"value": "home@x.example"}, {"value": "Ava@CORP.example", "type": "work"}],
//!     "active": false
//! });
//! let projection = mapping.project(resource.as_object().unwrap(), Event::Create);
//! assert!(projection.rejection().is_none());
//! let field = |field| projection.record.get(&field).and_then(FieldValue::as_text);
//! assert_eq!(field(Field::UserName), Some("ava@corp.example"));
//! assert_eq!(field(Field::Email), Some("ava@corp.example"));
//! assert_eq!(field(Field::Status), Some("blocked"));
//! # Ok::<(), scim_mapping::MappingError>(())
//! ```
//!
//! Which fields there are is said by a catalogue. [`Field`] and [`Catalog`] are that of ServiceOps,
//! which is meant where none is named; [`TargetField`] shows how another is made.

#![forbid(unsafe_code)]
#![deny(missing_docs)]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod arrange;
mod catalog;
mod check;
mod compile;
mod condition;
mod convert;
mod defaults;
mod difference;
mod emit;
mod error;
mod group;
mod import;
mod kind;
mod notation;
mod path;
mod preview;
mod project;
pub mod record;
mod roles;
mod rule;
#[cfg(feature = "openapi")]
mod schema;
mod serviceops;
mod source;
mod table;
mod target;
mod transform;
mod trial;
mod value_kind;
mod write;

pub use catalog::{Catalog, CustomField, EXTENSION};
pub use compile::CompiledMapping;
pub use difference::{RuleChange, RuleDifference};
pub use error::{
    DocumentPlace, FieldError, FieldErrorKind, FieldPart, MappingError, RoleProblem, RuleError,
    RuleErrorKind, RuleList, RuleName, RulePart, SourcePathError, ValueError,
};
pub use group::{CompiledGroupRule, Grants, GroupKind, GroupLink, GroupMatch, GroupRule};
pub use import::{Import, ImportError, ImportFormat, WithoutEqual};
pub use kind::ResourceKind;
pub use notation::RuleParseError;
pub use preview::{FieldChange, Preview, RulePreview, Step, field_changes};
pub use project::{Event, FieldChoice, Projection, SkipReason, Verdict, VerdictStatus};
pub use record::{Field, FieldValue, Record, UnknownField};
pub use roles::{Role, Roles};
pub use rule::{
    Apply, Direction, JoinPart, MappingSet, MappingTest, OnAbsent, OnError, OnUnknown, Rule, Source,
};
pub use table::{LookupTable, LookupTables, TableContent, TableError, is_table_name};
pub use target::{FieldCatalog, OwnKind, TargetField};
pub use transform::{
    DateFormats, Days, Otherwise, Transform, TransformExample, TransformParseError,
};
pub use trial::{TestDifference, TestOutcome};
pub use value_kind::{FieldKind, ReferenceKind};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

#[cfg(test)]
mod tests;
