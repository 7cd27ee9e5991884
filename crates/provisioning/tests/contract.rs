//! The contract of directories, kept by the one in memory.
#![allow(missing_docs)]

use scim_provisioning::testing::{CHECKS, MemorySubject};

#[test]
fn the_directory_in_memory_keeps_the_contract() {
    let mut broken = Vec::new();
    for check in CHECKS {
        let run = || (check.run)(&MemorySubject::new());
        if std::panic::catch_unwind(run).is_err() {
            broken.push(check.name);
        }
    }
    assert!(broken.is_empty(), "{broken:?}");
}
