//! The parameters that several operations have.

use std::borrow::Cow;

use chrono::{DateTime, ParseError, Utc};
use serde::Deserialize;
use serde::de::{Deserializer, Error};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::{IntoParams, ToSchema};

/// The configuration that a path is about.
#[derive(Deserialize, IntoParams)]
pub(super) struct ConfigurationPath {
    /// The id or the name
    #[param(pattern = r"^[^\u0000-\u001f\u007f-\u009f]{1,100}$")]
    pub(super) configuration: String,
}

/// How many items a page has.
#[derive(Deserialize, ToSchema)]
#[serde(try_from = "Cow<str>")]
#[schema(minimum = 1, maximum = 1000, default = 100, value_type = i64)]
pub(super) struct Limit(pub(super) i64);

impl Default for Limit {
    fn default() -> Self {
        Self(100)
    }
}

impl TryFrom<Cow<'_, str>> for Limit {
    type Error = &'static str;

    fn try_from(text: Cow<'_, str>) -> Result<Self, Self::Error> {
        match text.parse() {
            Ok(limit @ 1..=1_000) => Ok(Self(limit)),
            _ => Err("\"limit\" is a number from 1 to 1000."),
        }
    }
}

/// The id behind which a page begins.
#[derive(Deserialize, ToSchema)]
#[serde(try_from = "String")]
#[schema(pattern = "^[0-9A-Za-z-]{1,64}$", value_type = String)]
pub(super) struct IdCursor(pub(super) String);

impl TryFrom<String> for IdCursor {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        match (1..=64).contains(&text.len()) && text.bytes().all(fits) {
            true => Ok(Self(text)),
            false => Err(NO_CURSOR),
        }
    }
}

/// The entry behind or before which a page begins.
#[derive(Deserialize, ToSchema)]
#[serde(try_from = "Cow<str>")]
#[schema(pattern = "^[0-9]{1,18}$", value_type = String)]
pub(super) struct NumberCursor(pub(super) i64);

impl TryFrom<Cow<'_, str>> for NumberCursor {
    type Error = &'static str;

    fn try_from(text: Cow<'_, str>) -> Result<Self, Self::Error> {
        text.parse().map(Self).map_err(|_number| NO_CURSOR)
    }
}

/// A page of what has ids.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct PageQuery {
    /// `next` of the page before
    #[param(inline)]
    pub(super) cursor: Option<IdCursor>,
    /// How many items a page has
    #[serde(default)]
    #[param(inline)]
    pub(super) limit: Limit,
}

/// A parameter that is one of some values, each of which has a word.
macro_rules! words {
    ($(#[$about:meta])* $name:ident($value:ty): $parameter:literal, $all:expr, $word:expr) => {
        $(#[$about])*
        struct $name($value);

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                let word = String::deserialize(from)?;
                let value = $crate::api::parameters::known_word($parameter, &$all, $word, &word);
                value.map(Self).map_err(serde::de::Error::custom)
            }
        }

        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
                $crate::api::parameters::schema_of_words(&$all.map($word))
            }
        }

        impl utoipa::ToSchema for $name {}
    };
}
pub(super) use words;

/// A parameter that is none of the words that it may be.
#[derive(Debug, thiserror::Error)]
#[error("\"{parameter}\" is one of {}.", .known.join(", "))]
pub(super) struct UnknownWord {
    parameter: &'static str,
    known: Vec<&'static str>,
}

/// What a word stands for, if it is one of those that a parameter may be.
pub(super) fn known_word<T: Copy>(
    parameter: &'static str,
    known: &[T],
    word_of: fn(T) -> &'static str,
    word: &str,
) -> Result<T, UnknownWord> {
    let mut values = known.iter().copied();
    let found = values.find(|value| word_of(*value) == word);
    found.ok_or_else(|| UnknownWord {
        parameter,
        known: known.iter().copied().map(word_of).collect(),
    })
}

/// The schema of a parameter that is one of some words.
pub(super) fn schema_of_words(known: &[&'static str]) -> RefOr<Schema> {
    let words = ObjectBuilder::new().schema_type(Type::String);
    let words = words.enum_values(Some(known.to_vec())).build();
    RefOr::T(Schema::Object(words))
}

/// The instant at which or after which.
pub(super) fn since<'de, D: Deserializer<'de>>(from: D) -> Result<Option<DateTime<Utc>>, D::Error> {
    instant(from, "since")
}

/// The instant before which.
pub(super) fn until<'de, D: Deserializer<'de>>(from: D) -> Result<Option<DateTime<Utc>>, D::Error> {
    instant(from, "until")
}

fn instant<'de, D: Deserializer<'de>>(
    from: D,
    name: &str,
) -> Result<Option<DateTime<Utc>>, D::Error> {
    let text = String::deserialize(from)?;
    text.parse().map(Some).map_err(|why: ParseError| {
        let wrong = format!("\"{name}\" is a time like 2026-11-24T10:00:00Z ({why}).");
        D::Error::custom(wrong)
    })
}

const NO_CURSOR: &str = "The cursor is none of this list.";
