//! Random requests. What they name of earlier answers and of what is hidden stands in double braces,
//! so that one request can be sent to both servers.

use end_to_end::{Response, uri};
use serde_json::{Value, json};

use crate::compare::Told;
use crate::draw::{GROUP_NAMES, Random, WORDS, user};

/// A request before it is sent.
#[derive(Debug, Clone, Default)]
pub(crate) struct Request {
    pub(crate) method: &'static str,
    pub(crate) path: String,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Option<String>,
}

/// Draws requests, and learns from the answers what there is to ask for.
pub(crate) struct Requests {
    pub(crate) random: Random,
    hidden: [[usize; 2]; 2],
    ids: [Vec<String>; 2],
    /// Which requests answered an entity tag, and for which path.
    tags: Vec<(usize, String)>,
    /// Which requests answered a cursor, and for which path without it.
    pub(crate) cursors: Vec<(usize, String)>,
    pub(crate) sent: usize,
}

pub(crate) const KINDS: [&str; 2] = ["/Users", "/Groups"];

impl Requests {
    /// `hidden` says how many users and groups each side hides.
    pub(crate) fn new(seed: u64, hidden: [[usize; 2]; 2]) -> Self {
        Self {
            random: Random::new(seed ^ 0x5ca1ab1e),
            hidden,
            ids: [Vec::new(), Vec::new()],
            tags: Vec::new(),
            cursors: Vec::new(),
            sent: 0,
        }
    }

    /// The requests that make what is seen at first: some more than a hundred people, groups among
    /// them one of about a hundred, which is where answers change from 200 to 204.
    pub(crate) fn first(&mut self) -> Vec<Request> {
        let mut operations = Vec::new();
        let mut members = Vec::new();
        for at in 0..104 {
            let id = format!("u{at}");
            let data = user(&mut self.random, at);
            members.push(json!({"value": format!("bulkId:{id}"), "type": "User"}));
            operations
                .push(json!({"method": "POST", "path": "/Users", "bulkId": id, "data": data}));
        }
        for (at, name) in GROUP_NAMES.iter().enumerate() {
            let members: Vec<&Value> = match at {
                0 => members.iter().take(90 + self.random.below(11)).collect(),
                _ => members.iter().filter(|_| self.random.one_in(20)).collect(),
            };
            let data = json!({"schemas": [uri::GROUP], "displayName": name, "members": members});
            operations.push(json!({"method": "POST", "path": "/Groups",
                "bulkId": format!("g{at}"), "data": data}));
        }
        let list = |kind: &str| Request {
            method: "GET",
            path: format!("{kind}?count=200"),
            ..Request::default()
        };
        vec![
            post(
                "/Bulk",
                &json!({"schemas": [uri::BULK], "Operations": operations}),
            ),
            list("/Users"),
            list("/Groups"),
        ]
    }

    /// Notes what an answer tells of.
    pub(crate) fn learn(
        &mut self,
        number: usize,
        request: &Request,
        answer: &Response,
        told: &Told,
    ) {
        self.sent = number;
        let mut resources = vec![&answer.json];
        if let Some(list) = answer.json["Resources"].as_array() {
            resources.extend(list);
        }
        for resource in resources {
            let kind = match resource["meta"]["resourceType"].as_str() {
                Some("User") => 0,
                Some("Group") => 1,
                _ => continue,
            };
            let Some(place) = resource["id"].as_str().and_then(|id| told.place_of(id)) else {
                continue;
            };
            let name = format!("{{{{id {} {}}}}}", place.0, place.1);
            if !self.ids[kind].contains(&name) {
                self.ids[kind].push(name);
            }
        }
        let path = request.path.split(['?', '&']).next().unwrap_or_default();
        // What is gone is asked for again, but not for ever.
        if answer.status == 404 || (request.method == "DELETE" && self.random.one_in(2)) {
            for ids in &mut self.ids {
                ids.retain(|id| !path.ends_with(id.as_str()));
            }
        }
        if answer.header("etag").is_some() {
            self.tags.push((number, path.to_owned()));
        }
        if request.method == "GET" && answer.json["nextCursor"].is_string() {
            let path = request.path.split("&cursor").next().unwrap_or_default();
            self.cursors.push((number, path.to_owned()));
        }
    }

    pub(crate) fn id(&mut self, kind: usize) -> String {
        match self.random.below(20) {
            0..14 if !self.ids[kind].is_empty() => {
                let of = self.ids[kind].len();
                if kind == 1 && self.random.one_in(4) {
                    return self.ids[kind][0].clone();
                }
                // What was made last is asked for more often.
                let back = self.random.below(of).min(self.random.below(of));
                self.ids[kind][of - 1 - back].clone()
            }
            14 => self.random.word(&["nobody", "%00", "1", "a/b"]).to_owned(),
            15 => "0190aaaa-0000-7000-8000-00000000000f".to_owned(),
            _ => {
                let (side, kind) = (
                    self.random.below(2),
                    if self.random.one_in(6) {
                        1 - kind
                    } else {
                        kind
                    },
                );
                let at = self.random.below(self.hidden[side][kind]);
                format!("{{{{hidden {side} {kind} {at}}}}}")
            }
        }
    }

