//! Requests and walks of the client, against a service provider that answers what a test says.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing)]

use std::cell::RefCell;
use std::time::Duration;

use scim_client::{
    Client, ClientError, Method, Patience, Problem, Request, Response, ScimResource, Transport,
};
use scim_protocol::bulk::{BulkOperation, BulkRequest};
use scim_protocol::patch::{PatchOperation, PatchPath, PatchRequest};
use scim_protocol::query::Query;
use scim_protocol::user::User;
use scim_protocol::{ETag, Error, Resource, ScimType, Tolerance};
use serde_json::{Value, json};

/// Answers one after another, and keeps what was asked.
#[derive(Debug, Default)]
struct Script {
    answers: RefCell<Vec<Response>>,
    asked: RefCell<Vec<Request>>,
    waits: RefCell<Vec<Duration>>,
}

#[derive(Debug, thiserror::Error)]
#[error("nobody answers")]
struct Silent;

impl Script {
    fn of(answers: impl IntoIterator<Item = (u16, Value)>) -> Self {
        let mut answers: Vec<Response> = answers
            .into_iter()
            .map(|(status, body)| Response {
                status,
                body: match body {
                    Value::Null => Vec::new(),
                    body => body.to_string().into_bytes(),
                },
                ..Response::default()
            })
            .collect();
        answers.reverse();
        Self {
            answers: RefCell::new(answers),
            ..Self::default()
        }
    }

    fn client(&self) -> Client<&Self> {
        Client::new(self, "https://x.example/v2/").with_bearer_token("t")
    }

    fn urls(&self) -> Vec<String> {
        let asked = self.asked.borrow();
        let paths = asked.iter().map(|request| {
            let path = request.url.strip_prefix("https://x.example/v2").unwrap();
            format!("{} {path}", request.method.as_str())
        });
        paths.collect()
    }
}

impl Transport for Script {
    type Error = Silent;

    fn send(&self, request: &Request) -> Result<Response, Silent> {
        self.asked.borrow_mut().push(request.clone());
        self.answers.borrow_mut().pop().ok_or(Silent)
    }

    fn wait(&self, pause: Duration) {
        self.waits.borrow_mut().push(pause);
    }
}

fn header(request: &Request, name: &str) -> Option<String> {
    let mut headers = request.headers.iter();
    let found = headers.find(|(known, _)| *known == name);
    found.map(|(_, value)| value.clone())
}

fn ava(id: &str) -> Value {
    json!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "id": id, "userName": "ava",
        "meta": {"version": "W/\"3\""}})
}

fn list(total: Option<u64>, ids: &[&str], next: Option<&str>) -> Value {
    let resources: Vec<Value> = ids.iter().map(|id| ava(id)).collect();
    json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"],
        "totalResults": total, "nextCursor": next, "Resources": resources})
}

#[test]
fn a_resource_is_created_read_changed_and_deleted() {
    let script = Script::of([
        (201, ava("7")),
        (200, ava("7")),
        (200, ava("7")),
        (204, Value::Null),
        (200, ava("7")),
        (204, Value::Null),
    ]);
    let client = script.client();
    let created: User = client.create(&User::new("ava")).unwrap();
    assert_eq!(created.id.as_deref(), Some("7"));
    let found: User = client.get("7/8 ü").unwrap();
    let tag: ETag = found
        .meta
        .value()
        .unwrap()
        .version
        .as_deref()
        .unwrap()
        .parse()
        .unwrap();
    client.replace("7", &found, Some(&tag)).unwrap();
    let block = PatchOperation::replace("active".parse::<PatchPath>().unwrap(), false);
    let block = PatchRequest::new([block]);
    assert_eq!(client.patch::<User>("7", &block, None).unwrap(), None);
    assert!(client.patch::<User>("7", &block, None).unwrap().is_some());
    client.delete::<User>("7", None).unwrap();
    assert_eq!(
        script.urls(),
        [
            "POST /Users",
            "GET /Users/7%2F8%20%C3%BC",
            "PUT /Users/7",
            "PATCH /Users/7",
            "PATCH /Users/7",
            "DELETE /Users/7"
        ]
    );
    let asked = script.asked.borrow();
    assert_eq!(
        header(&asked[0], "authorization").as_deref(),
        Some("Bearer t")
    );
    assert_eq!(
        header(&asked[0], "content-type").as_deref(),
        Some("application/scim+json")
    );
    assert_eq!(header(&asked[1], "content-type"), None);
    assert_eq!(header(&asked[2], "if-match").as_deref(), Some("W/\"3\""));
    assert_eq!(header(&asked[3], "if-match"), None);
    let sent: Value = serde_json::from_slice(&asked[3].body).unwrap();
    assert_eq!(sent, json!(block));
}

