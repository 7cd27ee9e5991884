//! The layers: which crate may use which, and where the heavy libraries stay.
#![allow(clippy::expect_used, clippy::indexing_slicing)]

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::Value;

const LAYERS: [&str; 12] = [
    "scim-protocol",
    "scim-client",
    "scim-service",
    "scim-feed",
    "scim-mapping",
    "scim-provisioning",
    "scim-admin",
    "scim-persistence",
    "scim-http",
    "scim-console",
    "scim-cli",
    "serviceops-scim",
];

/// Which crate does not use which, although that one is below it. `scim-http` stands on the
/// service, and on the feed where that is wanted.
const APART: [(&str, &str); 9] = [
    ("scim-mapping", "scim-feed"),
    ("scim-provisioning", "scim-feed"),
    ("scim-mapping", "scim-service"),
    ("scim-http", "scim-mapping"),
    ("scim-http", "scim-provisioning"),
    ("scim-http", "scim-admin"),
    ("scim-http", "scim-persistence"),
    ("scim-console", "scim-persistence"),
    ("scim-cli", "scim-persistence"),
];

/// The dependencies of every crate of the workspace, those of tests left out.
fn dependencies() -> BTreeMap<String, BTreeSet<String>> {
    let output = Command::new(env!("CARGO"))
        .args([
            "metadata",
            "--no-deps",
            "--format-version",
            "1",
            "--offline",
        ])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{output:?}");
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("cargo prints JSON");
    let text = |value: &Value| value.as_str().expect("a name").to_owned();
    let packages = metadata["packages"].as_array().expect("packages");
    packages
        .iter()
        .map(|package| {
            let dependencies = package["dependencies"].as_array().expect("dependencies");
            let used = dependencies
                .iter()
                .filter(|dependency| dependency["kind"] != "dev")
                .map(|dependency| text(&dependency["name"]))
                .collect();
            (text(&package["name"]), used)
        })
        .collect()
}

#[test]
fn each_crate_uses_only_those_below_it() {
    let dependencies = dependencies();
    for (level, name) in LAYERS.iter().enumerate() {
        let used = &dependencies[*name];
        let apart = APART.iter().filter(|(upper, _)| upper == name);
        for other in apart.map(|(_, lower)| lower).chain(&LAYERS[level..]) {
            assert!(!used.contains(*other), "{name} uses {other}");
        }
    }
}

#[test]
fn every_crate_has_its_layer() {
    let crates: BTreeSet<_> = dependencies().into_keys().collect();
    let mut expected: BTreeSet<_> = LAYERS.map(str::to_owned).into();
    let programs = ["examples", "load", "page", "provider", "provider-axum"];
    let tests = ["end-to-end", "engines", "instructions", "listing"];
    expected.extend(programs.into_iter().chain(tests).map(str::to_owned));
    assert_eq!(crates, expected);
}

#[test]
fn libraries_stay_where_they_belong() {
    let dependencies = dependencies();
    let belongs = |library: &str| -> &[&str] {
        match library {
            "diesel" | "diesel_migrations" | "r2d2" | "libsqlite3-sys" | "pq-sys" => {
                &["scim-persistence"]
            }
            "actix-web" => &["scim-http", "scim-console", "serviceops-scim"],
            "actix-http" => &["scim-http", "serviceops-scim"],
            "actix-server" => &["scim-http", "serviceops-scim"],
            "rustls" => &["scim-http", "scim-cli", "serviceops-scim"],
            "clap" => &["scim-cli"],
            // The console has it for the OpenID provider alone.
            "anyhow" => &["scim-cli", "scim-console", "serviceops-scim"],
            // Schemas of what an API reads and answers stand where its types do.
            "utoipa" => &[
                "scim-console",
                "scim-admin",
                "scim-mapping",
                "scim-provisioning",
            ],
            "askama" | "lettre" | "openidconnect" => &["scim-console"],
            "prometheus-client" => &["scim-http"],
            "jsonwebtoken" | "argon2" => &["scim-admin"],
            _ => &[],
        }
    };
    for name in LAYERS {
        for library in &dependencies[name] {
            let homes = belongs(library);
            assert!(
                homes.is_empty() || homes.contains(&name),
                "{name} uses {library}"
            );
        }
    }
}

/// Whatever stands below the web and the database, however many crates are between.
#[test]
fn libraries_without_io_carry_neither_web_nor_database_nor_runtime() {
    let pure = ["scim-protocol", "scim-service", "scim-mapping"];
    for name in pure.into_iter().chain(["scim-feed", "scim-provisioning"]) {
        let carried = tree(name);
        assert!(carried.contains("serde_json"), "{name}: {carried:?}");
        let heavy = carried.iter().filter(|library| {
            let of = |family: &&str| {
                let rest = library.strip_prefix(*family);
                rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['-', '_']))
            };
            [
                "actix",
                "async",
                "axum",
                "diesel",
                "futures",
                "hyper",
                "libsqlite3",
                "mio",
                "pq",
                "r2d2",
                "rand",
                "reqwest",
                "ring",
                "rusqlite",
                "rustls",
                "sqlx",
                "tokio",
                "tower",
                "ureq",
            ]
            .iter()
            .any(of)
        });
        let heavy: Vec<_> = heavy.collect();
        assert!(heavy.is_empty(), "{name} carries {heavy:?}");
    }
    for name in ["scim-protocol", "scim-service"] {
        assert!(!tree(name).contains("tracing"), "{name} carries tracing");
    }
}

/// Everything that a crate carries, through whatever it uses.
fn tree(name: &str) -> BTreeSet<String> {
    let output = Command::new(env!("CARGO"))
        .args(["tree", "-p", name, "-e", "normal", "--prefix", "none"])
        .args(["--offline", "--format", "{p}"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{output:?}");
    let tree = String::from_utf8_lossy(&output.stdout);
    let names = tree
        .lines()
        .filter_map(|line| line.split_whitespace().next());
    names.map(str::to_owned).collect()
}

/// Whoever embeds the endpoint gets nothing of ServiceOps.
#[test]
fn a_service_provider_of_ones_own_stands_on_the_protocol_alone() {
    let carried = tree("provider");
    let ours: BTreeSet<&str> = carried
        .iter()
        .map(String::as_str)
        .filter(|name| LAYERS.contains(name))
        .collect();
    let expected = ["scim-http", "scim-protocol", "scim-service"];
    assert_eq!(ours, expected.into());
}
