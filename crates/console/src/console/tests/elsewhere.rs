//! What can be done in the console can be done by script.

use super::super::routes::ROUTES;
use crate::api::openapi::document;

/// The forms, each with an operation of the admin API or the reason why there is none.
fn lines() -> Vec<(&'static str, &'static str)> {
    let lines = include_str!("elsewhere.txt").lines();
    let lines = lines.filter(|line| !line.starts_with('#'));
    let read = |line: &'static str| {
        let parts: Vec<&str> = line.split('|').map(str::trim).collect();
        let [form, operation, _command] = parts[..] else {
            panic!("{line}");
        };
        (form, operation)
    };
    lines.map(read).collect()
}

#[test]
fn every_form_has_an_operation_of_the_admin_api_or_a_reason() {
    let lines = lines();
    let mut known: Vec<&str> = lines.iter().map(|(form, _)| *form).collect();
    let posted = ROUTES.iter().filter(|route| route.method == "POST");
    let mut posted: Vec<&str> = posted.map(|route| route.path).collect();
    known.sort_unstable();
    posted.sort_unstable();
    assert_eq!(known, posted);
    for (form, operation) in lines {
        let (method, path) = operation.split_once(' ').unwrap();
        let described = &document()["paths"][path][method.to_lowercase()];
        assert!(
            method == "-" || described.is_object(),
            "{form}: {operation}"
        );
    }
}
