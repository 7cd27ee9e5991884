//! Very many who left in one cycle and come back.

use scim_persistence::Database;

use super::*;

/// What it takes to bring one back does not grow with how many left. Times are printed to be read;
/// `SERVICEOPS_SCIM_TEST_LEAVERS` says how many leave.
pub(super) fn leavers_come_back(house: &mut House) {
    let many = std::env::var("SERVICEOPS_SCIM_TEST_LEAVERS");
    let many: usize = many.map_or(450, |text| text.parse().unwrap());
    with_policy(house, |policies| policies.guard.count = 0);
    let ids: Vec<String> = (0..many)
        .map(|number| house.create("/Users", &user(&format!("p{number}"))))
        .collect();
    end_cycle(house);
    for id in &ids {
        let answer = house.request(Method::Delete, &format!("/Users/{id}"), &Value::Null);
        assert_eq!(answer.status, 204);
    }
    end_cycle(house);
    let run = last_cycle(house);
    assert!(listed(house, "/Users").is_empty());
    let (before, began) = (Database::statements(), std::time::Instant::now());
    let undone = undo(house, &run, Chosen::default());
    let statements = Database::statements() - before;
    println!("{many} leavers were back after {:?}", began.elapsed());
    assert_eq!(undone.counts.of("unblocked"), i64::try_from(many).unwrap());
    let found = house.get("/Users?count=0");
    assert_eq!(found["totalResults"], many);
    let most = 15 * u64::try_from(many).unwrap();
    assert!(statements < most, "{statements} statements");
}
