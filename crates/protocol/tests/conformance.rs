//! What the RFCs demand of this crate, section by section. `docs/conformance.md` lists every demand
//! with the test that holds it.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing)]

use scim_protocol::bulk::{BulkEntry, BulkRequest, BulkResult, References, resolve, response};
use scim_protocol::discovery::{Catalog, ServiceProviderConfig};
use scim_protocol::patch::PatchRequest;
use scim_protocol::query::{ListResponse, Page, Projection, Query};
use scim_protocol::resource::project;
use scim_protocol::schema::{Attribute, AttributeType, Mutability, Returned, Schema, uri};
use scim_protocol::{
    ETag, Error, Filter, Limits, Profile, Resource, ResourceDefinition, ScimType, Tolerance,
};
use serde_json::{Value, json};

/// Users with an extension that has one attribute of every type.
fn users() -> ResourceDefinition {
    let badge = Schema::new(BADGE, "Badge").with([
        Attribute::new("number", AttributeType::Integer),
        Attribute::new("weight", AttributeType::Decimal),
        Attribute::new("since", AttributeType::DateTime),
        Attribute::new("picture", AttributeType::Binary),
        Attribute::new("serial", AttributeType::String)
            .exact()
            .mutable(Mutability::Immutable),
        Attribute::new("key", AttributeType::String).returned(Returned::Never),
    ]);
    ResourceDefinition::user().extended(badge, false)
}

const BADGE: &str = "urn:example:2.0:Badge";

fn strict() -> Tolerance {
    Tolerance::new(Profile::Strict)
}

fn body(attributes: Value) -> Value {
    let mut body = json!({"schemas": [uri::USER, uri::ENTERPRISE_USER, BADGE], "userName": "ava"});
    let members = body.as_object_mut().unwrap();
    members.extend(attributes.as_object().unwrap().clone());
    body
}

fn read(attributes: Value) -> Result<Resource, Error> {
    Resource::read(&users(), body(attributes), &mut strict())
}

/// A user as it is stored.
fn stored(attributes: Value) -> Resource {
    let mut resource = Resource::from_map(body(attributes).as_object().unwrap().clone());
    resource.list_schemas(&users());
    resource
}

fn patch(resource: &Resource, operations: Value) -> Result<Resource, Error> {
    let body = json!({"schemas": [uri::PATCH_OP], "Operations": operations});
    let request = PatchRequest::read(body, &Limits::default(), &mut strict())?;
    let users = users();
    let patch = request.resolve(&users, &mut strict())?;
    patch.apply(resource, &mut strict())
}

fn matches(filter: &str, resource: &Resource) -> Result<bool, Error> {
    let filter = Filter::parse(filter, &Limits::default(), &mut strict())?;
    let condition = filter.bind(&users(), &mut strict())?;
    Ok(condition.matches(resource.attributes()))
}

fn scim_type<T: std::fmt::Debug>(result: Result<T, Error>) -> ScimType {
    result.unwrap_err().scim_type().unwrap()
}

// RFC 7643

#[test]
fn names_of_attributes_are_read_in_any_case_and_written_as_the_schema_has_them() {
    let user = read(json!({"NICKNAME": "A", "Emails": [{"VALUE": "a@x"}]})).unwrap();
    assert_eq!(user.text("nickName"), Some("A"));
    assert_eq!(user.attributes()["emails"], json!([{"value": "a@x"}]));
    for name in ["1name", "na me", "-name", ""] {
        assert!(
            name.parse::<scim_protocol::AttributePath>().is_err(),
            "{name:?}"
        );
    }
}