#[test]
fn a_walk_by_index_ends_with_the_last_result() {
    let script = Script::of([
        (200, list(Some(3), &["1", "2"], None)),
        (200, list(Some(3), &["3"], None)),
    ]);
    let query = Query::default().with_count(2);
    let client = script.client();
    let ids = client
        .resources::<User>(&query)
        .map(|user| user.unwrap().id);
    let ids: Vec<_> = ids.map(|id| id.into_value().unwrap()).collect();
    assert_eq!(ids, ["1", "2", "3"]);
    assert_eq!(
        script.urls(),
        ["GET /Users?count=2", "GET /Users?startIndex=3&count=2"]
    );
}

#[test]
fn a_walk_by_index_ends_with_a_page_without_results() {
    let script = Script::of([
        (200, list(Some(9), &["1"], None)),
        (200, list(Some(9), &[], None)),
    ]);
    assert_eq!(script.client().walk("/Users", &Query::default()).count(), 1);
    assert_eq!(script.asked.borrow().len(), 2);
}

#[test]
fn a_walk_by_cursor_follows_it_and_needs_no_total() {
    let script = Script::of([
        (200, list(None, &["1"], Some("a+b"))),
        (200, list(None, &[], Some("c"))),
        (200, list(None, &["2"], None)),
    ]);
    let query = Query::default()
        .with_filter("title pr".parse().unwrap())
        .from_cursor(None);
    let client = script.client();
    let found = client
        .walk("/Users", &query)
        .map(|user| user.unwrap()["id"].clone());
    assert_eq!(found.collect::<Vec<_>>(), ["1", "2"]);
    assert_eq!(
        script.urls(),
        [
            "GET /Users?filter=title%20pr&cursor=",
            "GET /Users?filter=title%20pr&cursor=a%2Bb",
            "GET /Users?filter=title%20pr&cursor=c"
        ]
    );
}

#[test]
fn a_walk_by_cursor_goes_on_by_index_where_nobody_knows_cursors() {
    let script = Script::of([
        (200, list(Some(3), &["1"], None)),
        (200, list(Some(3), &["2"], None)),
        (200, list(Some(3), &["3"], None)),
    ]);
    let client = script.client();
    let found = client
        .walk("/Users", &Query::default().with_count(1).from_cursor(None))
        .map(|user| user.unwrap()["id"].clone());
    assert_eq!(found.collect::<Vec<_>>(), ["1", "2", "3"]);
    assert_eq!(
        script.urls(),
        [
            "GET /Users?cursor=&count=1",
            "GET /Users?startIndex=2&count=1",
            "GET /Users?startIndex=3&count=1"
        ]
    );
}

#[test]
fn what_goes_on_by_index_and_is_refused_ends_with_the_refusal() {
    let script = Script::of([(200, list(Some(3), &["1"], None)), (400, Value::Null)]);
    let client = script.client();
    let mut walk = client.walk("/Users", &Query::default().from_cursor(None));
    assert!(walk.next().unwrap().is_ok());
    let refused = walk.next().unwrap().unwrap_err();
    assert_eq!(refused.refusal().map(Error::status), Some(400));
    assert!(walk.next().is_none());
}

