//! Queries: parameters of a GET, bodies of `.search`, list responses (RFC 7644 section 3.4.2,
//! RFC 9865).

use serde_json::{Map, Value, json};

use crate::error::{Error, ScimType, quote};
use crate::filter::Filter;
use crate::limits::Limits;
use crate::path::{AttributePath, same_name};
use crate::schema::uri;
use crate::tolerance::{Deviation, Tolerance};

/// Which attributes an answer holds (RFC 7644 section 3.9).
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Projection {
    /// Nothing but these, and what is always returned.
    pub attributes: Vec<AttributePath>,
    /// All but these.
    pub excluded_attributes: Vec<AttributePath>,
}

impl Projection {
    /// Whether the request asked for no part in particular.
    pub fn is_empty(&self) -> bool {
        self.attributes.is_empty() && self.excluded_attributes.is_empty()
    }
}

/// How results are cut into pages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Page {
    /// From an index on (RFC 7644 section 3.4.2.4).
    Index {
        /// The index of the first result, from 1.
        start_index: u64,
    },
    /// From a cursor on (RFC 9865).
    Cursor {
        /// The cursor; `None` for the first page.
        cursor: Option<String>,
    },
}

/// A query.
///
/// ```
/// use scim_protocol::{Limits, Tolerance, query::{Page, Query}};
///
/// let (limits, mut tolerance) = (Limits::default(), Tolerance::default());
/// let query = Query::from_query_string(
///     "filter=userName%20eq%20%22ava%22&startIndex=0&count=5000",
///     &limits,
///     &mut tolerance,
/// )?;
/// assert_eq!(query.filter.as_ref().map(ToString::to_string).as_deref(), Some("userName eq \"ava\""));
/// assert_eq!(query.page, Page::Index { start_index: 1 });
/// assert_eq!(query.page_size(&limits)?, 1000);
/// # Ok::<(), scim_protocol::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Query {
    /// Which attributes the answer holds.
    pub projection: Projection,
    /// Which resources.
    pub filter: Option<Filter>,
    /// By which attribute they are sorted.
    pub sort_by: Option<AttributePath>,
    /// Whether in descending order.
    pub descending: bool,
    /// From where on.
    pub page: Page,
    /// How many results the client asked for; negative is 0.
    pub count: Option<u64>,
}

