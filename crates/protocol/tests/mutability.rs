//! What may not change and what must be there, whatever kind of write it is.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    missing_docs
)]

use scim_protocol::patch::PatchRequest;
use scim_protocol::schema::{Attribute, AttributeType, Mutability, Schema, uri};
use scim_protocol::{Error, Limits, Resource, ResourceDefinition, ScimType, Tolerance};
use serde_json::{Value, json};

const DEVICE: &str = "urn:example:2.0:Device";
const WARRANTY: &str = "urn:example:warranty:2.0:Device";

fn text(name: &str) -> Attribute {
    Attribute::new(name, AttributeType::String)
}

fn fixed(name: &str) -> Attribute {
    text(name).mutable(Mutability::Immutable)
}

fn schema(id: &str, attributes: Vec<Attribute>) -> Schema {
    Schema {
        id: id.to_owned(),
        name: "Device".to_owned(),
        description: String::new(),
        attributes,
    }
}

/// Devices with what is immutable in every place, and a warranty that may be required.
fn devices(required: bool) -> ResourceDefinition {
    let badge =
        || Attribute::new("badge", AttributeType::Complex).with([fixed("number"), text("colour")]);
    let ports = Attribute::new("ports", AttributeType::Complex)
        .multi()
        .with([
            text("value"),
            text("type"),
            fixed("serial"),
            text("display"),
        ]);
    let core = schema(DEVICE, vec![text("name"), fixed("serial"), badge(), ports]);
    let warranty = schema(WARRANTY, vec![text("until"), badge(), fixed("contract")]);
    ResourceDefinition::new("Device", "/Devices", "A device", core).extended(warranty, required)
}

fn stored() -> Resource {
    let device = json!({
        "schemas": [DEVICE, WARRANTY], "name": "a", "serial": "1",
        "badge": {"number": "7", "colour": "red"},
        "ports": [{"value": "p1", "serial": "s1"}, {"value": "p2", "serial": "s2"}],
        WARRANTY: {"until": "2030", "badge": {"number": "8", "colour": "red"}, "contract": "c"},
    });
    Resource::from_map(device.as_object().unwrap().clone())
}

fn patched(operation: &Value) -> Result<Value, Error> {
    let devices = devices(false);
    let mut tolerance = Tolerance::default();
    let body = json!({"schemas": [uri::PATCH_OP], "Operations": [operation]});
    let request = PatchRequest::read(body, &Limits::default(), &mut tolerance)?;
    let patch = request.resolve(&devices, &mut tolerance)?;
    let after = patch.apply(&stored(), &mut tolerance)?;
    Ok(Value::Object(after.into_map()))
}

fn put(body: Value) -> Result<Value, Error> {
    let devices = devices(false);
    let new = Resource::read(&devices, body, &mut Tolerance::default())?;
    let after = stored().replaced_by(&devices, new)?;
    Ok(Value::Object(after.into_map()))
}

fn is_mutability(result: Result<Value, Error>, what: &Value) {
    match result {
        Ok(after) => panic!("{what} makes {after}"),
        Err(error) => assert_eq!(error.scim_type(), Some(ScimType::Mutability), "{what}"),
    }
}

#[test]
fn no_patch_changes_what_is_immutable() {
    let inside = |path: &str| format!("{WARRANTY}:{path}");
    for operation in [
        json!({"op": "replace", "path": "serial", "value": "2"}),
        json!({"op": "remove", "path": "serial"}),
        json!({"op": "replace", "path": "badge.number", "value": "9"}),
        json!({"op": "remove", "path": "badge.number"}),
        json!({"op": "replace", "path": "badge", "value": {"number": "9"}}),
        json!({"op": "add", "path": "badge", "value": {"number": "9", "colour": "red"}}),
        json!({"op": "replace", "value": {"badge": {"number": "9"}}}),
        json!({"op": "replace", "value": {"badge.number": "9"}}),
        json!({"op": "remove", "path": "badge"}),
        json!({"op": "replace", "path": "badge", "value": null}),
        json!({"op": "replace", "path": "ports[value eq \"p1\"].serial", "value": "x"}),
        json!({"op": "replace", "path": "ports[value eq \"p1\"]", "value": {"serial": "x"}}),
        json!({"op": "replace", "path": "ports", "value": [{"value": "p1", "serial": "x"}]}),
        json!({"op": "add", "path": "ports", "value": [{"value": "p1", "serial": "x"}]}),
        json!({"op": "replace", "path": inside("badge.number"), "value": "9"}),
        json!({"op": "replace", "path": inside("badge"), "value": {"number": "9"}}),
        json!({"op": "replace", "path": inside("contract"), "value": "d"}),
        json!({"op": "replace", "value": {WARRANTY: {"badge": {"number": "9"}}}}),
        json!({"op": "remove", "path": inside("badge")}),
        json!({"op": "remove", "path": WARRANTY}),
    ] {
        is_mutability(patched(&operation), &operation);
    }
    // What it was about is named whole.
    for (operation, named) in [
        (
            json!({"op": "replace", "path": inside("contract"), "value": "d"}),
            inside("contract"),
        ),
        (
            json!({"op": "replace", "path": inside("badge.number"), "value": "9"}),
            inside("badge.number"),
        ),
        (
            json!({"op": "replace", "path": "ports", "value": [{"value": "p1", "serial": "x"}]}),
            "ports.serial".to_owned(),
        ),
    ] {
        let error = patched(&operation).unwrap_err();
        assert!(
            error.detail().starts_with(&format!("\"{named}\" ")),
            "{error}"
        );
    }
}

