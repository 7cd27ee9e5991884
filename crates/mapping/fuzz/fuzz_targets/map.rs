//! Any rules over any resource: nothing panics, and a preview says what a projection does.
#![no_main]

use libfuzzer_sys::fuzz_target;
use scim_mapping::{Catalog, Event, MappingSet};
use scim_protocol::ResourceDefinition;
use serde_json::Value;

fuzz_target!(|data: &[u8]| {
    // A line of rules, and a line with the resource.
    let mut lines = data.splitn(2, |byte| *byte == b'\n');
    let mut document = || serde_json::from_slice::<Value>(lines.next()?).ok();
    let (Some(rules), Some(Value::Object(resource))) = (document(), document()) else {
        return;
    };
    let Ok(set) = MappingSet::from_json(&rules) else {
        return;
    };
    let users = ResourceDefinition::user();
    let catalog = Catalog::default();
    set.warnings(&users);
    let Ok(mapping) = set.compile(&users, &catalog) else {
        return;
    };
    let projection = mapping.project(&resource, Event::Create);
    mapping.emit(&resource, &projection.record);
    let preview = mapping.preview(&resource, Event::Create, None);
    assert_eq!(preview.record.len(), projection.record.len());
});
