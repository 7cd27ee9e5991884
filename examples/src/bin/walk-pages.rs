//! Links `scim-client`: walks through all users by index and by cursor, past a server that is busy.
//!
//! The server is one in this program, behind a transport of its own; `UreqTransport` is what goes
//! over the network.

use std::cell::Cell;
use std::time::Duration;

use scim_client::{Client, Request, Response, Transport};
use scim_protocol::ResourceDefinition;
use scim_protocol::query::Query;
use scim_protocol::user::User;
use scim_service::{MemoryStore, Method, ServiceProvider};

/// A service provider in this program, whose every third answer is that it is busy.
struct Inside {
    provider: ServiceProvider<MemoryStore>,
    requests: Cell<u32>,
    waited: Cell<Duration>,
}

impl Transport for Inside {
    type Error = std::convert::Infallible;

    fn send(&self, request: &Request) -> Result<Response, Self::Error> {
        self.requests.set(self.requests.get() + 1);
        if self.requests.get().is_multiple_of(3) {
            return Ok(Response {
                status: 503,
                headers: vec![("Retry-After".to_owned(), "2".to_owned())],
                body: Vec::new(),
            });
        }
        let below = request.url.strip_prefix(BASE).unwrap_or_default();
        let (path, query) = below.split_once('?').unwrap_or((below, ""));
        let method = match request.method {
            scim_client::Method::Post => Method::Post,
            _ => Method::Get,
        };
        let answer = self.provider.answer(&scim_service::Request {
            query,
            body: &request.body,
            ..scim_service::Request::new(method, path)
        });
        Ok(Response {
            status: answer.status,
            headers: Vec::new(),
            body: answer.into_text().unwrap_or_default().into_bytes(),
        })
    }

    fn wait(&self, pause: Duration) {
        self.waited.set(self.waited.get() + pause);
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let store = MemoryStore::new([ResourceDefinition::user()]);
    let client = Client::new(
        Inside {
            provider: ServiceProvider::new(store, BASE, b"a secret of the server"),
            requests: Cell::new(0),
            waited: Cell::new(Duration::ZERO),
        },
        BASE,
    );
    for number in 1..=5 {
        client.create(&User::new(format!("user{number}")))?;
    }
    let of_two = Query::default().with_count(2);
    for (name, query) in [
        ("index", of_two.clone().from_index(1)),
        ("cursor", of_two.from_cursor(None)),
    ] {
        let users: Result<Vec<User>, _> = client.resources(&query).collect();
        let names: Vec<String> = users?.into_iter().map(|user| user.user_name).collect();
        println!("by {name}: {}", names.join(" "));
    }
    let waited = client.transport().waited.get().as_secs();
    println!("waited for the server: {waited} seconds");
    Ok(())
}

const BASE: &str = "https://scim.example/v2";
