//! No value that a client sends, and none that is stored, makes the server fail: it is kept, or
//! refused as the client's mistake.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs
)]

mod common;

use common::{Engine, House, actor};
use scim_mapping::CustomField;
use scim_protocol::schema::uri;
use scim_provisioning::{Answer, Method};
use serde_json::{Value, json};

/// Text that no database compresses: letters of every plane, the same ones for the same seed.
fn noise(bytes: usize, seed: u64) -> String {
    let mut state = seed | 1;
    let mut text = String::new();
    while text.len() < bytes {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        let scalar = u32::try_from(state % 0x1_0000).unwrap() + 0x2_0000;
        let letter = match state % 3 {
            0 => char::from_u32(scalar),
            1 => char::from_u32(0x4e00 + scalar % 0x5000),
            _ => char::from_u32(0x61 + scalar % 26),
        };
        // Noncharacters stand at the end of a plane.
        text.extend(letter.filter(|letter| u32::from(*letter) & 0xfffe != 0xfffe));
    }
    text
}

/// Where a schema has text: the names down to it, and which of them hold lists.
struct Leaf {
    schema: String,
    names: Vec<(String, bool)>,
}

fn leaves(house: &House) -> Vec<Leaf> {
    let schemas = house.get("/Schemas");
    let mut found = Vec::new();
    for schema in schemas["Resources"].as_array().unwrap() {
        let id = schema["id"].as_str().unwrap();
        walk(id, &schema["attributes"], &mut Vec::new(), &mut found);
    }
    found
}

fn walk(schema: &str, attributes: &Value, above: &mut Vec<(String, bool)>, found: &mut Vec<Leaf>) {
    for attribute in attributes.as_array().into_iter().flatten() {
        if attribute["mutability"] == "readOnly" {
            continue;
        }
        let name = attribute["name"].as_str().unwrap().to_owned();
        above.push((name, attribute["multiValued"] == true));
        match attribute["type"].as_str().unwrap() {
            "complex" => walk(schema, &attribute["subAttributes"], above, found),
            _ => found.push(Leaf {
                schema: schema.to_owned(),
                names: above.clone(),
            }),
        }
        above.pop();
    }
}

impl Leaf {
    fn is_group(&self) -> bool {
        self.schema == uri::GROUP
    }

    fn endpoint(&self) -> &'static str {
        match self.is_group() {
            true => "/Groups",
            false => "/Users",
        }
    }

    /// A value that says this at the leaf, so many times where a list is.
    fn value(&self, text: &Value, times: usize) -> Value {
        let mut value = text.clone();
        for (at, (name, many)) in self.names.iter().enumerate().rev() {
            if *many {
                value = match times {
                    1 => json!([value]),
                    _ => (0..times).map(|number| numbered(&value, number)).collect(),
                };
            }
            if at > 0 {
                value = json!({ name: value });
            }
        }
        value
    }

    fn bare(&self, name: &str) -> Value {
        match self.is_group() {
            true => json!({ "schemas": [uri::GROUP], "displayName": name }),
            false => json!({ "schemas": [uri::USER], "userName": name }),
        }
    }

    fn resource(&self, value: &Value, name: &str) -> Value {
        let core = if self.is_group() {
            uri::GROUP
        } else {
            uri::USER
        };
        let mut resource = self.bare(name);
        match self.schema == core {
            true => resource[&self.names[0].0] = value.clone(),
            false => {
                resource["schemas"] = json!([core, self.schema]);
                resource[&self.schema] = json!({ &self.names[0].0: value });
            }
        }
        resource
    }

    fn path(&self) -> String {
        let names: Vec<&str> = self.names.iter().map(|(name, _)| name.as_str()).collect();
        let core = [uri::USER, uri::GROUP].contains(&self.schema.as_str());
        let prefix = if core {
            String::new()
        } else {
            format!("{}:", self.schema)
        };
        format!("{prefix}{}", names.join("."))
    }
}

/// The same value with another text in it.
fn numbered(value: &Value, number: usize) -> Value {
    match value {
        Value::Object(members) => members
            .iter()
            .map(|(name, value)| (name.clone(), numbered(value, number)))
            .collect::<serde_json::Map<_, _>>()
            .into(),
        Value::String(text) => json!(format!("{text}{number}")),
        other => other.clone(),
    }
}

fn assert_answered(answer: &Answer, what: &str) {
    assert!(
        answer.status < 500,
        "{what}: {} {:?}",
        answer.status,
        answer.body
    );
}

fn field(house: &House, key: &str, kind: &str) {
    let kind = match kind {
        "number" => json!({ "number": {} }),
        "multiChoice" => json!({ "multiChoice": { "options": ["seven", "eight"] } }),
        plain => json!(plain),
    };
    let field = json!({ "key": key, "label": key, "type": kind });
    let field: CustomField = serde_json::from_value(field).unwrap();
    house.admin.add_custom_field(&actor(), &field).unwrap();
}

/// The caller, with the rules and fields as they are now.
fn current(house: &mut House) {
    let id = house.caller.configuration.id.to_string();
    let stored = house.admin.find_configuration(&id).unwrap();
    house.caller = common::caller(stored.to_provisioning());
}

