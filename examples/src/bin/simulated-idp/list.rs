//! List responses, and the walk over all pages of them.

use scim_client::Method;
use serde_json::Value;

use crate::client::{Answer, Call, CallError, Client};

/// A list response.
#[derive(Debug)]
pub(crate) struct List {
    /// How many resources match in all.
    pub(crate) total: u64,
    /// The resources of this page.
    pub(crate) resources: Vec<Value>,
}

/// Sends a query.
///
/// # Errors
/// [`CallError`], also when the answer is not a list response.
pub(crate) fn query(client: &Client, call: &Call) -> Result<List, CallError> {
    let answer = client.call(call, &[200])?;
    understood(call, answer)
}

/// Reads all resources of an endpoint, page by page as an import does.
///
/// # Errors
/// [`CallError`], also when a page is empty although more was promised.
pub(crate) fn read_all(
    client: &Client,
    endpoint: &str,
    mut progress: impl FnMut(u64, u64),
) -> Result<Vec<Value>, CallError> {
    let mut resources: Vec<Value> = Vec::new();
    loop {
        let start = resources.len() + 1;
        let call = Call::new(
            Method::Get,
            format!("/{endpoint}?startIndex={start}&count={PAGE}"),
        );
        let page = query(client, &call)?;
        let is_empty = page.resources.is_empty();
        resources.extend(page.resources);
        let read = u64::try_from(resources.len()).unwrap_or(u64::MAX);
        progress(read, page.total);
        if read >= page.total {
            return Ok(resources);
        }
        if is_empty {
            let problem = format!("the page is empty, {read} of {} came", page.total);
            return Err(unusable(&call, 200, problem));
        }
    }
}

/// Reads an answer as a list response.
///
/// # Errors
/// [`CallError::Unusable`], when it is none.
pub(crate) fn understood(call: &Call, answer: Answer) -> Result<List, CallError> {
    let status = answer.status;
    parsed(answer.body).map_err(|problem| unusable(call, status, problem))
}

/// RFC 7644 section 3.4.2: the members of a list response.
fn parsed(mut body: Value) -> Result<List, String> {
    let schemas = body.get("schemas").and_then(Value::as_array);
    if !schemas.is_some_and(|schemas| schemas.contains(&Value::from(LIST_RESPONSE))) {
        return Err("the answer is not a list response".to_owned());
    }
    let number = |name: &str| match body.get(name) {
        None => Ok(None),
        Some(value) => value
            .as_u64()
            .map(Some)
            .ok_or_else(|| format!("{name} is {value}, not a number")),
    };
    let total = number("totalResults")?.ok_or("totalResults is missing")?;
    let per_page = number("itemsPerPage")?;
    number("startIndex")?;
    let resources = match body.get_mut("Resources").map(Value::take) {
        Some(Value::Array(resources)) => resources,
        None if total == 0 => Vec::new(),
        _ => return Err("Resources is not a list".to_owned()),
    };
    let count = u64::try_from(resources.len()).unwrap_or(u64::MAX);
    if per_page.is_some_and(|claimed| claimed != count) || count > total {
        return Err(format!(
            "{count} resources came, itemsPerPage is {per_page:?} and totalResults {total}"
        ));
    }
    Ok(List { total, resources })
}

fn unusable(call: &Call, status: u16, problem: String) -> CallError {
    CallError::Unusable {
        method: call.method.as_str(),
        path: call.path.clone(),
        status,
        problem,
    }
}

const LIST_RESPONSE: &str = "urn:ietf:params:scim:api:messages:2.0:ListResponse";
const PAGE: usize = 100;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn problem(body: Value) -> String {
        match parsed(body) {
            Ok(list) => format!("accepted {list:?}"),
            Err(problem) => problem,
        }
    }

    #[test]
    fn a_list_response_is_read() {
        let list = parsed(json!({"schemas": [LIST_RESPONSE], "totalResults": 3,
            "startIndex": 2, "itemsPerPage": 1, "Resources": [{"id": "a"}]}));
        let list = list.map(|list| (list.total, list.resources.len()));
        assert_eq!(list, Ok((3, 1)));
    }

    #[test]
    fn an_empty_list_needs_no_resources() {
        let list = parsed(json!({"schemas": [LIST_RESPONSE], "totalResults": 0}));
        assert_eq!(list.map(|list| list.resources.len()), Ok(0));
    }

    #[test]
    fn what_an_import_would_stumble_over_is_refused() {
        let base = json!({"schemas": [LIST_RESPONSE], "totalResults": 1, "Resources": [{}]});
        for (name, value, expected) in [
            ("schemas", json!([]), "not a list response"),
            ("totalResults", json!("1"), "not a number"),
            ("startIndex", json!("1"), "not a number"),
            ("itemsPerPage", json!(100), "itemsPerPage is Some(100)"),
            ("Resources", json!({}), "not a list"),
            ("totalResults", json!(0), "totalResults 0"),
        ] {
            let mut body = base.clone();
            body.as_object_mut()
                .map(|body| body.insert(name.to_owned(), value));
            let problem = problem(body);
            assert!(problem.contains(expected), "{name}: {problem}");
        }
    }
}