#[test]
fn values_are_of_the_type_that_the_schema_says() {
    let badge = |name: &str, value: Value| read(json!({BADGE: {name: value}}));
    for (name, good) in [
        ("number", json!(7)),
        ("weight", json!(0.5)),
        ("since", json!("2026-01-31T08:00:00Z")),
        ("picture", json!("QUJD")),
    ] {
        assert!(badge(name, good).is_ok(), "{name}");
    }
    for (name, bad) in [
        ("number", json!(7.5)),
        ("number", json!(1e300)),
        ("since", json!("2026-01-31")),
        ("since", json!("08:00:00")),
        ("since", json!("yesterday")),
        ("picture", json!("no base64!")),
    ] {
        assert_eq!(
            scim_type(badge(name, bad.clone())),
            ScimType::InvalidValue,
            "{name} {bad}"
        );
    }
    let photo = |value: &str| read(json!({"photos": [{"value": value}], "profileUrl": value}));
    assert!(photo("https://x.example/a.png").is_ok());
    assert_eq!(scim_type(photo("no uri")), ScimType::InvalidValue);
    let certificate = |value: &str| read(json!({"x509Certificates": [{"value": value}]}));
    assert!(certificate("QUJD").is_ok());
    assert_eq!(
        scim_type(certificate("not base64!")),
        ScimType::InvalidValue
    );
}

#[test]
fn the_order_of_members_and_schemas_means_nothing() {
    let one = json!({"schemas": [uri::USER, BADGE], "userName": "ava", "title": "T",
        BADGE: {"number": 7}});
    let other = json!({BADGE: {"number": 7}, "title": "T", "userName": "ava",
        "schemas": [BADGE, uri::USER]});
    let read = |body| Resource::read(&users(), body, &mut strict()).unwrap();
    let (one, other) = (read(one), read(other));
    assert!(one == other);
    assert_eq!(one.attributes()["schemas"], other.attributes()["schemas"]);
}

#[test]
fn one_value_at_most_is_primary_and_who_says_nothing_is_not() {
    let two = json!({"emails": [{"value": "a", "primary": true}, {"value": "b", "primary": true}]});
    assert_eq!(scim_type(read(two)), ScimType::InvalidValue);
    let user = stored(json!({"emails": [{"value": "a"}]}));
    assert_eq!(matches("emails[primary eq false]", &user), Ok(true));
    assert_eq!(matches("emails[primary eq true]", &user), Ok(false));
}

#[test]
fn unassigned_null_and_the_empty_array_are_the_same() {
    let nothing = read(json!({})).unwrap();
    assert!(read(json!({"title": null, "emails": [], "name": null})).unwrap() == nothing);
    let user = stored(json!({"title": "T", "emails": [{"value": "a"}]}));
    let operations = json!([{"op": "replace", "value": {"title": null, "emails": []}}]);
    assert!(
        patch(&user, operations)
            .unwrap()
            .attributes()
            .get("emails")
            .is_none()
    );
}

#[test]
fn schemas_are_the_core_schema_and_the_extensions_that_have_data() {
    let user = read(json!({BADGE: {"number": 7}})).unwrap();
    assert_eq!(user.attributes()["schemas"], json!([uri::USER, BADGE]));
    let user = patch(
        &user,
        json!([{"op": "remove", "path": format!("{BADGE}:number")}]),
    )
    .unwrap();
    assert_eq!(user.attributes()["schemas"], json!([uri::USER]));
    let missing = Resource::read(&users(), json!({"userName": "ava"}), &mut strict());
    assert_eq!(scim_type(missing), ScimType::InvalidSyntax);
    // Attributes of an extension stand under its URI, and nowhere else.
    assert_eq!(
        scim_type(read(json!({"number": 7}))),
        ScimType::InvalidValue
    );
}

#[test]
fn id_and_meta_of_a_client_are_ignored() {
    let user = read(
        json!({"id": "mine", "meta": {"created": "2026-01-31T08:00:00Z"},
        "groups": [{"value": "g"}], "externalId": "E-1"}),
    );
    let user = user.unwrap();
    let kept: Vec<&str> = user.attributes().keys().map(String::as_str).collect();
    assert!(
        !["id", "meta", "groups"]
            .iter()
            .any(|name| kept.contains(name)),
        "{kept:?}"
    );
    assert_eq!(user.external_id(), Some("E-1"));
}

