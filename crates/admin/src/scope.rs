//! What an API key may be used for.

use std::fmt;

use crate::account::Role;
use crate::error::AdminError;
use crate::invalid::{InputField, Problem};

/// A part of the admin API that a key opens or does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Reading everything but tokens and keys.
    Read,
    /// Changing configurations, policies, mappings and custom fields.
    Configure,
    /// Making, showing and ending tokens and keys.
    Tokens,
    /// Daily work: pausing, people and groups, what is held, links that wait, failures.
    Operate,
}

impl Scope {
    /// Every scope, in the order in which they are shown.
    pub const ALL: [Self; 4] = [Self::Read, Self::Configure, Self::Tokens, Self::Operate];

    /// The scope as it is stored and entered.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Configure => "configure",
            Self::Tokens => "tokens",
            Self::Operate => "operate",
        }
    }

    /// The scope of this name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.as_str() == text)
    }

    fn bit(self) -> u8 {
        match self {
            Self::Read => 1,
            Self::Configure => 2,
            Self::Tokens => 4,
            Self::Operate => 8,
        }
    }
}

/// Scopes of a key; at least one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scopes(u8);

impl Scopes {
    /// What a role may at most: an auditor reads.
    pub fn of(role: Role) -> Self {
        match role {
            Role::Auditor => Self(Scope::Read.bit()),
            Role::Administrator => Self(Scope::ALL.iter().fold(0, |all, scope| all | scope.bit())),
        }
    }

    /// The scopes of these names.
    ///
    /// # Errors
    /// [`AdminError::Invalid`] for a name that is none, and for no name at all.
    pub fn parse<'a>(names: impl IntoIterator<Item = &'a str>) -> Result<Self, AdminError> {
        let mut bits = 0;
        for name in names {
            let scope = Scope::parse(name.trim()).ok_or_else(|| {
                let text = name.chars().take(64).collect();
                Problem::UnknownScope { text }.at(InputField::Scopes)
            })?;
            bits |= scope.bit();
        }
        match bits {
            0 => Err(Problem::NoScope.at(InputField::Scopes)),
            bits => Ok(Self(bits)),
        }
    }

    /// Whether a scope is among them.
    pub fn contains(self, scope: Scope) -> bool {
        self.0 & scope.bit() != 0
    }

    /// Whether all of others are among them.
    pub fn cover(self, others: Self) -> bool {
        others.0 & !self.0 == 0
    }

    /// The names, in the order in which they are shown.
    pub fn names(self) -> Vec<&'static str> {
        let own = Scope::ALL.into_iter().filter(|scope| self.contains(*scope));
        own.map(Scope::as_str).collect()
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.names().join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_are_read_as_they_are_written() {
        let all = Scopes::of(Role::Administrator);
        assert_eq!(all.to_string(), "read,configure,tokens,operate");
        let some = Scopes::parse(["operate", " read"]).unwrap();
        assert_eq!(some.to_string(), "read,operate");
        assert_eq!(Scopes::parse(some.to_string().split(',')).unwrap(), some);
        assert!(all.cover(some) && !some.cover(all) && some.cover(some));
        for wrong in [&[][..], &["write"], &["read", "Read"], &[""]] {
            assert!(Scopes::parse(wrong.iter().copied()).is_err(), "{wrong:?}");
        }
    }
}
