//! Stores that others write to, that fail, and that have rules.

use super::*;

/// A store that others change between the reading and the writing of an update, or that fails.
struct Contended {
    store: MemoryStore,
    meddle: Mutex<Vec<Value>>,
    fault: Option<StoreError>,
    /// Whether all work is rolled back once and run again, as where transactions collide.
    collides: bool,
}

impl Contended {
    fn new(fault: Option<StoreError>, collides: bool) -> Self {
        Self {
            store: MemoryStore::new([ResourceDefinition::user()]),
            meddle: Mutex::default(),
            fault,
            collides,
        }
    }
}

impl ResourceStore for Contended {
    fn definitions(&self) -> Vec<ResourceDefinition> {
        self.store.definitions()
    }

    fn write(&self, work: &mut Work<'_>) -> Result<(), Rollback> {
        if let Some(fault) = &self.fault {
            return Err(fault.clone().into());
        }
        if let Some(title) = self.meddle.lock().unwrap().pop() {
            self.store.write(&mut |tx| {
                let mut stored = tx.get("User", "0000000000000001")?.unwrap();
                let version = stored.version;
                stored.version.0 += 1;
                stored.attributes.insert("title".into(), title.clone());
                Ok(tx.replace("User", version, stored)?)
            })?;
        }
        if self.collides {
            let collided = self.store.write(&mut |tx| {
                work(tx)?;
                Err(Rollback::Refused)
            });
            collided.unwrap_err();
        }
        self.store.write(work)
    }

    fn read(&self, work: &mut Work<'_>) -> Result<(), Rollback> {
        self.store.write(work)
    }
}

#[test]
fn an_update_is_computed_anew_when_others_were_faster() {
    for others in [1, 3, 10] {
        let provider = ServiceProvider::new(Contended::new(None, false), BASE, b"secret");
        let id = create(&provider, "/Users", json!({"userName": "ava"}));
        *provider.store().meddle.lock().unwrap() =
            (0..others).map(|n| n.to_string().into()).collect();
        let change = patch(json!([{"op": "add", "path": "nickName", "value": "Av"}]));
        let answer = send(&provider, Method::Patch, &format!("/Users/{id}"), &change);
        let shown = answer.document().unwrap();
        assert_eq!(
            (answer.status, shown["nickName"].clone()),
            (200, json!("Av")),
            "{others}"
        );
        assert!(
            shown["title"].is_string(),
            "what others wrote stays: {others}"
        );
    }
}

#[test]
fn what_others_make_a_store_do_again_is_no_work_of_the_request() {
    let emails: Vec<_> = (0..50)
        .map(|at| json!({"value": format!("a{at}@x.example"), "type": "work"}))
        .collect();
    let user = json!({"userName": "ava", "emails": emails});
    let change = patch(json!([{"op": "replace",
        "path": "emails[value ew \"9@x.example\"].type", "value": "home"}]));
    let least = |collides| {
        let done = |work: &u64| {
            let store = Contended::new(None, collides);
            put(&store.store, "User", "0000000000000001", &user);
            *store.meddle.lock().unwrap() = (0..10).map(|n| n.to_string().into()).collect();
            let limits = Limits {
                work: *work,
                ..Limits::default()
            };
            let provider = ServiceProvider::new(store, BASE, b"secret").with_limits(limits);
            let answer = send(&provider, Method::Patch, "/Users/0000000000000001", &change);
            assert!(
                matches!(answer.status, 200 | 413),
                "{:?}",
                answer.document()
            );
            answer.status == 200
        };
        (1..5_000).step_by(5).find(done)
    };
    let calm = least(false);
    assert!(calm.is_some_and(|work| work > 50), "it is work: {calm:?}");
    assert_eq!(least(true), calm);
}

#[test]
fn a_fault_of_the_store_is_503_and_told_when_to_come_again() {
    let fault = StoreError::unknown(std::io::Error::other("a secret"));
    let provider = ServiceProvider::new(Contended::new(Some(fault), false), BASE, b"secret");
    let answer = send(
        &provider,
        Method::Post,
        "/Users",
        &json!({"userName": "ava"}),
    );
    assert_eq!((answer.status, answer.retry_after), (503, Some(5)));
    assert!(!answer.document().unwrap().to_string().contains("a secret"));
}

/// A store with a rule of its own: who is active is not deleted.
struct Ruled(MemoryStore);

struct RuledTransaction<'a>(&'a mut dyn ResourceTransaction);

impl ResourceStore for Ruled {
    fn definitions(&self) -> Vec<ResourceDefinition> {
        self.0.definitions()
    }