#[test]
fn the_last_page_by_cursor_is_the_last_whatever_the_total_says() {
    let script = Script::of([
        (200, list(Some(9), &["1"], Some("a"))),
        (200, list(Some(9), &["2"], None)),
    ]);
    let client = script.client();
    let walk = client.walk("/Users", &Query::default().from_cursor(None));
    assert_eq!(walk.map(Result::unwrap).count(), 2);
    let script = Script::of([(200, list(Some(2), &["1", "2"], None))]);
    let client = script.client();
    let walk = client.walk("/Users", &Query::default().from_cursor(None));
    assert_eq!(walk.map(Result::unwrap).count(), 2);
}

#[test]
fn an_empty_cursor_leads_nowhere() {
    let script = Script::of([
        (200, list(None, &["1"], Some("a"))),
        (200, list(None, &["2"], Some(""))),
    ]);
    let client = script.client();
    let walk = client.walk("/Users", &Query::default().from_cursor(None));
    assert_eq!(walk.map(Result::unwrap).count(), 2);
}

#[test]
fn an_endpoint_needs_no_slash_in_front() {
    let script = Script::of([(200, list(Some(1), &["1"], None))]);
    let client = script.client();
    assert_eq!(client.walk("Users", &Query::default()).count(), 1);
    assert_eq!(script.urls(), ["GET /Users"]);
}

#[test]
fn a_walk_in_a_circle_is_noticed_and_one_that_fails_is_over() {
    let circle = || (200, list(None, &["1"], Some("a")));
    let script = Script::of([circle(), circle()]);
    let client = script.client();
    let mut walk = client.walk("/Users", &Query::default().from_cursor(None));
    assert!(walk.next().unwrap().is_ok());
    let endless = walk.next().unwrap().unwrap_err();
    assert!(matches!(
        endless,
        ClientError::Unusable {
            problem: Problem::Endless,
            ..
        }
    ));
    assert!(walk.next().is_none());
}

#[test]
fn a_busy_server_is_waited_for_as_it_asks() {
    let script = Script::of([(429, Value::Null), (503, Value::Null), (200, ava("7"))]);
    script.answers.borrow_mut()[2]
        .headers
        .push(("Retry-After".into(), "5".into()));
    script.client().get::<User>("7").unwrap();
    assert_eq!(
        *script.waits.borrow(),
        [Duration::from_secs(5), Duration::from_secs(4)]
    );
    assert_eq!(script.asked.borrow().len(), 3);
}

#[test]
fn patience_has_an_end() {
    let busy = || (503, Value::Null);
    let script = Script::of([busy(), busy(), busy()]);
    let patience = Patience {
        attempts: 2,
        ..Patience::default()
    };
    let error = script
        .client()
        .with_patience(patience)
        .get::<User>("7")
        .unwrap_err();
    assert_eq!(error.refusal().map(Error::status), Some(503));
    assert_eq!(
        (script.asked.borrow().len(), script.waits.borrow().len()),
        (2, 1)
    );
    let error = script
        .client()
        .with_patience(Patience::none())
        .get::<User>("7")
        .unwrap_err();
    assert_eq!(error.refusal().map(Error::status), Some(503));
    assert_eq!(script.asked.borrow().len(), 3);
}

