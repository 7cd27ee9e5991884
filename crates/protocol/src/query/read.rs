//! From parameters and `.search` bodies to a query.

use serde_json::{Map, Value};

use super::percent::decode;
use super::{Page, Projection, Query};
use crate::error::{Error, ScimType};
use crate::filter::Filter;
use crate::limits::Limits;
use crate::number::counted;
use crate::path::{AttributePath, same_name};
use crate::tolerance::{Deviation, Tolerance};
use crate::uri;

impl Query {
    /// Reads a raw query string. Unknown parameters are ignored.
    ///
    /// ```
    /// use scim_protocol::query::Query;
    /// use scim_protocol::{Limits, ScimType, Tolerance};
    ///
    /// let refused = Query::from_query_string("count=x", &Limits::default(), &mut Tolerance::default());
    /// assert_eq!(refused.unwrap_err().scim_type(), Some(ScimType::InvalidValue));
    /// ```
    ///
    /// # Errors
    /// `invalidFilter`, `invalidPath` for a malformed attribute name, `invalidValue` for any other
    /// parameter, `sensitive` for a token in the URL.
    pub fn from_query_string(
        raw: &str,
        limits: &Limits,
        tolerance: &mut Tolerance,
    ) -> Result<Self, Error> {
        let mut parameters = Map::new();
        for pair in raw.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let name = decode(name)?;
            if same_name(&name, "access_token") {
                // RFC 6750 section 5.3: tokens in URLs end in logs.
                return Err(Error::new(
                    ScimType::Sensitive,
                    "A token cannot be sent in the URL; use the Authorization header.",
                ));
            }
            let Some(known) = PARAMETERS.iter().find(|known| same_name(known, &name)) else {
                continue;
            };
            let value = Value::String(decode(value)?);
            if parameters.insert((*known).to_owned(), value).is_some() {
                return Err(invalid(known, "stands twice in the query"));
            }
        }
        Self::read(&parameters, limits, tolerance)
    }

    /// Reads the body of a `.search` request (RFC 7644 section 3.4.3).
    ///
    /// ```
    /// use scim_protocol::query::Query;
    /// use scim_protocol::{Limits, Tolerance};
    /// use serde_json::json;
    ///
    /// let body = json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"], "count": 5});
    /// let query = Query::from_search_request(body, &Limits::default(), &mut Tolerance::default())?;
    /// assert_eq!(query.count, Some(5));
    /// # Ok::<(), scim_protocol::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`from_query_string`](Self::from_query_string); `invalidSyntax` when the body is no
    /// search request.
    pub fn from_search_request(
        body: Value,
        limits: &Limits,
        tolerance: &mut Tolerance,
    ) -> Result<Self, Error> {
        let Value::Object(body) = body else {
            return Err(Error::new(
                ScimType::InvalidSyntax,
                "The body is not a JSON object.",
            ));
        };
        let mut parameters = Map::new();
        let mut listed = false;
        for (name, value) in body {
            if same_name(&name, "schemas") {
                listed = value.as_array().is_some_and(|uris| {
                    uris.iter()
                        .filter_map(Value::as_str)
                        .any(|u| same_name(u, uri::SEARCH_REQUEST))
                });
            } else if let Some(known) = PARAMETERS.iter().find(|known| same_name(known, &name)) {
                let number = match NUMBERS.contains(known) {
                    true => counted(known, &value, tolerance)?,
                    false => None,
                };
                if !value.is_null() {
                    let value = number.map_or(value, Value::from);
                    parameters.insert((*known).to_owned(), value);
                }
            } else {
                tolerance.accept(Deviation::UnknownAttribute(name))?;
            }
        }
        if !listed {
            tolerance.accept(Deviation::SchemasMissing(uri::SEARCH_REQUEST.to_owned()))?;
        }
        Self::read(&parameters, limits, tolerance)
    }

    fn read(
        parameters: &Map<String, Value>,
        limits: &Limits,
        tolerance: &mut Tolerance,
    ) -> Result<Self, Error> {
        let text = |name: &'static str| match parameters.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.as_str())),
            Some(_) => Err(invalid(name, "is not a string")),
        };
        let mut names = |name: &'static str| paths(name, parameters.get(name), limits, tolerance);
        let projection = Projection {
            attributes: names("attributes")?,
            excluded_attributes: names("excludedAttributes")?,
        };
        if !projection.attributes.is_empty() && !projection.excluded_attributes.is_empty() {
            return Err(invalid(
                "attributes",
                "cannot stand beside excludedAttributes",
            ));
        }
        let filter = match text("filter")?.filter(|filter| !filter.is_empty()) {
            Some(filter) => Some(Filter::parse(filter, limits, tolerance)?),
            None => None,
        };
        let sort_by = match text("sortBy")?.filter(|path| !path.is_empty()) {
            Some(path) => Some(
                path.parse()
                    .map_err(|error| invalid_path("sortBy", &error))?,
            ),
            None => None,
        };
        // RFC 7644 section 3.4.2.3: ascending, unless it is said otherwise.
        let descending = match text("sortOrder")? {
            Some(order) if order.eq_ignore_ascii_case("descending") => true,
            Some(order) if order.is_empty() || order.eq_ignore_ascii_case("ascending") => false,
            Some(_) => return Err(invalid("sortOrder", "is neither ascending nor descending")),
            None => false,
        };
        let start_index = integer("startIndex", parameters.get("startIndex"))?;
        let count = integer("count", parameters.get("count")).map_err(|error| {
            // RFC 9865 section 2.1.1 has a word of its own for it.
            match parameters.contains_key("cursor") {
                true => Error::new(ScimType::InvalidCount, error.detail()),
                false => error,
            }
        })?;
        let page = match (text("cursor")?, start_index) {
            (Some(_), Some(_)) => return Err(invalid("startIndex", "cannot stand beside cursor")),
            // RFC 9865 section 2: an empty cursor asks for the first page.
            (Some(cursor), None) => Page::Cursor {
                cursor: (!cursor.is_empty()).then(|| cursor.to_owned()),
            },
            // RFC 7644 section 3.4.2.4: a value less than 1 is 1.
            (None, index) => Page::Index {
                start_index: u64::try_from(index.unwrap_or(1).max(1)).unwrap_or(1),
            },
        };
        Ok(Self {
            projection,
            filter,
            sort_by,
            descending,
            page,
            count: count.map(|count| u64::try_from(count.max(0)).unwrap_or(0)),
        })
    }
}