engines::on_both_engines! {
    |engine: &Engine| House::new(engine);

    fn long_text_in_any_attribute_is_kept_or_refused(house: &House) {
        let leaves = leaves(house);
        assert!(leaves.len() > 30, "{}", leaves.len());
        for (at, leaf) in leaves.iter().enumerate() {
            let seed = u64::try_from(at).unwrap() + 1;
            let id = house.create(leaf.endpoint(), &leaf.bare(&format!("patched{at}")));
            for bytes in [2_040, 9_000, 64 * 1024] {
                let text = json!(noise(bytes, seed * 7));
                let what = format!("{} of {bytes} bytes", leaf.path());
                let value = leaf.value(&text, 1);
                let posted = leaf.resource(&value, &format!("posted{at}-{bytes}"));
                assert_answered(&house.request(Method::Post, leaf.endpoint(), &posted), &what);
                let patch = json!({
                    "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
                    "Operations": [{ "op": "add", "value": match leaf.schema.as_str() {
                        uri::USER | uri::GROUP => json!({ &leaf.names[0].0: value }),
                        schema => json!({ schema: { &leaf.names[0].0: value } }),
                    }}],
                });
                let path = format!("{}/{id}", leaf.endpoint());
                assert_answered(&house.request(Method::Patch, &path, &patch), &what);
            }
            let text = noise(3_000, seed);
            for operator in ["eq", "ne", "co", "sw", "ew", "gt", "le"] {
                let search = json!({
                    "schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"],
                    "filter": format!("{} {operator} \"{text}\"", leaf.path()),
                });
                let path = format!("{}/.search", leaf.endpoint());
                let what = format!("{} {operator}", leaf.path());
                assert_answered(&house.request(Method::Post, &path, &search), &what);
            }
        }
    }

    fn lists_of_any_length_are_kept_or_refused(house: &House) {
        let mut seen = std::collections::HashSet::new();
        for (at, leaf) in leaves(house).iter().enumerate() {
            let many = leaf.names.iter().any(|(_, many)| *many);
            if !many || !seen.insert((leaf.schema.clone(), leaf.names[0].0.clone())) {
                continue;
            }
            let value = leaf.value(&json!("a"), 40_000);
            let posted = leaf.resource(&value, &format!("posted{at}"));
            let answer = house.request(Method::Post, leaf.endpoint(), &posted);
            assert_answered(&answer, &leaf.path());
        }
    }

    fn names_of_the_longest_length_are_found_by_every_operator(house: &House) {
        // Four bytes each, and beyond what an index holds in full, however it is packed.
        let letters = |seed: u32| {
            let mut state = seed;
            std::iter::repeat_with(move || {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                char::from_u32(0x2_0000 + (state >> 16) % 0xa000).unwrap()
            })
        };
        let long: String = letters(7).take(511).collect();
        let (name, other) = (format!("{long}x"), format!("{long}y"));
        let first: String = long.chars().take(1).collect();
        let last: String = long.chars().skip(510).collect();
        let most: String = long.chars().take(400).collect();
        for (endpoint, key) in [("/Users", "userName"), ("/Groups", "displayName")] {
            let schema = if endpoint == "/Users" { uri::USER } else { uri::GROUP };
            for name in [&name, &other] {
                house.create(endpoint, &json!({ "schemas": [schema], key: name }));
            }
            let again = json!({ "schemas": [schema], key: name });
            assert_eq!(house.request(Method::Post, endpoint, &again).status, 409);
            for (filter, found) in [
                (format!("{key} eq \"{name}\""), 1),
                (format!("{key} ne \"{name}\""), 1),
                (format!("{key} sw \"{name}\""), 1),
                (format!("{key} sw \"{most}\""), 2),
                (format!("{key} sw \"{most}x\""), 0),
                (format!("{key} ew \"{last}y\""), 1),
                (format!("{key} co \"{last}x\""), 1),
                (format!("{key} co \"{name}\""), 1),
                (format!("{key} sw \"{first}\""), 2),
            ] {
                let search = json!({
                    "schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"],
                    "filter": filter,
                });
                let answer = house.request(Method::Post, &format!("{endpoint}/.search"), &search);
                let body = answer.body.unwrap();
                let shown: String = filter.chars().take(20).collect();
                assert_eq!(body["totalResults"], found, "{shown}: {body}");
            }
        }
    }

    fn a_field_that_is_made_again_with_another_type_breaks_no_filter(house: &mut House) {
        let extension = "urn:ietf:params:scim:schemas:extension:serviceops:2.0:User";
        let types = [
            "longText",
            "number",
            "dateTime",
            "boolean",
            "multiChoice",
            "longText",
        ];
        for (at, kind) in types.into_iter().enumerate() {
            field(house, "badge", kind);
            current(house);
            let value = match kind {
                "number" => json!(7),
                "boolean" => json!(true),
                "dateTime" => json!("2026-11-26T10:00:00Z"),
                "multiChoice" => json!(["seven", "eight"]),
                _ => json!("seven"),
            };
            let user = json!({
                "schemas": [uri::USER, extension],
                "userName": format!("user{at}"),
                extension: { "badge": value },
            });
            house.create("/Users", &user);
            for test in [
                "gt 5",
                "eq 7",
                "lt 1e300",
                "eq true",
                "eq \"seven\"",
                "pr",
                "co \"e\"",
            ] {
                let filter = format!("/Users?filter={extension}:badge {test}");
                assert_answered(&house.request(Method::Get, &filter, &Value::Null), &filter);
                let sorted = format!("/Users?sortBy={extension}:badge&filter=userName pr");
                assert_answered(&house.request(Method::Get, &sorted, &Value::Null), &sorted);
            }
            // Even when the values of the deleted field are still there.
            house.tamper("CREATE TABLE kept AS SELECT id, search_document FROM users");
            house.admin.delete_custom_field(&actor(), "badge").unwrap();
            house.tamper(
                "UPDATE users SET search_document = \
                 (SELECT k.search_document FROM kept k WHERE k.id = users.id)",
            );
            house.tamper("DROP TABLE kept");
        }
    }
}
