//! List responses: what a query answers.

use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Value, json};

use crate::error::Error;
use crate::members::remove_member;
use crate::message::Message;
use crate::tolerance::Tolerance;
use crate::uri;

/// A list response (RFC 7644 section 3.4.2, RFC 9865 section 2), of JSON or of resources that were
/// read already.
///
/// It is read and written by serde, too, as whole messages:
///
/// ```
/// use scim_protocol::query::ListResponse;
/// use scim_protocol::user::User;
///
/// let body = r#"{"schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"],
///     "totalResults": 1, "startIndex": 1, "itemsPerPage": 1,
///     "Resources": [{"userName": "ava"}]}"#;
/// let list: ListResponse<User> = serde_json::from_str(body)?;
/// assert_eq!(list.resources[0].user_name, "ava");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct ListResponse<T = Value> {
    /// How many resources there are in all. Where pages go by cursor it may be unknown: RFC 9865
    /// section 2 lets a service provider leave it out.
    pub total_results: Option<u64>,
    /// The index of the first one, where pages go by index.
    pub start_index: Option<u64>,
    /// The resources of this page.
    pub resources: Vec<T>,
    /// The cursor of the next page, where pages go by cursor and there is one.
    pub next_cursor: Option<String>,
    /// The cursor of the page before, where the service provider goes back and there is one.
    pub previous_cursor: Option<String>,
}

impl<T> ListResponse<T> {
    /// A list that is answered whole.
    ///
    /// ```
    /// use scim_protocol::query::ListResponse;
    /// use serde_json::json;
    ///
    /// let list = ListResponse::whole(vec![json!({"id": "7"})]);
    /// assert_eq!((list.total_results, list.start_index), (Some(1), Some(1)));
    /// ```
    pub fn whole(resources: Vec<T>) -> Self {
        Self {
            total_results: Some(resources.len() as u64),
            start_index: Some(1),
            resources,
            next_cursor: None,
            previous_cursor: None,
        }
    }

    /// The same page of what `read` makes of each resource.
    ///
    /// ```
    /// use scim_protocol::query::ListResponse;
    /// use serde_json::{Value, json};
    ///
    /// let list = ListResponse::whole(vec![json!({"id": "7"})]);
    /// let ids = list.try_map(|user: Value| user["id"].as_str().map(str::to_owned).ok_or("no id"));
    /// assert_eq!(ids.unwrap().resources, ["7"]);
    /// ```
    ///
    /// # Errors
    /// The first that `read` answers.
    pub fn try_map<R, E>(self, read: impl FnMut(T) -> Result<R, E>) -> Result<ListResponse<R>, E> {
        let resources = self.resources.into_iter().map(read);
        Ok(ListResponse {
            total_results: self.total_results,
            start_index: self.start_index,
            resources: resources.collect::<Result<_, E>>()?,
            next_cursor: self.next_cursor,
            previous_cursor: self.previous_cursor,
        })
    }
}

impl ListResponse {
    /// The response body around `count` resources that are written out already, with commas between
    /// them. A page of many large resources need not be held as values, nor twice as text.
    ///
    /// ```
    /// use scim_protocol::query::ListResponse;
    /// use serde_json::Value;
    ///
    /// let page = ListResponse { total_results: Some(9), ..ListResponse::whole(Vec::new()) };
    /// let body = page.around(2, r#"{"id":"1"},{"id":"2"}"#.to_owned());
    /// let body: Value = serde_json::from_str(&body)?;
    /// assert_eq!((body["itemsPerPage"].as_u64(), body["totalResults"].as_u64()), (Some(2), Some(9)));
    /// assert_eq!(body["Resources"][1]["id"], "2");
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    pub fn around(self, count: usize, mut written: String) -> String {
        let mut body = self.to_json();
        if let Some(members) = body.as_object_mut() {
            members.insert("itemsPerPage".into(), count.into());
            remove_member(members, "Resources");
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
        let (mut message, mut tolerance) = (Message::read(body)?, Tolerance::default());
        Ok(Self {
            total_results: message.number("totalResults", &mut tolerance)?,
            start_index: message.number("startIndex", &mut tolerance)?,
            // RFC 7644 section 3.4.2: it may be missing where nothing is found.
            resources: message.values("Resources")?,
            next_cursor: message.text("nextCursor")?,
            previous_cursor: message.text("previousCursor")?,
        })
    }

    /// The response body; `Resources` is there even when it is empty.
    ///
    /// ```
    /// use scim_protocol::query::ListResponse;
    /// use serde_json::json;
    ///
    /// assert_eq!(ListResponse::whole(Vec::new()).to_json()["Resources"], json!([]));
    /// ```
    pub fn to_json(self) -> Value {
        let mut body = json!({ "schemas": [uri::LIST_RESPONSE] });
        if let Some(members) = body.as_object_mut() {
            if let Some(total) = self.total_results {
                members.insert("totalResults".into(), total.into());
            }
            members.insert("itemsPerPage".into(), self.resources.len().into());
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

impl<T: Serialize> Serialize for ListResponse<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Written<'w, T> {
            schemas: [&'static str; 1],
            #[serde(skip_serializing_if = "Option::is_none")]
            total_results: Option<u64>,
            items_per_page: usize,
            #[serde(skip_serializing_if = "Option::is_none")]
            start_index: Option<u64>,
            #[serde(skip_serializing_if = "Option::is_none")]
            next_cursor: Option<&'w str>,
            #[serde(skip_serializing_if = "Option::is_none")]
            previous_cursor: Option<&'w str>,
            #[serde(rename = "Resources")]
            resources: &'w [T],
        }
        let written = Written {
            schemas: [uri::LIST_RESPONSE],
            total_results: self.total_results,
            items_per_page: self.resources.len(),
            start_index: self.start_index,
            next_cursor: self.next_cursor.as_deref(),
            previous_cursor: self.previous_cursor.as_deref(),
            resources: &self.resources,
        };
        written.serialize(serializer)
    }
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for ListResponse<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let list = ListResponse::from_json(Value::deserialize(deserializer)?);
        let list = list.map_err(D::Error::custom)?;
        list.try_map(serde_json::from_value)
            .map_err(D::Error::custom)
    }
}
