//! Whether a user may work.

/// Whether a user may work, in the product's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// The user may work.
    Active,
    /// The user is blocked and can be unblocked.
    Blocked,
    /// The user has left; the record is kept.
    Archived,
}

impl Status {
    /// The status as it is stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Blocked => "blocked",
            Self::Archived => "archived",
        }
    }
}
