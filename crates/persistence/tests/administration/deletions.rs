//! Configurations that are being deleted.

use scim_admin::run::{Run, RunCounts, RunState};
use scim_provisioning::{RunId, RunKind};

use super::*;

pub(super) fn what_is_being_deleted_is_changed_by_nobody(house: &Empty) {
    let id = house.configuration("Okta").id;
    let run = RunId::of(uuid::Uuid::new_v4());
    let told = Run {
        id: run,
        kind: RunKind::ConfigurationDeleted.into(),
        configuration: Some((id, "Okta".to_owned())),
        actor: "administrator:test".to_owned(),
        began: now(),
        ended: None,
        state: RunState::Running,
        undoes: None,
        forgotten: false,
        counts: RunCounts::default(),
    };
    house.write(move |rows| rows.insert_run(&told)).unwrap();
    let deleted = ProvisioningConfiguration {
        status: ConfigurationStatus::Deleting,
        deletion: Some(run),
        ..house.found(id)
    };
    house
        .write(move |rows| rows.update_configuration(&deleted))
        .unwrap();
    let found = house.found(id);
    assert_eq!(
        (found.status, found.deletion),
        (ConfigurationStatus::Deleting, Some(run))
    );
    let late = ProvisioningConfiguration {
        status: ConfigurationStatus::Enabled,
        deletion: None,
        ..found
    };
    let late = house.write(move |rows| rows.update_configuration(&late));
    assert!(is_stale(&late), "{late:?}");
    let late = house.write(move |rows| rows.lock_configuration(id));
    assert!(is_stale(&late), "{late:?}");
    house
        .write(move |rows| rows.lock_deletion(id, run))
        .unwrap();
    let due = |run| {
        house
            .store
            .read(move |rows| Ok(rows.deletion_due(run, now())?))
    };
    assert_eq!(due(None).unwrap(), Some((id, run)));
    assert_eq!(due(Some(run)).unwrap(), Some((id, run)));
    let other = RunId::of(uuid::Uuid::new_v4());
    assert_eq!(due(Some(other)).unwrap(), None);
    let late = house.write(move |rows| rows.lock_deletion(id, other));
    assert!(is_stale(&late), "{late:?}");
    house
        .write(move |rows| {
            assert_eq!(rows.let_go(id, 5)?, 0);
            rows.delete_configuration(id)
        })
        .unwrap();
    let gone = house.write(move |rows| rows.lock_deletion(id, run));
    assert!(is_stale(&gone), "{gone:?}");
    assert_eq!(due(None).unwrap(), None);
}
