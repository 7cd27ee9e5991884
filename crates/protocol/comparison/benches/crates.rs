//! What parsing filters and handling a resource costs, beside other crates and beside `serde_json`
//! alone. Compare the rows of one run; times of two runs say nothing.

use divan::{Bencher, black_box};
use scim_protocol::patch::PatchRequest;
use scim_protocol::query::Projection;
use scim_protocol::resource::Projector;
use scim_protocol::{Filter, Limits, Resource, ResourceDefinition, Tolerance};
use serde_json::{Value, json};

fn main() {
    divan::main();
}

const FILTERS: [&str; 8] = [
    r#"userName eq "ava@corp.example""#,
    r#"externalId eq "2819c223-7f76-453a-919d-413861904646""#,
    r#"emails[type eq "work"].value eq "ava@corp.example""#,
    r#"emails[type eq "work" and value eq "ava@corp.example"]"#,
    r#"displayName sw "Ops""#,
    r#"meta.lastModified gt "2026-01-31T08:00:00Z""#,
    r#"active eq true and (title eq "A" or title eq "B")"#,
    r#"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department eq "Ops""#,
];

#[divan::bench(args = FILTERS)]
fn parse_ours(bencher: Bencher, filter: &str) {
    // Of the request, as its limits are of the service provider.
    let (limits, mut tolerance) = (Limits::default(), Tolerance::default());
    bencher.bench_local(|| Filter::parse(black_box(filter), &limits, &mut tolerance).is_ok());
}

#[divan::bench(args = FILTERS)]
fn parse_scim_proto(filter: &str) -> bool {
    black_box(filter).parse::<scim_proto::filter::ScimFilter>().is_ok()
}

#[divan::bench(args = FILTERS)]
fn parse_scim_filter(filter: &str) -> bool {
    scim_filter::parser::filter(black_box(filter)).is_ok()
}

/// A user of 1.5 KB.
fn user() -> Value {
    let phones = ["work", "mobile"].map(|kind| json!({"value": "+1 555 0100", "type": kind}));
    let emails = ["work", "home"].map(|kind| {
        json!({"value": format!("ava.{kind}@corp.example"), "type": kind, "primary": kind == "work"})
    });
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User",
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"],
        "externalId": "701984", "userName": "ava@corp.example", "active": true, "title": "Engineer",
        "name": {"formatted": "Ms. Ava J Li, III", "familyName": "Li", "givenName": "Ava",
            "middleName": "Jane", "honorificPrefix": "Ms.", "honorificSuffix": "III"},
        "displayName": "Ava Li", "nickName": "Avi", "userType": "Employee", "locale": "en-US",
        "preferredLanguage": "en-US", "timezone": "Europe/Paris", "emails": emails,
        "phoneNumbers": phones, "profileUrl": "https://login.example.com/ava",
        "addresses": [{"type": "work", "streetAddress": "100 Universal City Plaza",
            "locality": "Hollywood", "region": "CA", "postalCode": "91608", "country": "US",
            "formatted": "100 Universal City Plaza\nHollywood, CA 91608 US"}],
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {"employeeNumber": "701984",
            "costCenter": "4130", "organization": "Universal Studios", "division": "Theme Park",
            "department": "Ops", "manager": {"value": "26118915-6090-4610-87e4-49d8ca9f808d"}},
    })
}

#[divan::bench]
fn json_alone_read(bencher: Bencher) {
    let text = user().to_string();
    bencher.bench(|| serde_json::from_str::<Value>(black_box(&text)));
}

#[divan::bench]
fn resource_read_and_its_json(bencher: Bencher) {
    let (text, users) = (user().to_string(), ResourceDefinition::user());
    bencher.bench(|| {
        let body = serde_json::from_str(black_box(&text)).unwrap_or_default();
        Resource::read(&users, body, &mut Tolerance::default())
    });
}

#[divan::bench]
fn json_alone_write(bencher: Bencher) {
    let user = user();
    bencher.bench(|| serde_json::to_string(black_box(&user)));
}

#[divan::bench]
fn resource_projected_and_written(bencher: Bencher) {
    let (user, users) = (user(), ResourceDefinition::user());
    let attributes = user.as_object().cloned().unwrap_or_default();
    let projector = Projector::new(&users, &Projection::default());
    bencher.bench(|| serde_json::to_string(&projector.project(black_box(&attributes))));
}

#[divan::bench]
fn resource_written_as_projected(bencher: Bencher) {
    let (user, users) = (user(), ResourceDefinition::user());
    let attributes = user.as_object().cloned().unwrap_or_default();
    let projector = Projector::new(&users, &Projection::default());
    bencher.bench(|| serde_json::to_string(&projector.view(black_box(&attributes))));
}

#[divan::bench]
fn patch_applied(bencher: Bencher) {
    let users = ResourceDefinition::user();
    let ava = Resource::read(&users, user(), &mut Tolerance::default()).unwrap_or_default();
    let body = json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": [
        {"op": "replace", "path": "active", "value": false},
        {"op": "replace", "path": "emails[type eq \"work\"].value", "value": "b@corp.example"}]});
    let mut tolerance = Tolerance::default();
    let request = PatchRequest::read(body, &Limits::default(), &mut tolerance);
    let patch = request.and_then(|request| request.resolve(&users, &mut tolerance));
    let Ok(patch) = patch else { return };
    bencher.bench(|| patch.apply(black_box(&ava), &mut Tolerance::default()));
}