    /// An id that may stand in a list of members.
    fn member(&mut self) -> Value {
        let kind = usize::from(self.random.one_in(6));
        json!({"value": self.id(kind)})
    }

    fn members(&mut self) -> Vec<Value> {
        let count = self.random.below(4);
        (0..count).map(|_| self.member()).collect()
    }

    fn user(&mut self) -> Value {
        let at = self.random.below(160);
        let mut user = user(&mut self.random, at);
        if self.random.one_in(3) {
            let manager = self.id(0);
            user[uri::ENTERPRISE] = json!({"department": self.random.word(&WORDS),
                "manager": {"value": manager}});
        }
        user
    }

    fn group(&mut self) -> Value {
        let name = format!("{}{}", self.random.word(&GROUP_NAMES), self.random.below(6));
        let mut group = json!({"schemas": [uri::GROUP], "displayName": name,
            "members": self.members()});
        if self.random.one_in(3) {
            group["externalId"] = json!(format!("g{}", self.random.below(20)));
        }
        group
    }

    fn change_of_user(&mut self) -> Value {
        let enterprise = uri::ENTERPRISE;
        let word = self.random.word(&WORDS);
        let op = self.random.word(&["add", "replace", "remove", "Replace"]);
        let (path, value) = match self.random.below(9) {
            0 => (
                "userName".to_owned(),
                json!(format!("u{}", self.random.below(160))),
            ),
            1 => ("displayName".to_owned(), json!(word)),
            2 => ("active".to_owned(), json!(self.random.one_in(2))),
            3 => (
                format!("{enterprise}:manager"),
                json!({"value": self.id(0)}),
            ),
            4 => (format!("{enterprise}:manager.value"), json!(self.id(0))),
            5 => (
                "emails[type eq \"work\"].value".to_owned(),
                json!(format!("p{}@x.example", self.random.below(160))),
            ),
            6 => ("name.familyName".to_owned(), json!(word)),
            7 => (format!("{enterprise}:department"), json!(word)),
            _ => (
                "externalId".to_owned(),
                json!(format!("x{}", self.random.below(60))),
            ),
        };
        json!({"op": op, "path": path, "value": value})
    }

    fn change_of_group(&mut self) -> Value {
        let op = self
            .random
            .word(&["add", "replace", "remove", "add", "remove"]);
        match self.random.below(8) {
            0 => json!({"op": "replace", "path": "displayName",
                "value": format!("{}{}", self.random.word(&GROUP_NAMES), self.random.below(6))}),
            1 => json!({"op": "remove", "path": format!("members[value eq \"{}\"]", self.id(0))}),
            2 if self.random.one_in(6) => json!({"op": "remove", "path": "members"}),
            3 => json!({"op": "remove",
                "path": format!("members[display co \"{}\"]", self.random.word(&WORDS))}),
            4 => json!({"op": op, "value": {"members": self.members()}}),
            _ => json!({"op": op, "path": "members", "value": self.members()}),
        }
    }

    fn patch(&mut self, kind: usize) -> Value {
        let count = 1 + self.random.below(3);
        let operations: Vec<Value> = (0..count)
            .map(|_| match kind {
                0 => self.change_of_user(),
                _ => self.change_of_group(),
            })
            .collect();
        json!({"schemas": [uri::PATCH], "Operations": operations})
    }

    fn write(&mut self) -> Request {
        let kind = self.random.below(2);
        let path = format!("{}/{}", KINDS[kind], self.id(kind));
        let path = match self.random.below(8) {
            0 => format!(
                "{path}?attributes={}",
                self.random.word(&["members", "groups", "userName"])
            ),
            1 => format!("{path}?excludedAttributes=members"),
            _ => path,
        };
        let (method, path, body) = match self.random.below(14) {
            0..4 => ("POST", KINDS[kind].to_owned(), Some(self.resource(kind))),
            4..6 => ("PUT", path, Some(self.resource(kind))),
            6 => ("DELETE", path, None),
            _ => ("PATCH", path, Some(self.patch(kind))),
        };
        Request {
            method,
            path,
            headers: self.condition(),
            body: body.map(|body| body.to_string()),
        }
    }

    fn resource(&mut self, kind: usize) -> Value {
        match kind {
            0 => self.user(),
            _ => self.group(),
        }
    }

    fn condition(&mut self) -> Vec<(&'static str, String)> {
        if !self.random.one_in(6) || self.tags.is_empty() {
            return Vec::new();
        }
        let (number, _) = self.tags[self.random.below(self.tags.len())];
        let tag = match self.random.below(4) {
            0 => "*".to_owned(),
            1 => "W/\"2\"".to_owned(),
            _ => format!("{{{{tag {number}}}}}"),
        };
        vec![("if-match", tag)]
    }