#[test]
fn common_attributes_are_part_of_every_type() {
    let definition =
        ResourceDefinition::new("Lamp", "/Lamps", "", Schema::new("urn:x:Lamp", "Lamp"));
    for name in ["schemas", "id", "externalId", "meta"] {
        assert!(definition.attribute(name).is_some(), "{name}");
    }
    let id = definition.attribute("id").unwrap();
    assert_eq!(
        (id.mutability, id.returned),
        (Mutability::ReadOnly, Returned::Always)
    );
    assert!(id.case_exact);
}

#[test]
fn user_names_are_required_and_compared_in_any_case() {
    let nameless = json!({"schemas": [uri::USER], "title": "T"});
    let nameless = Resource::read(&users(), nameless, &mut strict()).unwrap();
    assert_eq!(
        scim_type(nameless.check_required(&users())),
        ScimType::InvalidValue
    );
    let empty = json!({"schemas": [uri::USER], "userName": ""});
    let empty = Resource::read(&users(), empty, &mut strict()).unwrap();
    assert!(empty.check_required(&users()).is_err());
    assert_eq!(matches("userName eq \"AVA\"", &stored(json!({}))), Ok(true));
}

#[test]
fn passwords_are_shown_and_found_by_nothing() {
    let user = stored(json!({"password": "secret", BADGE: {"key": "secret"}}));
    let asked = ["password", "urn:example:2.0:Badge:key", BADGE, uri::USER];
    let asked = asked.map(|path| path.parse().unwrap()).to_vec();
    for attributes in [Vec::new(), asked] {
        let projection = Projection {
            attributes,
            ..Projection::default()
        };
        let shown = Value::Object(project(&users(), user.attributes(), &projection));
        assert!(!shown.to_string().contains("secret"), "{shown}");
    }
    for filter in [
        "password eq \"secret\"",
        "password pr",
        "urn:example:2.0:Badge:key sw \"s\"",
    ] {
        assert_eq!(
            scim_type(matches(filter, &user)),
            ScimType::InvalidFilter,
            "{filter}"
        );
    }
}

#[test]
fn a_required_extension_and_what_it_requires_are_required() {
    let required =
        Schema::new("urn:x:Pass", "Pass")
            .with([Attribute::new("gate", AttributeType::String).required()]);
    let users = ResourceDefinition::user().extended(required, true);
    for (attributes, fits) in [
        (json!({"userName": "ava"}), false),
        (json!({"userName": "ava", "urn:x:Pass": {}}), false),
        (
            json!({"userName": "ava", "urn:x:Pass": {"gate": "N"}}),
            true,
        ),
    ] {
        let resource = Resource::from_map(attributes.as_object().unwrap().clone());
        assert_eq!(
            resource.check_required(&users).is_ok(),
            fits,
            "{attributes}"
        );
    }
}

#[test]
fn case_exact_text_is_kept_and_told_apart() {
    let user = read(json!({BADGE: {"serial": "Ab"}})).unwrap();
    assert_eq!(user.attributes()[BADGE]["serial"], "Ab");
    assert_eq!(
        matches("urn:example:2.0:Badge:serial eq \"Ab\"", &user),
        Ok(true)
    );
    assert_eq!(
        matches("urn:example:2.0:Badge:serial eq \"AB\"", &user),
        Ok(false)
    );
}

// RFC 7644

#[test]
fn messages_name_their_schema_and_none_of_them_is_a_schema_of_resources() {
    let list = ListResponse::whole(Vec::new()).to_json();
    let error = Error::not_found().to_json();
    let bulk = response(&[]);
    for (message, schema) in [
        (&list, uri::LIST_RESPONSE),
        (&error, uri::ERROR),
        (&bulk, uri::BULK_RESPONSE),
    ] {
        assert!(schema.starts_with("urn:ietf:params:scim:api:"));
        assert_eq!(message["schemas"], json!([schema]));
    }
    let users = users();
    let schemas = Catalog::new(&[&users]).schemas();
    assert!(
        schemas
            .iter()
            .all(|schema| !schema.id.contains(":api:messages:"))
    );
}

