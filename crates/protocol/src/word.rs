//! Values that are written as one of few words.

use std::fmt;

/// A word that is none of those that are defined in its place.
///
/// ```
/// use scim_protocol::ScimType;
///
/// let error = "invalidEverything".parse::<ScimType>().unwrap_err();
/// assert!(error.to_string().starts_with("\"invalidEverything\" is no scimType"));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct UnknownWord {
    /// What was written.
    pub written: String,
    /// What it is not.
    pub expected: &'static str,
}

impl fmt::Display for UnknownWord {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { written, expected } = self;
        write!(
            formatter,
            "{} is no {expected}",
            crate::error::quote(written)
        )
    }
}

impl std::error::Error for UnknownWord {}

/// Reads, writes and lists an enum by the word that its `as_str` answers. Words are read in any case.
macro_rules! written_as_word {
    ($type:ty, $expected:literal, [$($variant:ident),+ $(,)?]) => {
        impl $type {
            /// Every one of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];
        }

        impl std::fmt::Display for $type {
            fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.pad(self.as_str())
            }
        }

        impl std::str::FromStr for $type {
            type Err = $crate::word::UnknownWord;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                let mut all = Self::ALL.iter().copied();
                all.find(|one| one.as_str().eq_ignore_ascii_case(text)).ok_or_else(|| {
                    $crate::word::UnknownWord { written: text.to_owned(), expected: $expected }
                })
            }
        }

        $crate::word::serde_as_text!($type);
    };
}

/// Reads and writes a type as text by its `Display` and `FromStr`.
macro_rules! serde_as_text {
    ($type:ty) => {
        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

/// Reads and writes a message by its `from_json` and `to_json`.
macro_rules! serde_as_message {
    ($type:ty) => {
        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                self.to_json().serialize(serializer)
            }
        }

        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let body = serde_json::Value::deserialize(deserializer)?;
                Self::from_json(body).map_err(serde::de::Error::custom)
            }
        }
    };
}

pub(crate) use {serde_as_message, serde_as_text, written_as_word};
