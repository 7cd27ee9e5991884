//! Inputs that are small to send and would be dear to answer.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::client::{Call, Client, Failed, unique};

/// What the hostile configuration sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Input {
    /// PATCH that adds thousands of values to a user who has many.
    AddValues,
    /// PUT of the same values in reverse.
    ReverseValues,
    /// PATCH of one operation without a path and with 20,000 keys.
    ManyKeys,
    /// PATCH of 60 operations of 490 terms each.
    ManyTerms,
    /// PATCH of 100 filters over the members of a big group.
    MemberFilters,
    /// Bulk request of 1,000 creates, each of which names the next.
    BulkChain,
    /// Bulk request of creates that all name each other.
    BulkCircles,
    /// GET with a filter of 480 terms that no index serves.
    SlowFilter,
    /// Search with 60,000 attributes to return.
    ManyAttributes,
    /// GET of as many big users as a page may hold.
    BigPages,
    /// POST of a user with 40,000 addresses.
    ManyAddresses,
    /// Cheap reads, as fast as they are answered.
    Flood,
}

impl Input {
    pub(crate) const ALL: [Self; 12] = [
        Self::AddValues,
        Self::ReverseValues,
        Self::ManyKeys,
        Self::ManyTerms,
        Self::MemberFilters,
        Self::BulkChain,
        Self::BulkCircles,
        Self::SlowFilter,
        Self::ManyAttributes,
        Self::BigPages,
        Self::ManyAddresses,
        Self::Flood,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::AddValues => "PATCH add 8,000 values",
            Self::ReverseValues => "PUT 1,000 values in reverse",
            Self::ManyKeys => "PATCH one operation, 20,000 keys",
            Self::ManyTerms => "PATCH 60 operations of 490 terms",
            Self::MemberFilters => "PATCH 100 filters over members",
            Self::BulkChain => "Bulk, 1,000 creates in a chain",
            Self::BulkCircles => "Bulk, creates in dense circles",
            Self::SlowFilter => "GET filter of 480 terms",
            Self::ManyAttributes => ".search with 60,000 attributes",
            Self::BigPages => "GET pages of big users",
            Self::ManyAddresses => "POST 40,000 addresses",
            Self::Flood => "GET as fast as answered",
        }
    }

    /// The requests, to be sent in turn.
    pub(crate) fn requests(self, target: &Target) -> Vec<Call> {
        let user = format!("/Users/{}", target.user);
        match self {
            Self::AddValues => {
                let value = emails(8000, "added");
                vec![Call::patch(
                    user,
                    &json!([{ "op": "add", "path": "emails", "value": value }]),
                )]
            }
            Self::ReverseValues => [false, true]
                .into_iter()
                .map(|reverse| {
                    let mut values = emails(VALUES, "value");
                    if reverse {
                        values.reverse();
                    }
                    Call::put(
                        user.clone(),
                        &json!({ "userName": target.name, "emails": values }),
                    )
                })
                .collect(),
            Self::ManyKeys => {
                let keys = (0..20_000).map(|n| {
                    let key = format!("emails[value eq \"value{n}@corp.example\"].display");
                    (key, json!("x"))
                });
                let value = Value::Object(keys.collect());
                vec![Call::patch(
                    user,
                    &json!([{ "op": "replace", "value": value }]),
                )]
            }
            Self::ManyTerms => {
                let terms = terms("value co", 490);
                let operation = json!({
                    "op": "replace", "path": format!("emails[{terms}].display"), "value": "x",
                });
                vec![Call::patch(user, &json!(vec![operation; 60]))]
            }
            Self::MemberFilters => {
                let operation = json!({ "op": "remove", "path": "members[display co \"zzz\"]" });
                let group = format!("/Groups/{}", target.group);
                vec![Call::patch(group, &json!(vec![operation; 100]))]
            }
            Self::BulkChain => vec![bulk(1000, |n| vec![n + 1])],
            Self::BulkCircles => vec![bulk(100, |n| (0..100).filter(|m| *m != n).collect())],
            Self::SlowFilter => {
                let filter = terms("title co", 480);
                vec![Call::post(
                    "/Users/.search".to_owned(),
                    &json!({ "schemas": [SEARCH], "filter": filter }),
                )]
            }
            Self::ManyAttributes => {
                let attributes: Vec<_> = (0..60_000).map(|n| format!("attribute{n}")).collect();
                vec![Call::post(
                    "/Users/.search".to_owned(),
                    &json!({ "schemas": [SEARCH], "attributes": attributes }),
                )]
            }
            Self::BigPages => vec![Call::get("/Users?count=1000".to_owned())],
            Self::ManyAddresses => {
                let body = json!({ "userName": unique("many"), "emails": emails(40_000, "a") });
                vec![Call::post("/Users".to_owned(), &body)]
            }
            Self::Flood => vec![Call::get(user)],
        }
    }
}

/// What the hostile configuration has of its own.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Target {
    user: String,
    name: String,
    group: String,
}

impl Target {
    /// Makes users, one of them with many addresses, big ones for pages, and a group of all.
    pub(crate) fn prepare(client: &Client, users: u32) -> Result<Self, Failed> {
        let name = unique("hostile");
        let body = json!({ "userName": name, "emails": emails(VALUES, "value") });
        let user = client.create("/Users", body)?;
        let mut members = Vec::new();
        for at in 0..users {
            let body = match at % 20 {
                0 => json!({ "userName": unique("big"), "emails": emails(VALUES, "big") }),
                _ => json!({ "userName": unique("small"), "title": format!("Title {at}") }),
            };
            members.push(json!({ "value": client.create("/Users", body)? }));
        }
        let group = client.create("/Groups", json!({ "displayName": unique("hostile") }))?;
        for some in members.chunks(1000) {
            client.must(&Call::patch(
                format!("/Groups/{group}"),
                &json!([{ "op": "add", "path": "members", "value": some }]),
            ))?;
        }
        Ok(Self { user, name, group })
    }
}

fn emails(count: usize, name: &str) -> Vec<Value> {
    let one = |n| json!({ "value": format!("{name}{n}@corp.example"), "type": "other" });
    (0..count).map(one).collect()
}

fn terms(comparison: &str, count: usize) -> String {
    let terms: Vec<_> = (0..count)
        .map(|n| format!("{comparison} \"zz{n}\""))
        .collect();
    terms.join(" or ")
}

/// Creates of groups, each of which has others of the same request as members.
fn bulk(count: usize, members: impl Fn(usize) -> Vec<usize>) -> Call {
    let operation = |n: usize| {
        let named = members(n).into_iter().filter(|m| *m < count);
        let members: Vec<_> = named
            .map(|m| json!({ "value": format!("bulkId:g{m}"), "type": "Group" }))
            .collect();
        json!({
            "method": "POST", "path": "/Groups", "bulkId": format!("g{n}"),
            "data": { "displayName": unique(&format!("bulk-{n}")), "members": members },
        })
    };
    let operations: Vec<_> = (0..count).map(operation).collect();
    let schemas = ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"];
    Call::post(
        "/Bulk".to_owned(),
        &json!({ "schemas": schemas, "Operations": operations }),
    )
}

/// As many values of one attribute as are accepted.
const VALUES: usize = 1000;
const SEARCH: &str = "urn:ietf:params:scim:api:messages:2.0:SearchRequest";