#[test]
fn a_list_without_results_says_so() {
    let list = ListResponse::whole(Vec::new()).to_json();
    assert_eq!(
        (&list["totalResults"], &list["Resources"]),
        (&json!(0), &json!([]))
    );
    let page = ListResponse {
        total_results: Some(9),
        start_index: Some(3),
        ..ListResponse::whole(vec![json!({"id": "1"})])
    };
    let page = page.to_json();
    assert_eq!(
        (&page["startIndex"], &page["itemsPerPage"]),
        (&json!(3), &json!(1))
    );
}

#[test]
fn a_filter_is_an_expression_and_binds_as_the_rfc_says() {
    for none in [
        "",
        " ",
        "userName",
        "eq \"a\"",
        "userName eq",
        "userName is \"a\"",
        "(userName pr",
    ] {
        assert_eq!(
            scim_type(matches(none, &stored(json!({})))),
            ScimType::InvalidFilter,
            "{none:?}"
        );
    }
    let user = stored(json!({"title": "T", "nickName": "N"}));
    for (filter, expected) in [
        ("userName eq \"x\" and title pr or nickName pr", true),
        ("userName eq \"x\" and (title pr or nickName pr)", false),
        ("not (userName eq \"x\") and title pr", true),
        ("NOT (title PR) OR nickName Eq \"n\"", true),
    ] {
        assert_eq!(matches(filter, &user), Ok(expected), "{filter}");
    }
}

#[test]
fn a_value_filter_names_sub_attributes_of_its_attribute() {
    let user = stored(json!({"emails": [{"value": "a", "type": "work"}, {"value": "b"}]}));
    assert_eq!(
        matches("emails[type eq \"work\" and value eq \"a\"]", &user),
        Ok(true)
    );
    assert_eq!(
        matches("emails[type eq \"work\" and value eq \"b\"]", &user),
        Ok(false)
    );
    for none in [
        "emails[userName eq \"a\"]",
        "emails[]",
        "emails[type eq \"work\"",
    ] {
        assert_eq!(
            scim_type(matches(none, &user)),
            ScimType::InvalidFilter,
            "{none}"
        );
    }
}

#[test]
fn booleans_and_binary_have_no_order() {
    let user = stored(json!({"active": true, BADGE: {"number": 10, "picture": "QUJD"}}));
    for operator in ["gt", "ge", "lt", "le"] {
        for (path, value) in [
            ("active", "true"),
            ("urn:example:2.0:Badge:picture", "\"QUJD\""),
        ] {
            let filter = format!("{path} {operator} {value}");
            assert_eq!(
                scim_type(matches(&filter, &user)),
                ScimType::InvalidFilter,
                "{filter}"
            );
        }
    }
    assert_eq!(
        matches("urn:example:2.0:Badge:number gt 9", &user),
        Ok(true),
        "by number"
    );
    assert_eq!(
        matches("urn:example:2.0:Badge:number lt 9", &user),
        Ok(false)
    );
}

#[test]
fn an_attribute_that_a_type_does_not_know_has_no_value_there() {
    let (users, groups) = (users(), ResourceDefinition::group());
    let filter: Filter = "userName eq \"ava\"".parse().unwrap();
    let among = |others: &[&ResourceDefinition]| {
        let condition = filter.bind_among(&groups, others, &mut strict());
        condition.map(|condition| condition.matches(&serde_json::Map::new()))
    };
    assert_eq!(among(&[&users]), Ok(false));
    assert_eq!(scim_type(among(&[])), ScimType::InvalidFilter);
}

#[test]
fn parameters_of_a_query_have_the_defaults_of_the_rfc() {
    let limits = Limits::default();
    let query = |raw: &str| Query::from_query_string(raw, &limits, &mut strict());
    assert!(!query("sortBy=userName").unwrap().descending);
    assert!(
        query("sortBy=userName&sortOrder=descending")
            .unwrap()
            .descending
    );
    let below = query("startIndex=0&count=-1").unwrap();
    assert_eq!(
        (below.page, below.count),
        (Page::Index { start_index: 1 }, Some(0))
    );
    assert_eq!(query("count=3").unwrap().page_size(&limits), Ok(3));
    assert_eq!(
        query("count=5000").unwrap().page_size(&limits),
        Ok(limits.page_max)
    );
}