/// Attribute names, separated by commas or as an array.
fn paths(
    name: &'static str,
    value: Option<&Value>,
    limits: &Limits,
    tolerance: &mut Tolerance,
) -> Result<Vec<AttributePath>, Error> {
    let names: Vec<&str> = match value {
        None => return Ok(Vec::new()),
        Some(Value::String(text)) => listed(text),
        Some(Value::Array(names)) => names
            .iter()
            .map(|name| name.as_str().ok_or(()))
            .collect::<Result<_, _>>()
            .map_err(|()| invalid(name, "is not an array of strings"))?,
        Some(_) => return Err(invalid(name, "is not an array of strings")),
    };
    let names = names.into_iter().map(str::trim);
    let names: Vec<&str> = names.filter(|path| !path.is_empty()).collect();
    if names.len() > limits.attributes {
        let (limit, count) = (limits.attributes, names.len());
        return Err(Error::with_status(
            413,
            format!("\"{name}\" may name {limit} attributes, not {count}."),
        ));
    }
    let path = |text: &str| {
        let parsed = match text.split_once('[') {
            // A part of the values cannot be asked for; the filter is left out.
            Some((attribute, filtered)) => {
                let (_, behind) = filtered.rsplit_once(']').unwrap_or_default();
                tolerance.accept(Deviation::FilteredAttribute(attribute.to_owned()))?;
                format!("{attribute}{behind}").parse()
            }
            None => text.parse(),
        };
        parsed.map_err(|error| invalid_path(name, &error))
    };
    names.into_iter().map(path).collect()
}

/// The parts of a list between commas that stand in no brackets.
fn listed(text: &str) -> Vec<&str> {
    let mut depth = 0_usize;
    text.split(|c: char| {
        match c {
            '[' => depth += 1,
            ']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        c == ',' && depth == 0
    })
    .collect()
}

fn integer(name: &'static str, value: Option<&Value>) -> Result<Option<i64>, Error> {
    let number = match value {
        None => return Ok(None),
        Some(Value::Number(number)) => number.as_i64(),
        Some(Value::String(text)) if text.is_empty() => return Ok(None),
        Some(Value::String(text)) => text.trim().parse().ok(),
        Some(_) => None,
    };
    number
        .map(Some)
        .ok_or_else(|| invalid(name, "is not a whole number"))
}

fn invalid(name: &str, why: &str) -> Error {
    Error::new(ScimType::InvalidValue, format!("\"{name}\" {why}."))
}

fn invalid_path(name: &str, error: &crate::path::PathError) -> Error {
    Error::new(ScimType::InvalidPath, format!("\"{name}\": {error}."))
}

const PARAMETERS: [&str; 8] = [
    "attributes",
    "excludedAttributes",
    "filter",
    "sortBy",
    "sortOrder",
    "startIndex",
    "count",
    "cursor",
];

/// The parameters that are whole numbers.
const NUMBERS: [&str; 2] = ["startIndex", "count"];
