#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

use super::*;

fn scale(users: usize, groups: usize) -> Scale {
    let prefix = "demo".to_owned();
    Scale {
        seed: 7,
        users,
        groups,
        prefix,
    }
}

fn habits(deletes_users: bool) -> Habits {
    Habits {
        deletes_users,
        user_key: |number| format!("{number:032x}"),
        group_key: |_| None,
    }
}

fn everybody(directory: &Directory) -> impl Iterator<Item = &User> {
    directory.users.iter().flatten()
}

#[test]
fn the_same_seed_makes_the_same_plan() {
    let one = plan(&scale(200, 20), &habits(true));
    assert_eq!(one, plan(&scale(200, 20), &habits(true)));
    let other = Scale {
        seed: 8,
        ..scale(200, 20)
    };
    assert_ne!(one, plan(&other, &habits(true)));
}

#[test]
fn another_prefix_shares_no_name_address_or_key() {
    let other = Scale {
        prefix: "other".to_owned(),
        ..scale(300, 0)
    };
    let values = |scale: &Scale| -> BTreeSet<String> {
        let directory = plan(scale, &habits(true)).first;
        everybody(&directory)
            .flat_map(|user| {
                let email = user.email.as_ref().map(|email| email.value.clone());
                [user.external_id.clone(), user.user_name.clone()]
                    .into_iter()
                    .chain(email)
            })
            .collect()
    };
    let (one, other) = (values(&scale(300, 0)), values(&other));
    assert!(one.len() > 800);
    assert!(one.is_disjoint(&other));
}

#[test]
fn names_addresses_and_keys_are_unique_in_both_cycles() {
    let plan = plan(&scale(2000, 60), &habits(true));
    for directory in [&plan.first, &plan.second] {
        let count = everybody(directory).count();
        let names: BTreeSet<String> = everybody(directory)
            .map(|user| user.user_name.to_lowercase())
            .collect();
        assert_eq!(names.len(), count);
        let keys: BTreeSet<&String> = everybody(directory).map(|user| &user.external_id).collect();
        assert_eq!(keys.len(), count);
        let addresses: Vec<&String> = everybody(directory)
            .filter_map(|user| Some(&user.email.as_ref()?.value))
            .collect();
        let distinct: BTreeSet<&&String> = addresses.iter().collect();
        assert_eq!(distinct.len(), addresses.len());
        let groups: Vec<&Group> = directory.groups.iter().flatten().collect();
        let names: BTreeSet<&String> = groups.iter().map(|group| &group.display_name).collect();
        assert_eq!(names.len(), groups.len());
    }
}

#[test]
fn about_five_of_a_hundred_leave_and_one_is_deleted() {
    let plan = plan(&scale(4000, 0), &habits(true));
    let deleted = plan
        .second
        .users
        .iter()
        .filter(|user| user.is_none())
        .count();
    assert!((15..80).contains(&deleted), "{deleted} deleted");
    let deactivated = (0..4000)
        .filter(|i| plan.first.user(*i).is_some_and(|user| user.active))
        .filter(|i| plan.second.user(*i).is_some_and(|user| !user.active))
        .count();
    assert!(
        (100..250).contains(&deactivated),
        "{deactivated} deactivated"
    );
    assert_eq!(plan.second.users.len(), 4200);
}

#[test]
fn without_deletions_the_same_users_are_deactivated() {
    let with = plan(&scale(500, 5), &habits(true));
    let without = plan(&scale(500, 5), &habits(false));
    assert!(without.second.users.iter().all(Option::is_some));
    for (number, user) in with.second.users.iter().enumerate() {
        if user.is_none() {
            assert!(!without.second.user(number).unwrap().active);
        }
    }
}

#[test]
fn nobody_reports_to_a_deleted_user_or_to_themselves() {
    let plan = plan(&scale(3000, 0), &habits(true));
    for directory in [&plan.first, &plan.second] {
        for (number, user) in directory.users.iter().enumerate() {
            let Some(manager) = user.as_ref().and_then(|user| user.manager) else {
                continue;
            };
            assert!(manager < number, "{number} reports to {manager}");
            assert!(directory.user(manager).is_some());
        }
    }
}

#[test]
fn members_are_users_that_are_there() {
    let plan = plan(&scale(300, 40), &habits(true));
    for directory in [&plan.first, &plan.second] {
        for group in directory.groups.iter().flatten() {
            assert!(
                group
                    .members
                    .iter()
                    .all(|member| directory.user(*member).is_some())
            );
        }
    }
}

#[test]
fn group_sizes_vary_and_groups_change() {
    let plan = plan(&scale(1000, 50), &habits(true));
    let sizes: Vec<usize> = plan
        .first
        .groups
        .iter()
        .flatten()
        .map(|g| g.members.len())
        .collect();
    assert_eq!((sizes[0], sizes[1], sizes[4]), (1000, 333, 0));
    assert!(sizes.iter().filter(|size| (1..=24).contains(*size)).count() > 30);
    let renamed = (0..49).filter(|i| {
        plan.first.group(*i).unwrap().display_name != plan.second.group(*i).unwrap().display_name
    });
    assert_eq!(renamed.count(), 5);
    assert!(plan.second.group(49).is_none());
}

#[test]
fn the_smallest_directories_work() {
    for users in 1..12 {
        for groups in 0..4 {
            let plan = plan(&scale(users, groups), &habits(true));
            assert_eq!(plan.first.users.len(), users);
            assert_eq!(plan.second.users.len(), users + 1);
        }
    }
}