#[test]
fn a_search_body_is_the_same_query() {
    let body = json!({"schemas": [uri::SEARCH_REQUEST], "filter": "title pr", "count": 5,
        "attributes": ["userName"]});
    let search = Query::from_search_request(body, &Limits::default(), &mut strict()).unwrap();
    let get = "filter=title%20pr&count=5&attributes=userName";
    let get = Query::from_query_string(get, &Limits::default(), &mut strict()).unwrap();
    assert_eq!(search, get);
    let other = json!({"schemas": [uri::PATCH_OP], "filter": "title pr"});
    assert!(Query::from_search_request(other, &Limits::default(), &mut strict()).is_err());
    for wrong in ["a b", "1a"] {
        let body = json!({"schemas": [uri::SEARCH_REQUEST], "sortBy": wrong});
        let refused = Query::from_search_request(body, &Limits::default(), &mut strict());
        assert_eq!(scim_type(refused), ScimType::InvalidPath, "{wrong}");
    }
}

#[test]
fn attributes_and_excluded_attributes_leave_what_is_always_returned() {
    let user = stored(json!({"id": "7", "title": "T", "nickName": "N"}));
    let names = |attributes: &[&str], excluded: &[&str]| {
        let paths = |paths: &[&str]| paths.iter().map(|path| path.parse().unwrap()).collect();
        let projection = Projection {
            attributes: paths(attributes),
            excluded_attributes: paths(excluded),
        };
        let shown = project(&users(), user.attributes(), &projection);
        let mut names: Vec<String> = shown.keys().cloned().collect();
        names.sort();
        names
    };
    assert_eq!(names(&["TITLE"], &[]), ["id", "schemas", "title"]);
    assert_eq!(
        names(&[], &["id", "title", "schemas"]),
        ["id", "nickName", "schemas", "userName"]
    );
}

#[test]
fn a_put_replaces_keeps_what_is_immutable_and_ignores_what_is_read_only() {
    let old = stored(json!({"title": "T", "nickName": "N", BADGE: {"serial": "1"}}));
    let put = |attributes| old.replaced_by(&users(), read(attributes).unwrap());
    let new = put(json!({"title": "U", "id": "other"})).unwrap();
    assert_eq!(
        (new.text("title"), new.text("nickName"), new.id()),
        (Some("U"), None, None)
    );
    assert_eq!(new.attributes()[BADGE]["serial"], "1");
    assert_eq!(
        scim_type(put(json!({BADGE: {"serial": "2"}}))),
        ScimType::Mutability
    );
    assert!(put(json!({BADGE: {"serial": "1"}})).is_ok());
    let first =
        stored(json!({})).replaced_by(&users(), read(json!({BADGE: {"serial": "9"}})).unwrap());
    assert_eq!(first.unwrap().attributes()[BADGE]["serial"], "9");
}

#[test]
fn a_patch_request_has_its_schema_and_operations_that_say_what_they_do() {
    let read = |body| PatchRequest::read(body, &Limits::default(), &mut strict());
    let operation = json!({"op": "add", "path": "title", "value": "T"});
    assert!(read(json!({"schemas": [uri::PATCH_OP], "Operations": [operation]})).is_ok());
    for body in [
        json!({"Operations": [operation]}),
        json!({"schemas": [uri::PATCH_OP]}),
        json!({"schemas": [uri::PATCH_OP], "Operations": []}),
        json!({"schemas": [uri::PATCH_OP], "Operations": [{"path": "title", "value": "T"}]}),
        json!({"schemas": [uri::PATCH_OP], "Operations": [{"op": "move", "path": "title"}]}),
    ] {
        assert_eq!(
            scim_type(read(body.clone())),
            ScimType::InvalidSyntax,
            "{body}"
        );
    }
    let one = |operation: Value| scim_type(patch(&stored(json!({})), json!([operation])));
    assert_eq!(one(json!({"op": "remove"})), ScimType::NoTarget);
    assert_eq!(
        one(json!({"op": "add", "path": "title"})),
        ScimType::InvalidValue
    );
}