#[test]
fn what_is_beside_it_changes() {
    let after = patched(&json!({"op": "replace", "path": "badge", "value": {"colour": "blue"}}));
    assert_eq!(
        after.unwrap()["badge"],
        json!({"number": "7", "colour": "blue"})
    );
    let same = json!({"op": "replace", "path": "badge", "value": {"number": "7", "colour": "x"}});
    assert_eq!(patched(&same).unwrap()["badge"]["colour"], "x");
    // Values go and come as a whole.
    let gone = patched(&json!({"op": "remove", "path": "ports[value eq \"p1\"]"})).unwrap();
    assert_eq!(gone["ports"], json!([{"value": "p2", "serial": "s2"}]));
    let named = json!({"op": "add", "path": "ports[value eq \"p1\"].display", "value": "P"});
    assert_eq!(patched(&named).unwrap()["ports"][0]["serial"], "s1");
    assert!(patched(&json!({"op": "remove", "path": "ports"})).is_ok());
}

#[test]
fn no_put_changes_it_and_what_it_does_not_name_stays() {
    let core = |more: Value| {
        let mut body = json!({"schemas": [DEVICE, WARRANTY], "name": "b"});
        for (name, value) in more.as_object().unwrap() {
            body[name] = value.clone();
        }
        body
    };
    for body in [
        core(json!({"serial": "2"})),
        core(json!({"badge": {"number": "9"}})),
        core(json!({"ports": [{"value": "p1", "serial": "x"}]})),
        core(json!({WARRANTY: {"badge": {"number": "9"}}})),
        core(json!({WARRANTY: {"contract": "d"}})),
    ] {
        is_mutability(put(body.clone()), &body);
    }
    let kept = put(core(
        json!({"badge": {"colour": "blue"}, "ports": [{"value": "p2"}]}),
    ))
    .unwrap();
    assert_eq!(
        kept,
        json!({"schemas": [DEVICE, WARRANTY], "name": "b", "serial": "1",
            "badge": {"colour": "blue", "number": "7"},
            "ports": [{"value": "p2", "serial": "s2"}],
            WARRANTY: {"badge": {"number": "8"}, "contract": "c"}})
    );
}

#[test]
fn a_required_extension_is_required() {
    let without = json!({"schemas": [DEVICE], "name": "a"});
    for (required, ok) in [(false, true), (true, false)] {
        let devices = devices(required);
        let device = Resource::read(&devices, without.clone(), &mut Tolerance::default()).unwrap();
        let checked = device.check_required(&devices);
        assert_eq!(checked.is_ok(), ok);
        if let Err(error) = checked {
            assert_eq!(error.scim_type(), Some(ScimType::InvalidValue));
            assert!(error.detail().contains(WARRANTY), "{error}");
        }
    }
    let body = json!({"schemas": [uri::PATCH_OP],
        "Operations": [{"op": "remove", "path": format!("{WARRANTY}:until")}]});
    let devices = devices(true);
    let mut tolerance = Tolerance::default();
    let device = json!({"schemas": [DEVICE, WARRANTY], WARRANTY: {"until": "2030"}});
    let device = Resource::from_map(device.as_object().unwrap().clone());
    let request = PatchRequest::read(body, &Limits::default(), &mut tolerance).unwrap();
    let patch = request.resolve(&devices, &mut tolerance).unwrap();
    assert!(patch.apply(&device, &mut tolerance).is_err());
}