impl Query {
    /// Reads a raw query string. Unknown parameters are ignored.
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
                if !value.is_null() {
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

    /// How many results a page holds.
    ///
    /// # Errors
    /// `invalidCount` for a cursor page larger than [`Limits::page_max`] (RFC 9865 section 2.1);
    /// an index page is cut to the limit instead (RFC 7644 section 3.4.2.4).
    pub fn page_size(&self, limits: &Limits) -> Result<usize, Error> {
        let Some(count) = self.count else {
            return Ok(limits.page_default);
        };
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        if count > limits.page_max && matches!(self.page, Page::Cursor { .. }) {
            return Err(Error::new(
                ScimType::InvalidCount,
                format!("A page may hold {} results, not {count}.", limits.page_max),
            ));
        }
        Ok(count.min(limits.page_max))
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

/// A list response (RFC 7644 section 3.4.2, RFC 9865 section 2).
#[derive(Debug, Clone, PartialEq)]
pub struct ListResponse {
    /// How many resources there are in all; with cursors it may be unknown.
    pub total_results: Option<u64>,
    /// The index of the first one, where pages go by index.
    pub start_index: Option<u64>,
    /// The resources of this page.
    pub resources: Vec<Value>,
    /// The cursor of the next page, where pages go by cursor and there is one.
    pub next_cursor: Option<String>,
    /// The cursor of the page before, where the service provider goes back and there is one.
    pub previous_cursor: Option<String>,
}

impl ListResponse {
    /// A list that is answered whole.
    pub fn whole(resources: Vec<Value>) -> Self {
        Self {
            total_results: Some(resources.len() as u64),
            start_index: Some(1),
            resources,
            next_cursor: None,
            previous_cursor: None,
        }
    }

    /// The response body around `count` resources that are written out already, with commas between
    /// them. A page of many large resources need not be held as values, nor twice as text.
    pub fn around(self, count: usize, mut written: String) -> String {
        let mut body = self.to_json();
        if let Some(members) = body.as_object_mut() {
            members.insert("itemsPerPage".into(), count.into());
            members.shift_remove("Resources");
        }
        let mut text = body.to_string();
        text.pop();
        text.push_str(",\"Resources\":[");
        written.reserve_exact(text.len() + 2);
        written.insert_str(0, &text);
        written.push_str("]}");
        written
    }

    /// Reads the body of a response, as a client does. `Resources` may be missing where there are
    /// none, and `totalResults` where pages go by cursor.
    ///
    /// ```
    /// use scim_protocol::query::ListResponse;
    /// use serde_json::json;
    ///
    /// let body = json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"],
    ///     "itemsPerPage": 1, "nextCursor": "b", "previousCursor": "a", "Resources": [{"id": "7"}]});
    /// let list = ListResponse::from_json(body.clone())?;
    /// assert_eq!((list.total_results, list.previous_cursor.as_deref()), (None, Some("a")));
    /// assert_eq!(list.to_json(), body);
    /// # Ok::<(), scim_protocol::Error>(())
    /// ```
    ///
    /// # Errors
    /// `invalidSyntax` when it is no list response.
    pub fn from_json(body: Value) -> Result<Self, Error> {
        let wrong = |what: &str| Error::new(ScimType::InvalidSyntax, format!("{what}."));
        let Value::Object(body) = body else {
            return Err(wrong("The body is not a JSON object"));
        };
        let mut members = Map::new();
        for (name, value) in body {
            let known = RESPONSE.iter().find(|known| same_name(known, &name));
            if let Some(known) = known.filter(|_| !value.is_null()) {
                members.insert((*known).to_owned(), value);
            }
        }
        let mut number = |name: &str| match members.shift_remove(name) {
            None => Ok(None),
            Some(value) => match value.as_u64() {
                Some(number) => Ok(Some(number)),
                None => Err(wrong(&format!("\"{name}\" is not a whole number"))),
            },
        };
        let (total_results, start_index) = (number("totalResults")?, number("startIndex")?);
        let mut text = |name: &str| match members.shift_remove(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(wrong(&format!("\"{name}\" is not a string"))),
        };
        let (next_cursor, previous_cursor) = (text("nextCursor")?, text("previousCursor")?);
        let resources = match members.shift_remove("Resources") {
            None => Vec::new(),
            Some(Value::Array(resources)) => resources,
            Some(_) => return Err(wrong("\"Resources\" is not an array")),
        };
        Ok(Self {
            total_results,
            start_index,
            resources,
            next_cursor,
            previous_cursor,
        })
    }

    /// The response body; `Resources` is there even when it is empty.
    pub fn to_json(self) -> Value {
        let mut body = json!({
            "schemas": [uri::LIST_RESPONSE],
            "totalResults": self.total_results,
            "itemsPerPage": self.resources.len(),
        });
        if let Some(members) = body.as_object_mut() {
            if self.total_results.is_none() {
                members.shift_remove("totalResults");
            }
            if let Some(index) = self.start_index {
                members.insert("startIndex".into(), index.into());
            }
            if let Some(cursor) = self.next_cursor {
                members.insert("nextCursor".into(), cursor.into());
            }
            if let Some(cursor) = self.previous_cursor {
                members.insert("previousCursor".into(), cursor.into());
            }
            members.insert("Resources".into(), Value::Array(self.resources));
        }
        body
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

/// Percent-decoding. Form data write a blank as a plus sign; who writes it as `%20` does not, and
/// means the sign.
fn decode(text: &str) -> Result<String, Error> {
    let plus = if text.contains("%20") { b'+' } else { b' ' };
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => plus,
            b'%' => {
                let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
                match (digit(rest.next()), digit(rest.next())) {
                    (Some(high), Some(low)) => u8::try_from(high * 16 + low).unwrap_or_default(),
                    _ => return Err(undecodable(text)),
                }
            }
            other => other,
        });
    }
    String::from_utf8(bytes).map_err(|_utf8| undecodable(text))
}

fn undecodable(text: &str) -> Error {
    Error::new(
        ScimType::InvalidValue,
        format!("{} is not percent-encoded UTF-8.", quote(text)),
    )
}

fn invalid(name: &str, why: &str) -> Error {
    Error::new(ScimType::InvalidValue, format!("\"{name}\" {why}."))
}

fn invalid_path(name: &str, error: &crate::path::PathError) -> Error {
    Error::new(ScimType::InvalidPath, format!("\"{name}\": {error}."))
}

/// The members of a list response.
const RESPONSE: [&str; 5] = [
    "totalResults",
    "startIndex",
    "nextCursor",
    "previousCursor",
    "Resources",
];

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

#[cfg(test)]
mod tests;