#[test]
fn an_operation_heeds_mutability_and_schema() {
    let user = stored(json!({BADGE: {"serial": "1"}}));
    for (operation, expected) in [
        (
            json!({"op": "replace", "path": "id", "value": "x"}),
            ScimType::Mutability,
        ),
        (
            json!({"op": "add", "path": "groups", "value": [{"value": "g"}]}),
            ScimType::Mutability,
        ),
        (
            json!({"op": "remove", "path": "meta"}),
            ScimType::Mutability,
        ),
        (
            json!({"op": "replace", "path": format!("{BADGE}:serial"), "value": "2"}),
            ScimType::Mutability,
        ),
        (
            json!({"op": "replace", "path": "active", "value": "maybe"}),
            ScimType::InvalidValue,
        ),
        (
            json!({"op": "replace", "path": "unknown", "value": 1}),
            ScimType::InvalidPath,
        ),
        (
            json!({"op": "remove", "path": "userName"}),
            ScimType::Mutability,
        ),
    ] {
        let refused = patch(&user, json!([operation]));
        assert_eq!(scim_type(refused), expected, "{operation}");
    }
}

#[test]
fn a_patch_is_atomic() {
    let user = stored(json!({"title": "T"}));
    let before = user.clone();
    let operations = json!([{"op": "replace", "path": "title", "value": "U"},
        {"op": "replace", "path": "emails[type eq \"work\"].value", "value": "x"}]);
    assert_eq!(scim_type(patch(&user, operations)), ScimType::NoTarget);
    assert!(user == before);
}

#[test]
fn a_new_primary_takes_the_flag_from_the_old_one() {
    let user = stored(json!({"emails": [{"value": "a", "primary": true}, {"value": "b"}]}));
    let operation =
        json!({"op": "add", "path": "emails", "value": [{"value": "c", "primary": true}]});
    let user = patch(&user, json!([operation])).unwrap();
    let primary = user.attributes()["emails"].as_array().unwrap().iter();
    let primary: Vec<&Value> = primary.filter(|email| email["primary"] == true).collect();
    assert_eq!(primary, [&json!({"value": "c", "primary": true})]);
}

#[test]
fn an_add_of_what_is_there_changes_nothing() {
    let user = stored(json!({"title": "T", "emails": [{"value": "a", "type": "work"}]}));
    let operations = json!([{"op": "add", "path": "title", "value": "T"},
        {"op": "add", "path": "emails", "value": [{"value": "a", "type": "work"}]}]);
    assert!(patch(&user, operations).unwrap() == user);
    let name = json!({"op": "add", "path": "name", "value": {"givenName": "Ava"}});
    let user = patch(&user, json!([name])).unwrap();
    assert_eq!(user.attributes()["name"], json!({"givenName": "Ava"}));
    let bare = json!({"op": "add", "path": "name", "value": "Ava"});
    assert_eq!(
        scim_type(patch(&user, json!([bare]))),
        ScimType::InvalidValue
    );
}

#[test]
fn what_is_removed_is_unassigned() {
    let emails = json!([{"value": "a", "type": "work"}, {"value": "b", "type": "home"}]);
    let user = stored(
        json!({"title": "T", "emails": emails, "roles": [{"value": "r"}],
        "addresses": [{"locality": "Lyon"}]}),
    );
    let operations = json!([{"op": "remove", "path": "title"}, {"op": "remove", "path": "roles"},
        {"op": "remove", "path": "emails[type eq \"work\"]"},
        {"op": "remove", "path": "emails[type eq \"home\"]"},
        {"op": "remove", "path": "addresses[locality eq \"Lyon\"].locality"}]);
    let user = patch(&user, operations).unwrap();
    for name in ["title", "emails", "roles", "addresses"] {
        assert!(!user.attributes().contains_key(name), "{name}");
    }
}

