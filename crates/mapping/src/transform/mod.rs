//! What happens to a value on its way. Every transform is pure and total.
//!
//! `apply` evaluates them, `language` reads and writes them as people do.

mod apply;
mod date;
mod language;
mod text;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

#[cfg(test)]
pub(crate) use self::apply::PATTERNS_COMPILED;
pub(crate) use self::apply::{CompiledTransform, Given, apply_all, compile_pattern};
pub use self::language::{TransformExample, TransformParseError};
pub(crate) use self::text::{OUTPUT_BYTES, joined, plain_text};
use crate::table::LookupTables;

/// A step between an attribute's value and a field's.
///
/// In a line it is its name, and behind a colon what it needs, as JSON; a text that reads as nothing
/// else needs no quotation marks. In a document it is its name, or an object with what it needs under
/// its name. [`EXAMPLES`](Self::EXAMPLES) has this table for programs.
///
/// | for example | a value becomes |
/// |---|---|
/// | `trim` | white space at both ends is gone |
/// | `collapseSpaces` | single spaces inside, none at the ends |
/// | `stripSpaces` | no white space at all |
/// | `lower` | lower case |
/// | `upper` | upper case |
/// | `titleCase` | every word begins in upper case |
/// | `stripDiacritics` | no accents and other marks |
/// | `prefix: "EXT-"` | a text in front |
/// | `suffix: "@corp.example"` | a text behind |
/// | `replace: {"find": "-", "with": ""}` | every occurrence replaced |
/// | `substring: {"start": 0, "length": 3}` | a part, counted from 0 |
/// | `left: 3` | so many characters from the beginning |
/// | `right: 4` | so many characters from the end |
/// | `truncate: 100` | so many characters at most |
/// | `padLeft: {"length": 6, "with": "0"}` | filled up in front |
/// | `digitsOnly` | the digits alone |
/// | `word: {"number": 0, "separators": " "}` | one word, counted from 0 |
/// | `before: "@"` | what stands before a text |
/// | `after: "\\"` | what stands behind a text |
/// | `valueMap: {"entries": {"FTE": "technician"}, "otherwise": "keep"}` | other values for known ones |
/// | `table: {"name": "cost-centers", "column": "department", "otherwise": "keep"}` | other values for known ones, from a lookup table |
/// | `ifEmpty` | no value where the text is blank |
/// | `default: "unknown"` | a value where there is none |
/// | `split: ","` | a list of the parts |
/// | `item: 1` | one value of a list, counted from 0 |
/// | `first` | the first value of a list |
/// | `last` | the last value of a list |
/// | `dedupe` | every value of a list once |
/// | `count` | how many values there are |
/// | `join: ", "` | a text of the values of a list |
/// | `toBool: ["on"]` | a boolean; these words, true, yes and 1 are true |
/// | `toInt` | a whole number |
/// | `toNumber` | a number |
/// | `jsonField: "name"` | a member of a JSON object that is sent as text |
/// | `regexExtract: {"pattern": "CN=([^,]+)", "group": 1}` | what a pattern finds |
/// | `regexReplace: {"pattern": "\\s+", "with": " "}` | what a pattern finds, replaced |
/// | `date: ["%d.%m.%Y"]` | an instant, read in one of these formats |
/// | `writeDate: {"format": "%d.%m.%Y", "zone": "Europe/Berlin"}` | a date written in a format, by the clock of a zone |
/// | `plusDays: 30` | a date so many days later |
///
/// `otherwise` is `"keep"`, `"drop"` or `{"value": ...}`. Text transforms act on every text of a list;
/// an object stays as it is.
///
/// **What cannot be read** is not nothing: where `date`, `writeDate`, `plusDays`, `toInt`, `toNumber` and
/// `jsonField` are given a text that is none of theirs, or a pattern one of more than 4 KiB, the value
/// does not fit ([`OnError`](crate::OnError)), and the field stays. A `default` behind them takes its
/// place. Blank text is nothing, and so is what `before`, `word`, `regexExtract` and their like do not
/// find. In a list one such value is enough.
///
/// ```
/// use scim_mapping::Transform;
/// use serde_json::json;
///
/// let initials: Transform = "left: 1".parse()?;
/// assert_eq!(initials, Transform::Left(1));
/// assert_eq!(initials.apply(Some(json!("Ava"))), Some(json!("A")));
/// assert_eq!(initials.apply(Some(json!(["Ava", "Stone"]))), Some(json!(["A", "S"])));
/// assert_eq!(initials.apply(None), None);
/// # Ok::<(), scim_mapping::TransformParseError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(
    feature = "openapi",
    derive(utoipa::ToSchema),
    schema(description = "A step between an attribute's value and a field's.")
)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
#[non_exhaustive]
pub enum Transform {
    /// Without white space at both ends.
    Trim,
    /// With single spaces inside, none at the ends.
    CollapseSpaces,
    /// Without any white space.
    StripSpaces,
    /// In lower case.
    Lower,
    /// In upper case.
    Upper,
    /// With every word beginning in upper case.
    TitleCase,
    /// Without accents and other marks.
    StripDiacritics,
    /// With a text in front.
    Prefix(String),
    /// With a text behind.
    Suffix(String),
    /// With every occurrence of a text replaced.
    Replace {
        /// The text.
        find: String,
        /// What takes its place.
        with: String,
    },
    /// A part, counted in characters from 0.
    Substring {
        /// Where it begins.
        start: usize,
        /// How long it is.
        length: usize,
    },
    /// So many characters from the beginning.
    Left(usize),
    /// So many characters from the end.
    Right(usize),
    /// So many characters at most.
    Truncate(usize),
    /// Filled up in front until it has so many characters.
    PadLeft {
        /// How many characters it gets.
        length: usize,
        /// With what.
        with: char,
    },
    /// The digits alone; nothing when there are none.
    DigitsOnly,
    /// One word, counted from 0; words end at any of these characters.
    Word {
        /// Which word.
        number: usize,
        /// The characters that end a word; white space without them.
        separators: String,
    },
    /// What stands before the first occurrence of a text; nothing when it does not occur.
    Before(String),
    /// What stands behind the first occurrence of a text; nothing when it does not occur.
    After(String),
    /// Other values for known ones, compared without regard to case.
    ValueMap {
        /// From what to what.
        entries: Map<String, Value>,
        /// What a value becomes that is not among them.
        otherwise: Otherwise,
    },
    /// Other values for known ones, as a lookup table of the instance has them.
    Table {
        /// The name of the table.
        name: String,
        /// The column that a value is taken from; the first one behind the keys without it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        column: Option<String>,
        /// What a value becomes that is not in it.
        otherwise: Otherwise,
    },
    /// No value where the text is blank or the list is empty.
    IfEmpty,
    /// A value where there is none.
    Default(Value),
    /// A list of the parts of a text.
    Split(String),
    /// One value of a list, counted from 0.
    Item(usize),
    /// The first value of a list.
    First,
    /// The last value of a list.
    Last,
    /// A list with every value once, compared without regard to case.
    Dedupe,
    /// How many values there are.
    Count,
    /// A text of the values of a list.
    Join(String),
    /// A boolean: these words, `true`, `yes` and `1` are true, the rest is false.
    ToBool(Vec<String>),
    /// A whole number.
    ToInt,
    /// A number.
    ToNumber,
    /// A member of a JSON object that is sent as text; nothing when it has no such member.
    JsonField(String),
    /// What a pattern finds in the text; nothing when it finds nothing.
    RegexExtract {
        /// The pattern, in the language of the crate `regex-lite`.
        pattern: String,
        /// Which group of it; 0 is all that it finds.
        #[serde(default)]
        group: usize,
    },
    /// The text with everything replaced that a pattern finds.
    RegexReplace {
        /// The pattern, in the language of the crate `regex-lite`.
        pattern: String,
        /// What takes its place; `$1` is its first group.
        with: String,
    },
    /// An instant, read in RFC 3339 or one of these formats and written in RFC 3339.
    ///
    /// A format is made of `strftime` fields (`%d-%m-%Y %H:%M`); one without an offset is of the
    /// zone, or UTC.
    Date(DateFormats),
    /// An instant or a day, written in a format of `strftime` fields.
    WriteDate {
        /// The format.
        format: String,
        /// The IANA zone in which it is written; UTC without one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        zone: Option<String>,
    },
    /// An instant or a day so many days later, or earlier.
    PlusDays(Days),
}

