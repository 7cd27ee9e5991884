//! Every case of identity-provider traffic on both engines, each as a test of its own.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

use std::sync::{Arc, OnceLock};

use end_to_end::{Client, Engine, Server, traffic};
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
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
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