#[test]
fn a_replace_adds_what_is_not_there_and_replaces_every_match() {
    let user =
        stored(json!({"emails": [{"value": "a", "type": "work"}, {"value": "b", "type": "work"}]}));
    let operations = json!([{"op": "replace", "path": "title", "value": "T"},
        {"op": "replace", "path": "name", "value": {"givenName": "Ava"}},
        {"op": "replace", "path": "emails[type eq \"work\"].display", "value": "D"}]);
    let user = patch(&user, operations).unwrap();
    assert_eq!(user.text("title"), Some("T"));
    assert_eq!(user.attributes()["name"], json!({"givenName": "Ava"}));
    let displays = user.attributes()["emails"].as_array().unwrap().iter();
    assert!(
        displays
            .map(|email| &email["display"])
            .all(|display| display == "D")
    );
    let whole = json!([{"op": "replace", "value": {"nickName": "N"}}]);
    assert_eq!(patch(&user, whole).unwrap().text("nickName"), Some("N"));
}

#[test]
fn bulk_operations_have_what_their_method_needs() {
    let read = |operation: Value| {
        let body = json!({"schemas": [uri::BULK_REQUEST], "Operations": [operation]});
        let request = BulkRequest::read(body, &Limits::default(), &mut strict()).unwrap();
        matches!(request.operations[0], BulkEntry::Operation(_))
    };
    for (operation, fits) in [
        (
            json!({"method": "POST", "path": "/Users", "bulkId": "a", "data": {}}),
            true,
        ),
        (
            json!({"method": "POST", "path": "/Users", "data": {}}),
            false,
        ),
        (json!({"method": "PUT", "path": "/Users/1"}), false),
        (json!({"method": "PATCH", "path": "/Users/1"}), false),
        (json!({"method": "DELETE", "path": "/Users/1"}), true),
        (json!({"method": "DELETE"}), false),
        (json!({"path": "/Users/1"}), false),
    ] {
        assert_eq!(read(operation.clone()), fits, "{operation}");
    }
    let many = vec![json!({"method": "DELETE", "path": "/Users/1"}); 1_001];
    let body = json!({"schemas": [uri::BULK_REQUEST], "Operations": many});
    let error = BulkRequest::read(body, &Limits::default(), &mut strict()).unwrap_err();
    assert_eq!(error.status(), 413);
    assert!(
        error.detail().contains("1000"),
        "it says which limit: {error}"
    );
}

#[test]
fn references_become_ids_in_any_order_and_in_circles() {
    let group = |name: &str, member: &str| {
        json!({"method": "POST", "path": "/Groups", "bulkId": name,
            "data": {"displayName": name, BADGE: {"owner": {"value": format!("bulkId:{member}")}}}})
    };
    let operations = [group("a", "b"), group("b", "c"), group("c", "a")];
    let body = json!({"schemas": [uri::BULK_REQUEST], "Operations": operations});
    let request = BulkRequest::read(body, &Limits::default(), &mut strict()).unwrap();
    let references = References::new(&request.operations);
    assert_eq!(references.circular(), [0, 1, 2]);
    assert_eq!(references.order().count(), 3);
    let data = request.operations[0]
        .operation()
        .unwrap()
        .data
        .clone()
        .unwrap();
    let resolved = resolve(&data, &|name| (name == "b").then(|| "id-of-b".to_owned()));
    assert_eq!(resolved[BADGE]["owner"]["value"], "id-of-b");
}

#[test]
fn the_outcome_of_a_bulk_operation_says_where_and_what() {
    let failed = BulkResult {
        method: "POST".into(),
        bulk_id: Some("a".into()),
        location: None,
        version: None,
        status: 409,
        response: Some(Error::new(ScimType::Uniqueness, "It is taken.").to_json()),
    };
    let body = response(&[failed]);
    let failed = &body["Operations"][0];
    assert_eq!(
        (&failed["bulkId"], &failed["status"]),
        (&json!("a"), &json!("409"))
    );
    assert_eq!(failed["response"]["schemas"], json!([uri::ERROR]));
    assert_eq!(failed["response"]["detail"], "It is taken.");
}