/// The formats in which a date is read, and the zone of those that have no offset.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "WrittenFormats", into = "WrittenFormats")]
pub struct DateFormats {
    /// The formats, made of `strftime` fields.
    pub formats: Vec<String>,
    /// An IANA zone (`Europe/Berlin`); UTC without one.
    pub zone: Option<String>,
}

/// Formats as they are written: a list, or an object with a zone.
#[derive(Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(untagged)]
enum WrittenFormats {
    List(Vec<String>),
    InZone(FormatsInZone),
}

#[derive(Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
struct FormatsInZone {
    /// The formats
    #[serde(default)]
    formats: Vec<String>,
    /// An IANA zone
    zone: String,
}

impl From<WrittenFormats> for DateFormats {
    fn from(written: WrittenFormats) -> Self {
        match written {
            WrittenFormats::List(formats) => Self {
                formats,
                zone: None,
            },
            WrittenFormats::InZone(FormatsInZone { formats, zone }) => Self {
                formats,
                zone: Some(zone),
            },
        }
    }
}

impl From<DateFormats> for WrittenFormats {
    fn from(DateFormats { formats, zone }: DateFormats) -> Self {
        match zone {
            None => Self::List(formats),
            Some(zone) => Self::InZone(FormatsInZone { formats, zone }),
        }
    }
}

