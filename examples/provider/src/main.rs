//! A service provider of one's own: a resource type, an extension and a map of one's own.
//! `provider PORT TOKEN` serves it at `http://127.0.0.1:PORT/scim/v2`.
use std::{collections::BTreeMap, env, sync::Mutex};

use actix_web::{App, HttpServer};
use scim_http::ScimEndpoint;
use scim_protocol::ResourceDefinition;
use scim_protocol::schema::{Attribute, AttributeType, Schema, Uniqueness};
use scim_service::{store::*, *};

/// Resources by type and id, and how many there ever were.
#[derive(Clone, Default)]
struct Table(BTreeMap<(String, String), Stored>, u64);
struct Store(Mutex<Table>);

impl ResourceStore for Store {
    fn definitions(&self) -> Vec<ResourceDefinition> {
        let text = |name: &str| Attribute::new(name, AttributeType::String);
        let serial = text("serial").required().unique(Uniqueness::Server);
        let device = Schema::new("urn:example:2.0:Device", "Device").with([serial, text("label")]);
        let place = Schema::new("urn:example:2.0:Place", "Place").with([text("room")]);
        let devices = ResourceDefinition::new("Device", "/Devices", "A device", device);
        let [user, group] = [ResourceDefinition::user(), ResourceDefinition::group()];
        vec![user, group, devices.extended(place, false)]
    }
    fn write(&self, work: &mut Work<'_>) -> Result<(), Rollback> {
        let mut table = self.0.lock().map_err(|_poisoned| StoreError::Busy)?;
        let mut copy = table.clone();
        work(&mut copy)?;
        *table = copy;
        Ok(())
    }
}

impl ResourceTransaction for Table {
    fn new_id(&mut self, _: &str) -> Result<String, StoreError> {
        self.1 += 1;
        Ok(self.1.to_string())
    }
    fn get(&mut self, kind: &str, id: &str) -> Result<Option<Stored>, StoreError> {
        Ok(self.0.get(&(kind.into(), id.into())).cloned())
    }
    #[rustfmt::skip]
    fn select(&mut self, definition: &ResourceDefinition, selection: &Selection<String>)
        -> Result<Selected<Stored, String>, StoreError> {
        let of_kind = self.0.iter().filter(|((kind, _), _)| kind == definition.name());
        Ok(page(definition, of_kind.map(|(_, stored)| stored), selection))
    }
    fn insert(&mut self, kind: &str, stored: Stored) -> Result<(), StoreError> {
        self.0.insert((kind.into(), stored.id.clone()), stored);
        Ok(())
    }
    fn delete(&mut self, kind: &str, id: &str) -> Result<(), StoreError> {
        let gone = self.0.remove(&(kind.into(), id.into()));
        gone.map(drop).ok_or(StoreError::Stale)
    }
}

#[actix_web::main]
async fn main() -> std::io::Result<()> {
    let [port, token] = [1, 2].map(|at| env::args().nth(at).unwrap_or_default());
    let base = format!("http://127.0.0.1:{port}/scim/v2");
    let provider = ServiceProvider::new(Store(Mutex::default()), &base, token.as_bytes());
    let known = move |sent: &str| (sent == token).then_some(());
    let endpoint = ScimEndpoint::new("/scim/v2", provider, known);
    let server = HttpServer::new(move || App::new().service(endpoint.clone()));
    server.bind(format!("127.0.0.1:{port}"))?.run().await
}