#[test]
fn a_refusal_says_what_the_service_provider_says() {
    let taken = Error::new(ScimType::Uniqueness, "userName is taken.");
    let script = Script::of([
        (409, taken.to_json()),
        (404, json!("not here")),
        (500, taken.to_json()),
    ]);
    let client = script.client();
    let error = client.create(&User::new("ava")).unwrap_err();
    assert_eq!(error.refusal(), Some(&taken));
    assert_eq!(
        error.to_string(),
        "status 409 (uniqueness): userName is taken."
    );
    assert_eq!(cause(&error).as_deref(), Some("userName is taken."));
    let error = client.get::<User>("7").unwrap_err();
    assert_eq!(error.refusal().map(Error::status), Some(404));
    assert_eq!(error.to_string(), "status 404: The request was refused.");
    let error = client.get::<User>("7").unwrap_err();
    assert_eq!(
        error.refusal().map(Error::status),
        Some(500),
        "the status counts"
    );
    let error = client.get::<User>("7").unwrap_err();
    assert!(matches!(error, ClientError::Transport(Silent)));
    assert_eq!(cause(&error).as_deref(), Some("nobody answers"));
}

/// What an error came of.
fn cause(error: &dyn std::error::Error) -> Option<String> {
    error.source().map(ToString::to_string)
}

#[test]
fn answers_that_are_no_scim_are_told_apart() {
    let script = Script::of([
        (200, Value::Null),
        (200, json!({"userName": 7})),
        (200, json!([])),
    ]);
    script.answers.borrow_mut()[0].body = b"<html>".to_vec();
    let client = script.client();
    let problem = |error: ClientError<Silent>| {
        assert!(cause(&error).is_some(), "{error}");
        match error {
            ClientError::Unusable { problem, .. } => problem,
            other => panic!("{other}"),
        }
    };
    assert_eq!(
        problem(client.get::<User>("7").unwrap_err()),
        Problem::Empty
    );
    // A number in the place of text is a deviation and is understood.
    assert!(client.get::<User>("7").is_ok());
    assert_eq!(
        problem(client.get::<User>("7").unwrap_err()),
        Problem::NoJson
    );
}

#[test]
fn resources_of_any_type_are_read_by_what_is_published() {
    let script = Script::of([
        (
            200,
            json!({"Resources": [{"id": "urn:x:Lamp", "ATTRIBUTES": [
            {"name": "watt", "type": "integer"}]}]}),
        ),
        (
            200,
            json!({"Resources": [{"name": "Lamp", "endpoint": "/Lamps", "schema": "urn:x:Lamp"}]}),
        ),
        (
            200,
            json!({"Resources": [{"schemas": ["urn:x:Lamp"], "id": "1", "WATT": "40"}]}),
        ),
    ]);
    let client = script.client();
    let definitions = client.definitions().unwrap();
    let lamps = &definitions[0];
    let endpoint = lamps.resource_type().endpoint.as_str();
    let lamp = client
        .walk(endpoint, &Query::default())
        .next()
        .unwrap()
        .unwrap();
    let lamp = Resource::read_response(lamps, lamp, &mut Tolerance::default()).unwrap();
    assert_eq!(
        (lamp.id(), &lamp.attributes()["watt"]),
        (Some("1"), &json!(40))
    );
    assert_eq!(script.urls()[2], "GET /Lamps");
    assert_eq!(User::ENDPOINT, "/Users");
}

#[test]
fn bulk_answers_every_operation() {
    let outcomes = json!({"Operations": [
        {"method": "POST", "bulkId": "a", "status": "201", "location": "https://x.example/v2/Users/7"},
        {"method": "DELETE", "status": "404", "response": Error::not_found().to_json()}]});
    let script = Script::of([(200, outcomes)]);
    let request = BulkRequest::new([
        BulkOperation::post("/Users", "a", json!({"userName": "ava"})),
        BulkOperation::delete("/Users/9"),
    ]);
    let response = script.client().bulk(&request).unwrap();
    assert_eq!(response.named("a").unwrap().status, 201);
    assert_eq!(response.operations[1].error(), Some(Error::not_found()));
    assert_eq!(script.urls(), ["POST /Bulk"]);
}

#[test]
fn anything_else_is_sent_as_it_is() {
    let script = Script::of([(501, Value::Null)]);
    let answer = script
        .client()
        .send(Method::Get, "/Me", None, None)
        .unwrap();
    assert_eq!(answer.status, 501);
}
