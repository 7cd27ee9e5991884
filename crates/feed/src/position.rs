//! A place in the order of changes.

/// A place in the order of all changes. Positions only grow. Those of two databases that were made
/// apart are never the same; a database that was restored goes on from its backup.
pub type Position = i64;
