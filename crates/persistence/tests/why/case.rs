//! A case: what is planted, and by whom.

use super::*;

/// One case in a house: its own configuration, and names of its own.
pub(super) struct Case<'h> {
    pub(super) house: &'h House,
    pub(super) caller: Caller,
    pub(super) name: String,
}

impl<'h> Case<'h> {
    pub(super) fn new(house: &'h House, number: usize) -> Self {
        let name = format!("case{number}");
        Self {
            caller: caller(configuration(&house.admin, &name)),
            house,
            name,
        }
    }

    pub(super) fn id(&self) -> ConfigurationId {
        self.caller.configuration.id
    }

    pub(super) fn with(mut self, policies: Policies) -> Self {
        let mut configuration = (*self.caller.configuration).clone();
        configuration.policies = policies;
        self.caller.configuration = configuration.into();
        self
    }

    pub(super) fn ask(&self, method: Method, path: &str, body: &Value) -> (u16, Value) {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let body = body.to_string();
        let request = Request {
            method,
            path,
            query,
            body: body.as_bytes(),
            if_match: None,
            if_none_match: None,
        };
        let answer = common::read_back(self.house.provider.answer(&self.caller, &request));
        (answer.status, answer.body.unwrap_or_default())
    }

    pub(super) fn create(&self) -> String {
        let (status, body) = self.ask(Method::Post, "/Users", &user(&self.name));
        assert_eq!(status, 201, "{}: {body}", self.name);
        body["id"].as_str().unwrap().to_owned()
    }

    pub(super) fn refused(&self, body: &Value) {
        let (status, body) = self.ask(Method::Post, "/Users", body);
        assert!(status >= 400, "{}: {body}", self.name);
    }

    pub(super) fn patch(&self, id: &str, path: &str, value: impl Into<Value>) -> u16 {
        let value: Value = value.into();
        let body = json!({"schemas": [uri::PATCH_OP],
            "Operations": [{"op": "replace", "path": path, "value": value}]});
        self.ask(Method::Patch, &format!("/Users/{id}"), &body).0
    }

    pub(super) fn delete(&self, id: &str) {
        let (status, _) = self.ask(Method::Delete, &format!("/Users/{id}"), &Value::Null);
        assert_eq!(status, 204, "{}", self.name);
    }

    /// Takes everybody out of a group.
    pub(super) fn empty(&self, group: &str) {
        let name = format!("Ops {}", self.name);
        let none = json!({"schemas": [uri::GROUP], "displayName": name, "members": []});
        let (status, body) = self.ask(Method::Put, &format!("/Groups/{group}"), &none);
        assert_eq!(status, 200, "{body}");
    }

    /// Takes back what was done last.
    pub(super) fn take_back(&self) {
        let admin = &self.house.admin;
        let query = EventQuery {
            configuration: Some(self.id()),
            limit: 1,
            ..EventQuery::default()
        };
        let last = admin.events(&query).unwrap().remove(0);
        let (run, chosen) = admin.run_of_event(last.id).unwrap();
        let begun = admin.begin_undo(&actor(), &run, chosen).unwrap();
        admin.finish_undo(begun.id).unwrap();
    }

    pub(super) fn look_up(&self, filter: &str) {
        let filter = filter.replace(' ', "%20").replace('"', "%22");
        let path = format!("/Users?filter={filter}");
        assert_eq!(self.ask(Method::Get, &path, &Value::Null).0, 200);
    }

    pub(super) fn by_hand(&self, change: impl FnOnce(&mut PersonInput)) -> String {
        let mut input = PersonInput {
            user_name: self.name.clone(),
            email: None,
            tenant_admin: false,
            role: None,
        };
        change(&mut input);
        self.house.admin.add_person(&actor(), &input).unwrap()
    }

    pub(super) fn change(&self, id: &str, change: PersonChange) {
        let admin = &self.house.admin;
        admin.change_person(&actor(), id, change).unwrap();
    }

    pub(super) fn set_status(&self, status: ConfigurationStatus) {
        let admin = &self.house.admin;
        let found = admin.configuration(self.id()).unwrap();
        admin.set_status(&actor(), &found, status).unwrap();
    }

    pub(super) fn refuse_at_the_door(&self, cause: Cause, status: u16) {
        self.house.provider.note_refusal(
            &self.caller,
            &RefusedRequest {
                method: Method::Post,
                path: "/Users",
                cause,
                status,
                reason: "refused at the door",
                detail: "refused",
            },
        );
    }
}

pub(super) fn user(name: &str) -> Value {
    json!({
        "schemas": [uri::USER],
        "userName": name,
        "externalId": format!("Ext-{name}"),
        "name": {"givenName": format!("Given{name}"), "familyName": format!("Stone{name}")},
        "emails": [{"value": format!("{name}@corp.example"), "type": "work", "primary": true}],
    })
}

pub(super) fn with(name: &str, member: &str, value: impl Into<Value>) -> Value {
    let mut user = user(name);
    user[member] = value.into();
    user
}

/// With a guard that holds or rejects whatever leaves after one.
pub(super) fn guarded(action: GuardAction) -> Policies {
    Policies {
        guard: Guard {
            count: 1,
            percent: 0,
            minutes: 60,
            action,
        },
        ..Policies::default()
    }
}

/// The user of the case in a group, by whose id it is answered.
pub(super) fn in_group(case: &Case<'_>) -> String {
    let mut other = user(&format!("{}-other", case.name));
    other["emails"] = json!([]);
    let (_, other) = case.ask(Method::Post, "/Users", &other);
    let members = json!([{"value": case.create()}, {"value": other["id"]}]);
    let name = format!("Ops {}", case.name);
    let group = json!({"schemas": [uri::GROUP], "displayName": name, "members": members});
    let (status, body) = case.ask(Method::Post, "/Groups", &group);
    assert_eq!(status, 201, "{body}");
    body["id"].as_str().unwrap().to_owned()
}

pub(super) fn leaver(case: &Case<'_>) {
    let mut other = user(&case.name);
    other["userName"] = json!(format!("{}-first", case.name));
    other["emails"] = json!([]);
    other["externalId"] = json!("first");
    let (status, body) = case.ask(Method::Post, "/Users", &other);
    assert_eq!(status, 201, "{body}");
    case.delete(body["id"].as_str().unwrap());
}

/// What is planted, who is asked for, and what explains it; whether it is asked of the configuration
/// of the case alone.
pub(super) type Plant = (&'static str, fn(Case<'_>) -> String, &'static str, bool);

/// Who is asked for, where that is the one of the case.
pub(super) fn own(case: &Case<'_>) -> String {
    case.name.clone()
}

/// What is decided by which came later is told apart by milliseconds.
pub(super) fn pause() {
    std::thread::sleep(std::time::Duration::from_millis(3));
}