#[test]
fn an_error_has_its_status_as_text() {
    let error = Error::new(ScimType::InvalidFilter, "No filter.").to_json();
    assert_eq!(error["status"], "400");
    assert_eq!(
        (&error["scimType"], &error["detail"]),
        (&json!("invalidFilter"), &json!("No filter."))
    );
    let query = Query::from_query_string("access_token=x", &Limits::default(), &mut strict());
    let refused = query.unwrap_err();
    assert_eq!(
        (refused.status(), refused.scim_type()),
        (403, Some(ScimType::Sensitive))
    );
}

#[test]
fn versions_are_weak_entity_tags() {
    let version = scim_protocol::Version(3);
    assert_eq!(version.to_string(), "W/\"3\"");
    assert!(ETag::from(version).is_weak());
}

#[test]
fn what_a_service_provider_is_it_says_in_the_schema_of_the_rfc() {
    let config = ServiceProviderConfig::new(&Limits::default(), 3600);
    let config = config.to_resource("https://x.example/v2");
    assert_eq!(config["schemas"], json!([uri::SERVICE_PROVIDER_CONFIG]));
    for (feature, member) in [
        ("patch", "supported"),
        ("bulk", "maxOperations"),
        ("bulk", "maxPayloadSize"),
        ("filter", "maxResults"),
        ("changePassword", "supported"),
        ("sort", "supported"),
        ("etag", "supported"),
        ("pagination", "cursor"),
        ("pagination", "index"),
        ("pagination", "defaultPaginationMethod"),
    ] {
        assert!(!config[feature][member].is_null(), "{feature}.{member}");
    }
    let scheme = &config["authenticationSchemes"][0];
    assert!(
        ["type", "name", "description"]
            .iter()
            .all(|name| scheme[*name].is_string())
    );
    let users = users();
    let definitions = [&users];
    let catalog = Catalog::new(&definitions);
    let types = catalog.resource_types("https://x.example/v2");
    let named = types[0]["schemaExtensions"].as_array().unwrap().iter();
    let mut named: Vec<&str> = named
        .map(|extension| extension["schema"].as_str().unwrap())
        .collect();
    named.push(types[0]["schema"].as_str().unwrap());
    assert!(
        named.iter().all(|uri| catalog.schema(uri).is_some()),
        "{named:?}"
    );
}

// RFC 9865

#[test]
fn pages_by_cursor_begin_with_an_empty_one() {
    let limits = Limits::default();
    let query = |raw: &str| Query::from_query_string(raw, &limits, &mut strict());
    assert_eq!(
        query("cursor=").unwrap().page,
        Page::Cursor { cursor: None }
    );
    assert_eq!(query("cursor=&count=-3").unwrap().count, Some(0));
    assert_eq!(query("cursor=&count=3").unwrap().page_size(&limits), Ok(3));
    assert_eq!(scim_type(query("cursor=&count=x")), ScimType::InvalidCount);
    assert_eq!(
        query("").unwrap().page,
        Page::Index { start_index: 1 },
        "the default"
    );
    assert!(query("cursor=a&startIndex=1").is_err());
}

#[test]
fn the_last_page_has_no_next_cursor_and_the_first_no_previous_one() {
    let last = ListResponse {
        total_results: None,
        start_index: None,
        ..ListResponse::whole(vec![json!({"id": "1"})])
    };
    let body = last.clone().to_json();
    for name in ["nextCursor", "previousCursor", "totalResults", "startIndex"] {
        assert!(body.get(name).is_none(), "{name}");
    }
    let middle = ListResponse {
        next_cursor: Some("n".into()),
        previous_cursor: Some("p".into()),
        ..last
    };
    let body = middle.to_json();
    assert_eq!(
        (&body["nextCursor"], &body["previousCursor"]),
        (&json!("n"), &json!("p"))
    );
}
