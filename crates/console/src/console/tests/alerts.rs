//! What needs somebody, on the overview and on its own page.

use chrono::{Duration, Utc};
use scim_admin::account::Role;
use scim_admin::alert::{Alert, AlertCause, AlertKind, AlertThing};

use super::super::routes::find;
use super::house::House;

fn page(house: &House, cookie: &str, path: &str) -> String {
    let answer = house.ask("GET", path, Some(cookie), "");
    assert_eq!(answer.status, 200, "{path}");
    answer.body
}

/// The token is in use and ends in so many days.
fn token_ends(house: &House, days: i64) {
    let (now, end) = (Utc::now(), Utc::now() + Duration::days(days));
    house.tamper(&format!(
        "UPDATE access_tokens SET last_used_at = {}, expires_at = {}",
        now.timestamp_millis(),
        end.timestamp_millis()
    ));
}

#[test]
fn what_needs_somebody_is_shown_with_the_page_that_mends_it_until_it_is_over() {
    let house = House::new();
    let otto = house.account("otto", Role::Auditor);
    assert!(!page(&house, &otto, "/").contains("All alerts"));
    assert!(page(&house, &otto, "/alerts").contains("Nothing needs you."));
    token_ends(&house, 2);
    house.upkeep.watch(Utc::now()).unwrap();
    let mends = house.path("href=\"/admin/users/scim-provisioning/*/tokens\"");
    for path in ["/", "/alerts"] {
        let shown = page(&house, &otto, path);
        assert!(shown.contains("A token ends soon"), "{shown}");
        assert!(shown.contains(&mends), "{shown}");
        let escaped = shown.contains("b&#62;Azure") || shown.contains("b&gt;Azure");
        assert!(escaped && !shown.contains("<b>Azure"), "{shown}");
    }
    token_ends(&house, 100);
    house.upkeep.watch(Utc::now()).unwrap();
    assert!(!page(&house, &otto, "/").contains("A token ends soon"));
    let shown = page(&house, &otto, "/alerts");
    let (open, over) = shown.split_once("id=\"over\"").unwrap();
    // Beside it stands the stream that every house has, whose receiver was away.
    assert!(!open.contains("A token ends soon"), "{shown}");
    assert!(over.contains("A token ends soon"), "{shown}");
}

#[test]
fn every_alert_leads_to_a_page_that_is_there() {
    let house = House::new();
    for kind in AlertKind::ALL {
        for cause in AlertCause::FIXED {
            let alert = Alert {
                id: "1".to_owned(),
                kind: *kind,
                about: AlertThing {
                    id: "s".to_owned(),
                    name: "S".to_owned(),
                    configuration: Some(house.configuration),
                },
                cause: Some(*cause),
                count: None,
                ends: None,
                since: Utc::now(),
                seen: Utc::now(),
                over: None,
                told: 1,
            };
            let page = alert.page();
            let path = page.strip_prefix("/admin").unwrap();
            assert!(find("GET", path).is_some(), "{kind:?}: {page}");
        }
    }
}
