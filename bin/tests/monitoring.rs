//! The alert rules and the dashboard name metrics that there are, and every alert has its section in
//! the guide.
#![allow(missing_docs, clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use scim_http::metrics::{ALL, MetricKind};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap()
}

/// The metrics that a text names, of a histogram by whichever of its series.
fn named(text: &str) -> BTreeSet<String> {
    let is_part = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    let begins = text.match_indices("serviceops_scim_").map(|(at, _)| at);
    let names = begins.map(|at| {
        let rest = text.get(at..).unwrap();
        rest.split(|c| !is_part(c)).next().unwrap().to_owned()
    });
    names.collect()
}

fn is_there(name: &str) -> bool {
    ALL.iter().any(|metric| match metric.kind {
        MetricKind::Histogram => ["_bucket", "_count", "_sum"]
            .iter()
            .any(|series| name.strip_suffix(series) == Some(metric.name)),
        _ => name == metric.name,
    })
}

#[test]
fn what_watches_names_metrics_that_there_are() {
    for path in [
        "examples/monitoring/alerts.yml",
        "examples/monitoring/alerts_test.yml",
        "examples/monitoring/dashboard.json",
    ] {
        let named = named(&read(path));
        assert!(named.len() > 4, "{path}: {named:?}");
        let missing: Vec<_> = named.iter().filter(|name| !is_there(name)).collect();
        assert!(missing.is_empty(), "{path} names {missing:?}");
    }
}

#[test]
fn every_metric_is_in_the_guide_and_every_alert_says_what_to_do() {
    let guide = read("docs/operators.md");
    let missing: Vec<_> = ALL
        .iter()
        .filter(|metric| !guide.contains(&format!("`{}`", metric.name)))
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
    let rules = read("examples/monitoring/alerts.yml");
    let alerts = rules.lines().filter_map(|line| line.split_once("alert: "));
    let mut count = 0;
    for (_, alert) in alerts {
        count += 1;
        assert!(
            guide.contains(&format!("`{alert}`")),
            "{alert} is not explained"
        );
    }
    assert!(count >= 10, "{count} alerts");
}

#[test]
fn the_rules_do_what_their_tests_say() {
    let tested = Command::new("promtool")
        .args(["test", "rules", "alerts_test.yml"])
        .current_dir(root().join("examples/monitoring"))
        .output();
    match tested {
        Ok(output) => assert!(output.status.success(), "{output:?}"),
        Err(error) => eprintln!("skipped: promtool is not there ({error})"),
    }
}
