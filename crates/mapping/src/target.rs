//! What a catalogue is: the fields that records have, and kinds of values of its own.
//!
//! ServiceOps' catalogue ([`Field`](crate::Field), [`Catalog`](crate::Catalog)) is one, and what is
//! meant where a type names none. Another is a type of fields that implements [`TargetField`], and
//! something that knows what they hold, a [`FieldCatalog`].

use std::convert::Infallible;
use std::fmt::{Debug, Display};
use std::hash::Hash;

use serde::{Deserialize, Deserializer, Serializer};
use serde_json::Value;

use crate::error::ValueError;
use crate::kind::ResourceKind;
use crate::record::{FieldValue, UnknownField};
use crate::table::LookupTables;
use crate::value_kind::FieldKind;

/// A field that a rule can write, of the records of some product.
///
/// Its `Display` is its key: how it stands in the document of a mapping set.
///
/// ```
/// use std::fmt;
///
/// use scim_mapping::{
///     Event, FieldCatalog, FieldKind, FieldValue, MappingSet, ResourceKind, Rule, Source, TargetField,
/// };
/// use scim_protocol::ResourceDefinition;
///
/// /// The columns of a table of badges.
/// #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
/// enum Column {
///     Login,
///     Floor,
/// }
///
/// impl fmt::Display for Column {
///     fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
///         formatter.write_str(match self {
///             Self::Login => "login",
///             Self::Floor => "floor",
///         })
///     }
/// }
///
/// impl TargetField for Column {
///     // It has no kinds of its own.
///     type Own = std::convert::Infallible;
///     const RECORDS: &'static str = "badge";
///
///     fn from_key(key: &str) -> Option<Self> {
///         [Self::Login, Self::Floor].into_iter().find(|column| column.to_string() == key)
///     }
/// }
///
/// struct Badges;
///
/// impl FieldCatalog for Badges {
///     type Field = Column;
///
///     fn kind(&self, column: &Column, resource: ResourceKind) -> Option<FieldKind<std::convert::Infallible>> {
///         let kind = match column {
///             Column::Login => FieldKind::Text { max: 64 },
///             Column::Floor => FieldKind::Number { min: Some(0.0), max: None, integer: true },
///         };
///         (resource == ResourceKind::User).then_some(kind)
///     }
///
///     fn identity(&self, _: ResourceKind) -> Option<Column> {
///         Some(Column::Login)
///     }
/// }
///
/// let mut login = Rule::new(Source::Path("userName".to_owned()), Column::Login);
/// login.required = true;
/// let floor = Rule::new(Source::Path("addresses[type eq \"work\"].locality".to_owned()), Column::Floor);
/// let set = MappingSet::new(ResourceKind::User, vec![login, floor]);
/// let mapping = set.compile(&ResourceDefinition::user(), &Badges)?;
///
/// let user = serde_json::json!({"userName": "ava", "addresses": [{"type": "work", "locality": "3"}]});
/// let record = mapping.project(user.as_object().unwrap(), Event::Create).record;
/// assert_eq!(record[&Column::Floor], FieldValue::Integer(3));
/// # Ok::<(), scim_mapping::MappingError>(())
/// ```
pub trait TargetField: Clone + Debug + Display + Ord + Hash + Send + Sync + 'static {
    /// The kinds of values that its catalogue has beside those of every catalogue;
    /// [`Infallible`] where it has none.
    type Own: OwnKind;

    /// Whose records have the field, as messages name them (`ServiceOps`).
    const RECORDS: &'static str;

    /// The field of a key.
    fn from_key(key: &str) -> Option<Self>;

    /// The value that is the same to the records as none; no value is by default.
    ///
    /// With `Some(&FieldValue::Boolean(false))` of a flag, a record that holds `false` and one that holds
    /// nothing are the same to [`drift`](crate::CompiledMapping::drift) and
    /// [`field_changes`](crate::field_changes); ServiceOps has it for `is_vip`.
    fn unset(&self) -> Option<&'static FieldValue> {
        None
    }

    /// Whether a record is created that a value names and nobody knows, where the rule does not say
    /// ([`Rule::on_unknown`](crate::Rule::on_unknown)); yes by default. It is told by
    /// [`CompiledMapping::on_unknown`](crate::CompiledMapping::on_unknown) to whoever writes records:
    /// the engine creates none.
    fn creates_unknown(&self) -> bool {
        true
    }

    /// Whether a group may give its members a value of the field; yes by default.
    fn is_grantable(&self) -> bool {
        true
    }
}

