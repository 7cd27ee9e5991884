//! The layers: which crate may use which, and where the heavy libraries stay.
#![allow(clippy::expect_used, clippy::indexing_slicing)]

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::Value;

const LAYERS: [&str; 7] = [
    "scim-protocol",
    "scim-service",
    "scim-mapping",
    "scim-provisioning",
    "scim-admin",
    "scim-persistence",
    "serviceops-scim",
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
        for above in &LAYERS[level..] {
            assert!(!used.contains(*above), "{name} uses {above}");
        }
    }
}

#[test]
fn every_crate_has_its_layer() {
    let crates: BTreeSet<_> = dependencies().into_keys().collect();
    let mut expected: BTreeSet<_> = LAYERS.map(str::to_owned).into();
    expected.extend(["examples".to_owned(), "end-to-end".to_owned()]);
    assert_eq!(crates, expected);
}

#[test]
fn libraries_stay_where_they_belong() {
    let dependencies = dependencies();
    let belongs = |library: &str| match library {
        "diesel" | "diesel_migrations" | "r2d2" | "libsqlite3-sys" | "pq-sys" => {
            Some("scim-persistence")
        }
        "anyhow" | "actix-web" | "actix-http" | "actix-server" | "clap" | "rustls" => {
            Some("serviceops-scim")
        }
        "jsonwebtoken" | "argon2" => Some("scim-admin"),
        _ => None,
    };
    for name in LAYERS {
        for library in &dependencies[name] {
            let home = belongs(library);
            assert!(
                home.is_none_or(|home| home == name),
                "{name} uses {library}"
            );
        }
    }
    for name in ["scim-protocol", "scim-service"] {
        for foreign in ["tokio", "reqwest", "ureq", "rustls", "rand", "tracing"] {
            assert!(
                !dependencies[name].contains(foreign),
                "{name} uses {foreign}"
            );
        }
    }
}
