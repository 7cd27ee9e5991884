//! Lookup tables.

use super::*;

pub(super) fn tables_are_kept_in_versions_and_go_together(house: &Empty) {
    let id = house.configuration("Okta").id;
    let table = |name: &str, version: i64| TableVersion {
        name: name.to_owned(),
        version,
        content: TableContent::read_csv(&format!("a,b\n{version},\"ü, {name}\"\n")).unwrap(),
        created_by: "test".to_owned(),
        created: now(),
    };
    for (name, version) in [("centers", 1), ("centers", 2), ("centers-b", 1), ("a", 1)] {
        let inserted = table(name, version);
        house
            .write(move |rows| rows.insert_lookup_table(&inserted))
            .unwrap();
    }
    let again = table("centers", 2);
    let again = house.write(move |rows| rows.insert_lookup_table(&again));
    assert!(is_conflict(&again), "{again:?}");
    let list = house.store.read(|rows| Ok(rows.lookup_tables()?)).unwrap();
    let list: Vec<_> = list
        .iter()
        .map(|one| (&*one.name, one.version, one.rows, one.columns.len()))
        .collect();
    assert_eq!(
        list,
        [("a", 1, 1, 2), ("centers", 2, 1, 2), ("centers-b", 1, 1, 2)]
    );
    let find = |name: &'static str, version| {
        let found = house
            .store
            .read(|rows| Ok(rows.lookup_table(name, version)?));
        found
            .unwrap()
            .map(|found| (found.version, found.content.rows))
    };
    let row = |version: &str| vec![vec![version.to_owned(), "ü, centers".to_owned()]];
    assert_eq!(find("centers", None), Some((2, row("2"))));
    assert_eq!(find("centers", Some(1)), Some((1, row("1"))));
    assert_eq!(find("centers", Some(3)), None);
    for there in [true, false] {
        let deleted = house.write(|rows| rows.delete_lookup_table("centers"));
        assert_eq!(deleted.unwrap(), there);
    }
    assert_eq!(find("centers", Some(1)), None);
    assert!(find("centers-b", None).is_some());
    // A version of a mapping keeps which versions it uses.
    let rules = MappingSet::default_user();
    let version = MappingVersion {
        tables: [("a".to_owned(), 1)].into(),
        ..MappingVersion::new(id, 7, rules, "", "test", now())
    };
    house
        .write(move |rows| rows.insert_mapping_version(&version))
        .unwrap();
    let found = house
        .store
        .read(|rows| Ok(rows.mapping_versions(id, ResourceKind::User)?));
    assert_eq!(found.unwrap()[0].tables, [("a".to_owned(), 1)].into());
}