/// The kinds of values that a catalogue has of its own, such as names of other records.
///
/// A field of one is a [`FieldKind::Reference`].
///
/// ```
/// use scim_mapping::{FieldValue, OwnKind, ValueError};
/// use serde_json::Value;
///
/// /// `CC-4130`
/// #[derive(Debug, Clone, PartialEq)]
/// struct CostCentre;
///
/// impl OwnKind for CostCentre {
///     fn convert(&self, value: &Value) -> Result<FieldValue, ValueError> {
///         let digits = value.as_str().and_then(|text| text.strip_prefix("CC-"));
///         let number = digits.and_then(|digits| digits.parse().ok());
///         number.map(FieldValue::Integer).ok_or(ValueError::Own { expected: "cost centre" })
///     }
/// }
///
/// assert_eq!(CostCentre.convert(&"CC-4130".into()), Ok(FieldValue::Integer(4130)));
/// assert_eq!(CostCentre.convert(&"4130".into()).unwrap_err().to_string(), "no cost centre");
/// ```
pub trait OwnKind: Clone + Debug + PartialEq + Send + Sync + 'static {
    /// The value of a field; a list where the source has several.
    ///
    /// # Errors
    /// Why the value does not fit, such as [`ValueError::Own`].
    fn convert(&self, value: &Value) -> Result<FieldValue, ValueError>;

    /// Whether a text is a value as it stands: [`convert`](Self::convert) gives that very text. Where
    /// it is, nothing is converted to find out whether a record differs from its resource. No by
    /// default, which is right, and slower.
    fn keeps(&self, _text: &str) -> bool {
        false
    }

    /// Whether a record has what its resource gives it, though it is written otherwise; no by
    /// default. It is asked where the two are not equal. `unknown_is_nothing` says that what nobody
    /// knows leaves the field empty ([`OnUnknown::Ignore`](crate::OnUnknown::Ignore)).
    ///
    /// ```
    /// use scim_mapping::{FieldValue, OwnKind, ValueError};
    /// use serde_json::Value;
    ///
    /// /// A room, by its name: `B07` and `b07` are one.
    /// #[derive(Debug, Clone, PartialEq)]
    /// struct Room;
    ///
    /// impl OwnKind for Room {
    ///     fn convert(&self, value: &Value) -> Result<FieldValue, ValueError> {
    ///         let name = value.as_str().ok_or(ValueError::Own { expected: "room" })?;
    ///         Ok(FieldValue::Text(name.trim().to_owned()))
    ///     }
    ///
    ///     fn keeps(&self, text: &str) -> bool {
    ///         text.trim() == text
    ///     }
    ///
    ///     fn is_same(
    ///         &self,
    ///         given: Option<&FieldValue>,
    ///         current: Option<&FieldValue>,
    ///         unknown_is_nothing: bool,
    ///     ) -> bool {
    ///         match (given, current) {
    ///             (Some(_), None) => unknown_is_nothing,
    ///             (Some(FieldValue::Text(one)), Some(FieldValue::Text(other))) => {
    ///                 one.eq_ignore_ascii_case(other)
    ///             }
    ///             _ => false,
    ///         }
    ///     }
    /// }
    ///
    /// let room = |name: &str| FieldValue::Text(name.into());
    /// assert!(Room.is_same(Some(&room("B07")), Some(&room("b07")), false));
    /// assert!(!Room.is_same(Some(&room("B07")), None, false));
    /// ```
    fn is_same(
        &self,
        _given: Option<&FieldValue>,
        _current: Option<&FieldValue>,
        _unknown_is_nothing: bool,
    ) -> bool {
        false
    }

    /// Whether a constant that does not fit is refused with its rule, and not with each resource; yes
    /// by default. No is for what is not known before it is written, such as names of records.
    fn checks_constants(&self) -> bool {
        true
    }
}

impl OwnKind for Infallible {
    fn convert(&self, _value: &Value) -> Result<FieldValue, ValueError> {
        match *self {}
    }
}

/// The fields that rules can write, and what they hold.
///
/// [`Catalog`](crate::Catalog) is that of ServiceOps; [`TargetField`] has an example of another.
pub trait FieldCatalog {
    /// Its fields.
    type Field: TargetField;

    /// What a field holds; `None` when records of the kind have no such field.
    fn kind(
        &self,
        field: &Self::Field,
        resource: ResourceKind,
    ) -> Option<FieldKind<<Self::Field as TargetField>::Own>>;

    /// The name that people see of a field.
    fn label(&self, field: &Self::Field) -> String {
        field.to_string()
    }

    /// The field by which records are told apart: a set must have a required rule for it. `None`
    /// where there is none.
    fn identity(&self, resource: ResourceKind) -> Option<Self::Field>;

    /// The tables that rules can look values up in; none by default.
    ///
    /// ```
    /// use scim_mapping::{
    ///     Catalog, Event, Field, FieldCatalog, LookupTable, LookupTables, MappingSet, ResourceKind,
    ///     TableContent,
    /// };
    /// use scim_protocol::ResourceDefinition;
    /// use serde_json::json;
    ///
    /// let centers = TableContent::read_csv("code,department\n100,Sales\n200,IT\n")?;
    /// let tables = LookupTables::from_iter([LookupTable::new("cost-centers", centers)?]);
    /// let catalog = Catalog::default().with_tables(tables);
    /// assert!(FieldCatalog::tables(&catalog).find("cost-centers").is_some());
    ///
    /// let rules = [
    ///     r#"userName -> user_name; {"required": true}"#,
    ///     r#"title > table: {"name": "cost-centers", "otherwise": "drop"} -> department"#,
    /// ];
    /// let rules: Result<Vec<_>, _> = rules.into_iter().map(str::parse).collect();
    /// let set = MappingSet::new(ResourceKind::User, rules?);
    /// let mapping = set.compile(&ResourceDefinition::user(), &catalog)?;
    /// let user = json!({"userName": "ava", "title": "200"});
    /// let record = mapping.project(user.as_object().unwrap(), Event::Create).record;
    /// assert_eq!(record[&Field::Department].as_text(), Some("IT"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    fn tables(&self) -> &LookupTables {
        LookupTables::NONE
    }
}

/// The field of a key, or the error that says whose field it is not.
pub(crate) fn field_of<F: TargetField>(key: &str) -> Result<F, UnknownField> {
    F::from_key(key).ok_or_else(|| UnknownField {
        key: key.to_owned(),
        of: F::RECORDS,
    })
}

/// Writes a field as its key.
pub(crate) fn serialize<F: TargetField, S: Serializer>(
    field: &F,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_str(field)
}

/// Reads a field by its key.
pub(crate) fn deserialize<'de, F: TargetField, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<F, D::Error> {
    let key = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
    field_of(&key).map_err(serde::de::Error::custom)
}