    fn read(&mut self) -> Request {
        let kind = self.random.below(2);
        let method = self.random.word(&["GET", "GET", "GET", "HEAD"]);
        if self.random.one_in(4) && !self.tags.is_empty() {
            let (number, path) = self.tags[self.random.below(self.tags.len())].clone();
            let tag = format!("{{{{tag {number}}}}}");
            return Request {
                method,
                path,
                headers: vec![("if-none-match", tag)],
                body: None,
            };
        }
        let mut path = format!("{}/{}", KINDS[kind], self.id(kind));
        if self.random.one_in(3) {
            path += self.random.word(&[
                "?attributes=groups",
                "?attributes=members.display",
                "?excludedAttributes=groups,members",
                "?attributes=meta",
                "?attributes=manager",
            ]);
        }
        Request {
            method,
            path,
            ..Request::default()
        }
    }

    fn bulk(&mut self) -> Request {
        let count = 1 + self.random.below(5);
        let operations: Vec<Value> = (0..count)
            .map(|at| {
                let kind = self.random.below(2);
                let path = format!("{}/{}", KINDS[kind], self.id(kind));
                match self.random.below(10) {
                    0..4 => json!({"method": "POST", "path": KINDS[kind],
                        "bulkId": format!("b{at}"), "data": self.resource(kind)}),
                    4 | 5 => json!({"method": "PUT", "path": path, "data": self.resource(kind)}),
                    6 => json!({"method": "DELETE", "path": path}),
                    _ => json!({"method": "PATCH", "path": path, "data": self.patch(kind)}),
                }
            })
            .collect();
        let mut body = json!({"schemas": [uri::BULK], "Operations": operations});
        if self.random.one_in(3) {
            body["failOnErrors"] = json!(1 + self.random.below(2));
        }
        post("/Bulk", &body)
    }

    /// What is no good request, or names no resource.
    fn odd(&mut self) -> Request {
        let kind = self.random.below(2);
        let path = format!("{}/{}", KINDS[kind], self.id(kind));
        let mut request = Request {
            method: "GET",
            path,
            ..Request::default()
        };
        match self.random.below(10) {
            0 => request.path = "/ServiceProviderConfig".to_owned(),
            1 => {
                request.path = self
                    .random
                    .word(&[
                        "/Schemas",
                        "/ResourceTypes",
                        "/Me",
                        "/Nothing",
                        "/Schemas/urn:ietf:params:scim:schemas:core:2.0:User",
                    ])
                    .to_owned()
            }
            2 => request.method = "OPTIONS",
            3 => request.method = "TRACE",
            4 => {
                request = Request {
                    method: "POST",
                    body: Some("{}".to_owned()),
                    ..request
                }
            }
            5 => {
                request = Request {
                    method: "PATCH",
                    body: Some("{\"Operations\": [".to_owned()),
                    ..request
                }
            }
            6 => {
                request = Request {
                    method: "PUT",
                    body: Some("[]".to_owned()),
                    ..request
                }
            }
            7 => request
                .headers
                .push(("authorization", "Bearer nothing".to_owned())),
            8 => {
                request = Request {
                    method: "PATCH",
                    headers: vec![("content-type", "text/plain".to_owned())],
                    body: Some(self.patch(kind).to_string()),
                    ..request
                }
            }
            _ => request.path += "/members",
        }
        request
    }

    /// The next request.
    pub(crate) fn next(&mut self) -> Request {
        match self.random.below(40) {
            0..14 => self.write(),
            14..19 => self.read(),
            19..30 => self.list(),
            30..34 => self.search(),
            34..37 => self.bulk(),
            _ => self.odd(),
        }
    }

    /// Which side's hidden part changes now, if any does.
    pub(crate) fn stirred(&mut self) -> Option<usize> {
        self.random.one_in(12).then(|| self.random.below(2))
    }

    /// The options of the observed configuration.
    pub(crate) fn options(seed: u64) -> Vec<&'static str> {
        let mut random = Random::new(seed ^ 0x0971_0115);
        let mut options = vec!["--users", "--groups"];
        options.extend([
            "--idp",
            random.word(&["generic", "entra", "okta", "onelogin"]),
        ]);
        options.extend([
            "--profile",
            random.word(&["tolerant", "tolerant", "tolerant", "strict"]),
        ]);
        options.extend(["--existing-users", random.word(&["ask", "link", "refuse"])]);
        options.extend(["--on-deactivate", random.word(&["block", "archive"])]);
        options.extend(["--on-delete", random.word(&["archive", "block", "delete"])]);
        options.extend(["--guard-count", random.word(&["0", "3", "20"])]);
        options.extend(["--guard-percent", random.word(&["1", "5", "20"])]);
        options.extend(["--guard-action", random.word(&["hold", "reject"])]);
        options
    }
}

pub(crate) fn post(path: &str, body: &Value) -> Request {
    Request {
        method: "POST",
        path: path.to_owned(),
        headers: Vec::new(),
        body: Some(body.to_string()),
    }
}
