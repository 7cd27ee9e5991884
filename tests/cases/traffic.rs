//! Every case of identity-provider traffic on both engines, and at the service provider of the
//! examples, each as a test of its own.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command};
use std::sync::{Arc, OnceLock};
use std::thread::sleep;
use std::time::Duration;

use end_to_end::{Client, Engine, Server, example, traffic};
use libtest_mimic::{Arguments, Failed, Trial};

fn main() {
    let engines = [
        ("sqlite", Some(Engine::Sqlite)),
        ("postgres", Engine::postgres()),
    ];
    let mut trials = Vec::new();
    for (name, engine) in engines {
        let target = Arc::new(Target {
            engine,
            started: OnceLock::new(),
        });
        trials.extend(traffic::cases().into_iter().map(|case| {
            let target = Arc::clone(&target);
            let ignored = target.engine.is_none();
            let id = case["id"].as_str().unwrap().to_owned();
            let name = format!("{name}::{id}");
            let run = move || traffic::run(&target.client(&id), &case).map_err(Failed::from);
            Trial::test(name, run).with_ignored_flag(ignored)
        }));
    }
    let cases = traffic::cases().into_iter();
    let cases = cases.filter(|case| !NOT_OF_A_STORE.contains(&case["id"].as_str().unwrap()));
    trials.extend(cases.map(|case| {
        let name = format!("provider::{}", case["id"].as_str().unwrap());
        let run = move || traffic::run(&Provider::start().client(), &case).map_err(Failed::from);
        Trial::test(name, run)
    }));
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}

/// Cases that ask for more than a store of eight methods keeps: of a user, the groups.
const NOT_OF_A_STORE: [&str; 1] = ["rauthy-004"];

/// The service provider of the examples, for one case.
struct Provider {
    process: Child,
    port: u16,
}

impl Provider {
    fn start() -> Self {
        let free = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = free.local_addr().unwrap().port();
        drop(free);
        let mut command = Command::new(example("provider"));
        let process = command.args([&port.to_string(), "secret"]).spawn().unwrap();
        let provider = Self { process, port };
        for _ in 0..500 {
            if TcpStream::connect(("127.0.0.1", port)).is_ok() {
                break;
            }
            sleep(Duration::from_millis(10));
        }
        provider
    }

    fn client(&self) -> Client {
        Client::new(&format!("http://127.0.0.1:{}/scim/v2", self.port), "secret")
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

/// A server that the first of its cases starts, and that ends with the last.
struct Target {
    engine: Option<Engine>,
    started: OnceLock<Server>,
}

impl Target {
    /// A client of a configuration of the case's own: what other cases create meanwhile must not
    /// stand in its pages.
    fn client(&self, case: &str) -> Client {
        let server = self
            .started
            .get_or_init(|| Server::start(self.engine.clone().unwrap()));
        server.configuration(case).client
    }
}