    fn write(&self, work: &mut Work<'_>) -> Result<(), Rollback> {
        self.0.write(&mut |tx| work(&mut RuledTransaction(tx)))
    }
}

impl ResourceTransaction for RuledTransaction<'_> {
    fn new_id(&mut self, kind: &str) -> Result<String, StoreError> {
        self.0.new_id(kind)
    }
    fn get(&mut self, kind: &str, id: &str) -> Result<Option<Stored>, StoreError> {
        self.0.get(kind, id)
    }
    fn select(
        &mut self,
        definition: &ResourceDefinition,
        selection: &scim_service::Selection<String>,
    ) -> Result<scim_service::Selected<Stored, String>, StoreError> {
        self.0.select(definition, selection)
    }
    fn insert(&mut self, kind: &str, stored: Stored) -> Result<(), StoreError> {
        self.0.insert(kind, stored)
    }
    fn replace(&mut self, kind: &str, expected: Version, stored: Stored) -> Result<(), StoreError> {
        self.0.replace(kind, expected, stored)
    }
    fn delete(&mut self, kind: &str, id: &str) -> Result<(), StoreError> {
        self.0.delete(kind, id)
    }
    fn check(
        &mut self,
        _definition: &ResourceDefinition,
        before: Option<&Stored>,
        after: Option<&serde_json::Map<String, Value>>,
    ) -> Result<(), Error> {
        let active =
            before.is_some_and(|before| before.attributes.get("active") == Some(&json!(true)));
        match after {
            None if active => Err(Error::with_status(403, "Block them first.")),
            _ => Ok(()),
        }
    }
}

#[test]
fn a_rule_of_the_store_is_asked_before_anything_is_written() {
    let store = Ruled(MemoryStore::new([ResourceDefinition::user()]));
    let provider = ServiceProvider::new(store, BASE, b"secret");
    let id = create(
        &provider,
        "/Users",
        json!({"userName": "ava", "active": true}),
    );
    let path = format!("/Users/{id}");
    assert_eq!(
        send(&provider, Method::Delete, &path, &Value::Null).status,
        403
    );
    let blocked = patch(json!([{"op": "replace", "path": "active", "value": "False"}]));
    assert_eq!(send(&provider, Method::Patch, &path, &blocked).status, 200);
    assert_eq!(
        send(&provider, Method::Delete, &path, &Value::Null).status,
        204
    );
}

#[test]
fn an_endpoint_is_the_same_with_and_without_its_slash() {
    let lamp = || Schema::new("urn:example:Lamp", "Lamp");
    for endpoint in ["Lamps", "/Lamps", "/Lamps/"] {
        let lamps = ResourceDefinition::new("Lamp", endpoint, "A lamp", lamp());
        let provider = ServiceProvider::new(MemoryStore::new([lamps]), BASE, b"secret");
        let body = json!({"schemas": ["urn:example:Lamp"]});
        let made = send(&provider, Method::Post, "Lamps", &body);
        let location = made.location.unwrap();
        let id = location.strip_prefix("https://scim.example/v2/Lamps/");
        let read = send(
            &provider,
            Method::Get,
            &format!("/Lamps/{}", id.unwrap()),
            &Value::Null,
        );
        assert_eq!(read.status, 200);
        let types = get(&provider, "/ResourceTypes");
        assert_eq!(types["Resources"][0]["endpoint"], "/Lamps");
    }
}

#[test]
fn a_service_provider_describes_itself_in_words_of_its_own() {
    let scheme = |provider: &ServiceProvider<MemoryStore>| {
        get(provider, "/ServiceProviderConfig")["authenticationSchemes"][0].clone()
    };
    let plain = scheme(&provider());
    assert_eq!(plain["description"], "A token, sent as a bearer token.");
    let described = provider()
        .with_config(|config| {
            config.documentation_uri = Some("https://scim.example/help".to_owned());
            config.authentication_schemes = vec![AuthenticationScheme::new(
                "httpbasic",
                "Basic",
                "A name and a password.",
            )];
        })
        .with_limits(Limits {
            page_max: 7,
            ..Limits::default()
        });
    let config = get(&described, "/ServiceProviderConfig");
    assert_eq!(config["documentationUri"], "https://scim.example/help");
    assert_eq!(config["authenticationSchemes"][0]["type"], "httpbasic");
    assert_eq!(config["filter"]["maxResults"], 7, "the limits in force");
}

#[test]
#[should_panic(expected = "the first resource type must be the built-in User")]
fn a_store_whose_first_type_is_another_is_told_so() {
    scim_service::testing::check_store(|| {
        MemoryStore::new([devices(), ResourceDefinition::user()])
    });
}
