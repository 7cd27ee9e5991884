use std::fs;

use super::*;

fn ring() -> (tempfile::TempDir, KeyRing) {
    let folder = tempfile::tempdir().unwrap();
    let ring = KeyRing::open(&folder.path().join("ring.json")).unwrap();
    (folder, ring)
}

#[test]
fn a_seal_opens_for_its_purpose_alone() {
    let (_folder, ring) = ring();
    let id = &ring.signing_id().unwrap();
    let sealed = ring.seal(id, "token 1", "secret").unwrap();
    assert_eq!(ring.unseal(id, "token 1", &sealed).unwrap(), "secret");
    assert!(ring.unseal(id, "token 2", &sealed).is_err());
    assert!(ring.unseal(id, "", &sealed).is_err());
    let bare = sealed.strip_prefix(PURPOSEFUL).unwrap();
    assert!(ring.unseal(id, "token 1", bare).is_err());
    // As it was sealed before.
    let old = ring.seal(id, "", "secret").unwrap();
    let old = old.strip_prefix(PURPOSEFUL).unwrap();
    assert_eq!(ring.unseal(id, "token 1", old).unwrap(), "secret");
}

#[test]
fn reading_makes_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ring.json");
    assert!(matches!(
        KeyRing::read(&path),
        Err(KeyRingError::Missing(_))
    ));
    assert!(!path.exists());
}

#[test]
fn an_old_key_verifies_beside_the_new_one_until_it_is_taken_out() {
    let (folder, ring) = ring();
    let other = KeyRing::read(ring.path()).unwrap();
    let old = ring.signing_id().unwrap();
    let (form, tag) = (ring.form_token("session"), ring.tag(b"page"));
    let sealed = ring.seal(&old, "purpose", "secret").unwrap();
    assert!(matches!(ring.remove(&old), Err(KeyRingError::Signs)));
    let new = ring.rotate().unwrap();
    assert_ne!(old, new);
    let signs: Vec<_> = ring
        .keys()
        .into_iter()
        .map(|key| (key.id, key.signs))
        .collect();
    assert_eq!(signs, [(new.clone(), true), (old.clone(), false)]);
    assert_ne!(ring.form_token("session"), form);
    assert!(ring.is_form_token("session", &form) && ring.verify(b"page", &tag));
    assert_eq!(ring.unseal(&old, "purpose", &sealed).unwrap(), "secret");
    // Another process sees the new key when it meets what it made.
    assert!(other.is_form_token("session", &ring.form_token("session")));
    assert_eq!(other.signing_id().as_ref(), Some(&new));
    ring.remove(&old).unwrap();
    assert!(matches!(ring.remove(&old), Err(KeyRingError::UnknownKey)));
    assert!(!ring.is_form_token("session", &form) && !ring.verify(b"page", &tag));
    assert!(ring.token_secret(&old).is_none() && ring.token_secret(&new).is_some());
    let left = fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(left, 1, "nothing temporary stays");
}

#[test]
fn every_key_that_is_made_at_the_same_time_is_in_the_file() {
    let (folder, ring) = ring();
    let (threads, times) = (8, 12);
    let made: Vec<String> = std::thread::scope(|scope| {
        let rotating: Vec<_> = (0..threads)
            .map(|_| {
                scope.spawn(|| {
                    let ring = KeyRing::read(ring.path()).unwrap();
                    for _ in 0..times {
                        ring.rotate().unwrap();
                    }
                    ring.keys()
                        .into_iter()
                        .map(|key| key.id)
                        .collect::<Vec<_>>()
                })
            })
            .collect();
        let all = rotating.into_iter().map(|thread| thread.join().unwrap());
        all.flatten().collect()
    });
    let there = KeyRing::read(ring.path()).unwrap().keys();
    assert_eq!(there.len(), 1 + threads * times);
    assert!(
        made.iter()
            .all(|made| there.iter().any(|key| key.id == *made))
    );
    assert_eq!(there.iter().filter(|key| key.signs).count(), 1);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn a_file_that_cannot_be_used_does_not_take_the_place_of_what_is_known() {
    let (folder, ring) = ring();
    let known = ring.keys();
    fs::write(ring.path(), "{}").unwrap();
    assert!(!ring.refresh());
    assert_eq!(ring.keys(), known);
    let other = KeyRing::open(&folder.path().join("other.json")).unwrap();
    fs::rename(other.path(), ring.path()).unwrap();
    assert!(!ring.refresh());
    assert_eq!(ring.keys(), known);
}

#[cfg(unix)]
#[test]
fn a_group_may_read_the_file_where_it_is_ours() {
    use std::os::unix::fs::PermissionsExt;
    let (_folder, ring) = ring();
    let read_with = |mode: u32| {
        fs::set_permissions(ring.path(), fs::Permissions::from_mode(mode)).unwrap();
        KeyRing::read(ring.path())
    };
    assert!(read_with(0o400).is_ok());
    assert!(read_with(0o440).is_ok());
    assert!(read_with(0o640).is_ok());
    for mode in [0o444, 0o460, 0o450, 0o644] {
        let refused = read_with(mode);
        assert!(matches!(refused, Err(KeyRingError::Exposed(_))), "{mode:o}");
    }
    // A group that is not ours. Only the superuser can give a file to one.
    if rustix::process::geteuid().is_root() {
        std::os::unix::fs::chown(ring.path(), None, Some(64_321)).unwrap();
        assert!(matches!(read_with(0o440), Err(KeyRingError::Exposed(_))));
    }
}
