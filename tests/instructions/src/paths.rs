//! The hot paths.

use std::hint::black_box;
use std::sync::Arc;

use chrono::Utc;
use scim_admin::{
    Actor, AdminService, Authenticator, ConfigurationInput, IdentityProvider, KeyRing,
};
use scim_mapping::{Catalog, CompiledMapping, Event, MappingSet};
use scim_persistence::{Database, Settings};
use scim_protocol::filter::{Condition, Filter, index::search_document};
use scim_protocol::patch::PatchRequest;
use scim_protocol::query::Projection;
use scim_protocol::resource::{self, Projector};
use scim_protocol::{Limits, Profile, Resource, ResourceDefinition, Tolerance, Version};
use scim_provisioning::{Answer, Caller, Method, Request, ServiceProvider};
use scim_service::render::{self, Common};
use scim_service::splice::{Splice, splice};
use serde_json::{Map, Value, json};

use crate::Failed;

/// A path that was prepared.
pub(crate) type Walk = Box<dyn FnMut()>;
/// What prepares a path.
pub(crate) type Prepare = fn() -> Result<Walk, Failed>;

/// Every path with its name.
pub(crate) const PATHS: [(&str, Prepare); 14] = [
    ("filter: parse", parse_filter),
    ("filter: bind", bind_filter),
    ("filter: evaluate", evaluate_filter),
    ("PATCH: read, resolve and apply", apply_patch),
    ("resource: read", read_resource),
    ("resource: project and write", write_resource),
    ("resource: splice", splice_resource),
    ("resource: what is searched", search_resource),
    ("mapping: to fields", map_resource),
    ("mapping: what was changed by hand", emit_resource),
    ("token: check", check_token),
    ("SQLite: GET of a user", get_user),
    ("SQLite: GET of a part of a user", get_part),
    ("SQLite: match by userName", match_user),
];

const BASE: &str = "https://scim.example/api/scim/v2";
const FILTER: &str = "userName eq \"Ava.Stone@corp.example\" and (emails[type eq \"work\" and \
    value co \"@corp\"] or not (title pr))";

fn body() -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User",
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"],
        "externalId": "00u1a2b3c4d5e6f7", "userName": "ava.stone@corp.example",
        "name": {"formatted": "Ms. Ava B. Stone", "familyName": "Stone", "givenName": "Ava"},
        "displayName": "Ava Stone", "title": "Site Reliability Engineer", "active": true,
        "preferredLanguage": "de-DE", "locale": "de-DE", "timezone": "Europe/Berlin",
        "emails": [{"value": "ava.stone@corp.example", "type": "work", "primary": true},
            {"value": "ava@home.example", "type": "home"}],
        "phoneNumbers": [{"value": "+49 30 123456", "type": "work"},
            {"value": "+49 170 123456", "type": "mobile"}],
        "addresses": [{"type": "work", "streetAddress": "Torstr. 1", "locality": "Berlin",
            "postalCode": "10115", "country": "DE", "formatted": "Torstr. 1\n10115 Berlin"}],
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {
            "employeeNumber": "4711", "department": "Operations", "costCenter": "42",
            "organization": "Example"},
    })
}

fn users() -> ResourceDefinition {
    ResourceDefinition::user()
}

fn read() -> Result<Resource, Failed> {
    Ok(Resource::read(&users(), body(), &mut Tolerance::default())?)
}

fn parse_filter() -> Result<Walk, Failed> {
    let limits = Limits::default();
    Ok(Box::new(move || {
        let parsed = Filter::parse(black_box(FILTER), &limits, &mut Tolerance::default());
        let _ = black_box(parsed);
    }))
}

fn bound() -> Result<Condition, Failed> {
    Ok(FILTER
        .parse::<Filter>()?
        .bind(&users(), &mut Tolerance::default())?)
}

fn bind_filter() -> Result<Walk, Failed> {
    let (filter, users) = (FILTER.parse::<Filter>()?, users());
    Ok(Box::new(move || {
        let _ = black_box(black_box(&filter).bind(&users, &mut Tolerance::default()));
    }))
}

fn evaluate_filter() -> Result<Walk, Failed> {
    let (condition, user) = (bound()?, read()?.into_map());
    if !condition.matches(&user) {
        return Err("the filter does not find the user".into());
    }
    Ok(Box::new(move || {
        black_box(black_box(&condition).matches(&user));
    }))
}

fn apply_patch() -> Result<Walk, Failed> {
    let (users, user, limits) = (users(), read()?, Limits::default());
    let body = json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": [
        {"op": "replace", "path": "title", "value": "Manager"},
        {"op": "replace", "path": "emails[type eq \"work\"].value", "value": "a@corp.example"},
        {"op": "Add", "value": {"name.givenName": "Eva", "active": "True"}},
        {"op": "remove", "path": "phoneNumbers[type eq \"mobile\"]"},
    ]});
    Ok(Box::new(move || {
        let mut tolerance = Tolerance::default();
        let request = PatchRequest::read(black_box(&body).clone(), &limits, &mut tolerance);
        let patch = request.and_then(|request| request.resolve(&users, &mut tolerance));
        let _ = black_box(patch.and_then(|patch| patch.apply(&user, &mut tolerance)));
    }))
}

fn read_resource() -> Result<Walk, Failed> {
    let (users, text, limits) = (users(), body().to_string(), Limits::default());
    Ok(Box::new(move || {
        let body = resource::parse(black_box(text.as_bytes()), &limits);
        let read = body.and_then(|body| Resource::read(&users, body, &mut Tolerance::default()));
        let _ = black_box(read);
    }))
}