#[cfg(feature = "openapi")]
crate::schema::written_as!(DateFormats, WrittenFormats);
#[cfg(feature = "openapi")]
crate::schema::written_as!(Days, WrittenDays);

/// So many days, in the calendar of a zone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "WrittenDays", into = "WrittenDays")]
pub struct Days {
    /// How many; fewer than none is earlier.
    pub days: i64,
    /// An IANA zone, whose clock shows the same time on both days; without one the offset stays.
    pub zone: Option<String>,
}

/// Days as they are written: a number, or an object with a zone.
#[derive(Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(untagged)]
enum WrittenDays {
    Number(i64),
    InZone(DaysInZone),
}

#[derive(Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
struct DaysInZone {
    /// How many
    days: i64,
    /// An IANA zone
    zone: String,
}

impl From<WrittenDays> for Days {
    fn from(written: WrittenDays) -> Self {
        match written {
            WrittenDays::Number(days) => Self { days, zone: None },
            WrittenDays::InZone(DaysInZone { days, zone }) => Self {
                days,
                zone: Some(zone),
            },
        }
    }
}

impl From<Days> for WrittenDays {
    fn from(Days { days, zone }: Days) -> Self {
        match zone {
            None => Self::Number(days),
            Some(zone) => Self::InZone(DaysInZone { days, zone }),
        }
    }
}

/// What a value becomes that is in no entry of a value map.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub enum Otherwise {
    /// It stays.
    Keep,
    /// It is dropped.
    Drop,
    /// It becomes this.
    Value(Value),
}

impl Transform {
    /// Applies the transform; `None` is no value, and stands for what the transform cannot read too,
    /// which rules tell apart.
    ///
    /// A text is cut at 16 KiB, and a list ends where its texts reach 1 MiB. A pattern that is none
    /// finds nothing. Whoever applies a transform to more than one value compiles a mapping set,
    /// which prepares patterns and value maps once; there alone tables are known.
    pub fn apply(&self, value: Option<Value>) -> Option<Value> {
        match CompiledTransform::new(self, &LookupTables::default()) {
            Ok(compiled) => compiled.follow(Ok(value)).ok().flatten(),
            Err(_) => None,
        }
    }

    /// The name of the table that it looks values up in.
    pub fn table_name(&self) -> Option<&str> {
        match self {
            Self::Table { name, .. } => Some(name),
            _ => None,
        }
    }

    /// Whether it makes another number of values of a list than came in.
    pub(crate) fn reshapes(&self) -> bool {
        matches!(
            self,
            Self::Split(_)
                | Self::Item(_)
                | Self::First
                | Self::Last
                | Self::Count
                | Self::Join(_)
                | Self::JsonField(_)
        )
    }
}
