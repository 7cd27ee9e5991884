//! Streams: added with a secret that is shown once, and what is done about them.

use scim_admin::account::Role;
use scim_feed::StreamState;

use super::super::ConsoleRequest;
use super::actions::done;
use super::house::House;

fn page(house: &House, cookie: &str, path: &str) -> String {
    let answer = house.ask("GET", &house.path(path), Some(cookie), "");
    assert_eq!(answer.status, 200, "{path}");
    answer.body
}

#[test]
fn a_stream_is_added_and_its_secret_shown_once() {
    let house = House::new();
    let ada = house.account("ada", Role::Administrator);
    let grace = house.account("grace", Role::Administrator);
    let form = "name=Mail&kind=webhook&url=https%3A%2F%2Fmail.example%2Ffeed&topics=user.created";
    let made = house.post(&ada, "/settings/streams", form);
    assert_eq!(made.status, 303, "{}", made.body);
    let added = house.admin.stream("Mail").unwrap();
    let location = made.location.unwrap();
    assert_eq!(
        location,
        format!("/admin/settings/streams/{}?shown=secret", added.id)
    );
    let flash = made.cookies[0].split(';').next().unwrap();
    let path = format!("/settings/streams/{}", added.id);
    let shown_to = |cookie: &str| {
        let cookie = format!("{cookie}; {flash}");
        house.console.answer(&ConsoleRequest {
            method: "GET",
            path: &path,
            query: "shown=secret",
            cookie: Some(&cookie),
            ..ConsoleRequest::default()
        })
    };
    let shown = shown_to(&ada).body;
    assert!(shown.contains("value=\"whsec_"), "{shown}");
    assert!(shown.contains("user.created") && shown.contains("https://mail.example/feed"));
    assert!(!shown_to(&grace).body.contains("whsec_"), "it is ada's");
    assert!(!page(&house, &ada, &path).contains("whsec_"));
}

#[test]
fn what_is_wrong_with_a_stream_is_said_beside_its_field() {
    let house = House::new();
    let ada = house.account("ada", Role::Administrator);
    let refused = |form: &str, field: &str| {
        let answer = house.post(&ada, "/settings/streams", form);
        assert_eq!(answer.status, 422, "{form}");
        let page = answer.body;
        assert!(page.contains(&format!("<a href=\"#{field}\">")), "{page}");
        let mut tags = page.split('<').filter(|tag| tag.contains(" id=\""));
        let field = tags.find(|tag| tag.contains(&format!(" id=\"{field}\"")));
        assert!(field.unwrap().contains("aria-invalid=\"true\""), "{page}");
        page
    };
    let kept = refused(
        "name=Mail&kind=webhook&url=http%3A%2F%2Fmail.example",
        "url",
    );
    assert!(kept.contains("value=\"http://mail.example\""), "{kept}");
    assert!(kept.contains("value=\"webhook\" selected"), "{kept}");
    refused("name=Mail&kind=read&url=https%3A%2F%2Fmail.example", "url");
    refused("name=&kind=read", "name");
    let form = "name=Mail&kind=read&topics=user.created";
    assert_eq!(house.post(&ada, "/settings/streams", form).status, 303);
    let taken = refused(form, "name");
    assert!(taken.contains("value=\"user.created\" checked"), "{taken}");
}

#[test]
fn a_stream_is_paused_resumed_tested_begun_again_and_deleted() {
    let house = House::new();
    let ada = house.account("ada", Role::Administrator);
    let post =
        |action: &str, form: &str| house.post(&ada, &format!("/settings/streams/*/{action}"), form);
    let seen = "seen=1000000";
    let stream = || house.admin.stream(&house.stream).unwrap();
    assert_eq!(done(&post("pause", seen)), "stream-paused");
    assert_eq!(stream().state, StreamState::Paused);
    assert!(page(&house, &ada, "/settings/streams").contains("paused"));
    assert_eq!(done(&post("resume", seen)), "stream-resumed");
    assert_eq!(done(&post("test", "")), "tested");
    let shown = page(&house, &ada, "/settings/streams/*");
    assert!(shown.contains("to be sent"), "{shown}");
    assert_eq!(
        done(&post(
            "replay",
            &format!("{seen}&from=2020-01-01T00:00:00Z")
        )),
        "replays"
    );
    for from in ["", "yesterday", "1"] {
        let refused = post("replay", &format!("{seen}&from={from}"));
        assert_eq!(refused.status, 422, "{from}");
    }
    let renewed = post("secret", seen).location.unwrap();
    assert!(renewed.ends_with("?shown=secret"), "{renewed}");
    assert_eq!(post("deliveries/nothing/again", "").status, 404);
    assert_eq!(done(&post("delete", seen)), "deleted");
    assert_eq!(post("pause", seen).status, 404);
}

#[test]
fn an_auditor_sees_streams_and_changes_none() {
    let house = House::new();
    let otto = house.account("otto", Role::Auditor);
    for path in ["/settings/streams", "/settings/streams/*"] {
        let shown = page(&house, &otto, path);
        let content = shown.split("<main").nth(1).unwrap();
        assert!(!content.contains("<form"), "{content}");
    }
}
