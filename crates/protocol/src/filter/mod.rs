//! The filter language (RFC 7644 section 3.4.2.2).
//!
//! A filter lives in two forms. [`Filter`] is what was written: attribute paths as text and
//! comparison values as JSON. [`Condition`] is a filter bound to a
//! [`ResourceDefinition`](crate::schema::ResourceDefinition): every attribute
//! resolved, every value of the attribute's type and folded as the attribute compares. Evaluation
//! and translation to a query language start from the condition, so they cannot disagree about
//! what a filter means.

mod bind;
pub mod condition;
mod display;
mod error;
mod evaluate;
mod expression;
pub mod index;
mod lexer;
mod parser;

pub(crate) use bind::parse_instant;
pub use condition::{Condition, SortKey, Target, Test, TextForm};
pub use error::{FilterError, FilterErrorKind};
pub use expression::{Comparand, Filter, Operator};
pub(crate) use lexer::{Parsed, TokenKind};
pub(crate) use parser::Parser;
