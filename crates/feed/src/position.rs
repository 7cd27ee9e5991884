//! A place in the order of changes.

/// A place in the order of all changes. Positions only grow, and those of two databases, or of one
/// before and after it was restored, are never the same.
pub type Position = i64;