fn write_resource() -> Result<Walk, Failed> {
    let (users, user) = (users(), read()?.into_map());
    Ok(Box::new(move || {
        let projector = Projector::new(&users, &Projection::default());
        black_box(render::text(&projector, black_box(&user)));
    }))
}

fn splice_resource() -> Result<Walk, Failed> {
    let document = Value::Object(read()?.into_map()).to_string();
    let now = Utc::now();
    Ok(Box::new(move || {
        let with = Splice {
            common: Common {
                id: "01912d68-783e-7a03-8467-5661c1243ad4",
                created: now,
                last_modified: now,
                tag: Version(3).into(),
            },
            resource_type: "User",
            location: "https://scim.example/api/scim/v2/Users/01912d68-783e-7a03-8467-5661c1243ad4",
            beside: "",
            inner: None,
        };
        black_box(splice(black_box(&document), &with));
    }))
}

fn search_resource() -> Result<Walk, Failed> {
    let (users, user) = (users(), read()?.into_map());
    Ok(Box::new(move || {
        black_box(search_document(&users, black_box(&user)));
    }))
}

fn mapping() -> Result<CompiledMapping, Failed> {
    let set = MappingSet::default_user();
    Ok(set.compile(&users(), &Catalog::with_custom(Vec::new()))?)
}

fn map_resource() -> Result<Walk, Failed> {
    let (mapping, user) = (mapping()?, read()?.into_map());
    Ok(Box::new(move || {
        black_box(mapping.project(black_box(&user), Event::Change));
    }))
}

fn emit_resource() -> Result<Walk, Failed> {
    let (mapping, user): (_, Map<String, Value>) = (mapping()?, read()?.into_map());
    let record = mapping.project(&user, Event::Create).record;
    Ok(Box::new(move || {
        black_box(mapping.emit(black_box(&user), &record));
    }))
}

/// A server on a database in a file, with somebody in it.
struct House {
    provider: ServiceProvider,
    authenticator: Authenticator,
    caller: Caller,
    header: String,
    id: String,
    _folder: tempfile::TempDir,
}

impl House {
    fn new() -> Result<Self, Failed> {
        let folder = tempfile::tempdir()?;
        let settings = Settings {
            url: format!("sqlite:{}", folder.path().join("data.db").display()),
            base_url: BASE.to_owned(),
            connections: 1,
        };
        let database = Database::open(&settings)?;
        let keys = Arc::new(KeyRing::open(&folder.path().join("keys.json"))?);
        let admin = AdminService::new(database.clone(), keys.clone());
        let actor = Actor::new("instructions", None);
        let input = ConfigurationInput {
            name: "Counted".to_owned(),
            description: String::new(),
            users: true,
            groups: true,
            identity_provider: IdentityProvider::default(),
            profile: Profile::Tolerant,
            policies: scim_provisioning::Policies::default(),
            networks: Vec::new(),
        };
        let (added, _) = admin.add_configuration(&actor, &input, None)?;
        let token = admin.add_token(&actor, added.id, None, None)?;
        let caller = Caller {
            configuration: Arc::new(admin.configuration(added.id)?.to_provisioning()),
            request_id: "counted".to_owned(),
            source: None,
            user_agent: None,
            actor: None,
            run: None,
        };
        let mut house = Self {
            provider: ServiceProvider::new(database.clone(), keys.clone(), BASE, Limits::default()),
            authenticator: Authenticator::new(database, keys),
            caller,
            header: format!("Bearer {}", token.value.reveal()),
            id: String::new(),
            _folder: folder,
        };
        let created = house.ask(Method::Post, "/Users", "", body().to_string().as_bytes());
        let created = created.document().ok_or("nobody was created")?;
        let id = created.get("id").and_then(Value::as_str);
        house.id = id.ok_or_else(|| created.to_string())?.to_owned();
        let group = json!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"],
            "displayName": "Operations", "members": [{"value": house.id}]});
        let group = house.ask(Method::Post, "/Groups", "", group.to_string().as_bytes());
        match group.status {
            201 => Ok(house),
            other => Err(format!("the group was answered {other}").into()),
        }
    }

    fn ask(&self, method: Method, path: &str, query: &str, body: &[u8]) -> Answer {
        let request = Request {
            method,
            path,
            query,
            body,
            if_match: None,
            if_none_match: None,
        };
        self.provider.answer(&self.caller, &request)
    }

    fn authenticate(&self) -> bool {
        let headers = [self.header.as_bytes()];
        let who = self.authenticator.authenticate(&headers, None, Utc::now());
        black_box(who).is_ok()
    }

    /// Asks for something again and again, which must be answered 200.
    fn asks(self, path: &str, query: &'static str) -> Result<Walk, Failed> {
        let path = path.replace("ID", &self.id);
        let answered = self.ask(Method::Get, &path, query, &[]);
        if answered.status != 200 || !self.authenticate() {
            return Err(format!("{path} was answered {}", answered.status).into());
        }
        Ok(Box::new(move || {
            self.authenticate();
            black_box(self.ask(Method::Get, black_box(&path), query, &[]));
        }))
    }
}

fn check_token() -> Result<Walk, Failed> {
    let house = House::new()?;
    if !house.authenticate() {
        return Err("the token is not accepted".into());
    }
    Ok(Box::new(move || {
        house.authenticate();
    }))
}

fn get_user() -> Result<Walk, Failed> {
    House::new()?.asks("/Users/ID", "")
}

fn get_part() -> Result<Walk, Failed> {
    House::new()?.asks("/Users/ID", "attributes=userName,emails,active")
}

fn match_user() -> Result<Walk, Failed> {
    let query = "filter=userName%20eq%20%22Ava.Stone%40corp.example%22";
    House::new()?.asks("/Users", query)
}
