//! What administrators do on the pages, and what comes of it.

use super::super::signing_in::encoded;
use super::house::{HOSTILE, House, actor};
use scim_admin::account::Role;
use scim_admin::{ConfigurationInput, VersionChoice};
use scim_mapping::ResourceKind;
use scim_protocol::schema::uri;
use scim_provisioning::Method;
use serde_json::{Value, json};

pub(super) fn user(name: &str) -> Value {
    json!({"schemas": [uri::USER], "userName": name, "nickName": format!("nick-{name}")})
}

/// The way back says that it is done.
pub(super) fn done(answer: &super::super::ConsoleAnswer) -> &str {
    let location = answer.location.as_deref().unwrap_or_default();
    assert_eq!(answer.status, 303, "{}", answer.body);
    let done = location.split_once("done=").map_or("", |(_, word)| word);
    // Some lead on to a row of the page.
    done.split('#').next().unwrap_or_default()
}

#[test]
fn what_the_guard_holds_is_allowed_or_rejected() {
    let house = House::new();
    let ada = house.account("ada", Role::Administrator);
    let found = house.admin.configuration(house.configuration).unwrap();
    let mut input = ConfigurationInput::of(&found);
    (input.policies.guard.count, input.policies.guard.percent) = (1, 1);
    house
        .admin
        .edit_configuration(&actor(), &found, &input)
        .unwrap();
    let ids: Vec<String> = ["a", "b", "c", "d"]
        .map(|name| {
            let body = house
                .scim(Method::Post, "/Users", &user(name))
                .body
                .unwrap();
            body["id"].as_str().unwrap().to_owned()
        })
        .to_vec();
    for id in &ids {
        let body = json!({"schemas": [uri::PATCH_OP],
            "Operations": [{"op": "replace", "path": "active", "value": false}]});
        assert_eq!(
            house
                .scim(Method::Patch, &format!("/Users/{id}"), &body)
                .status,
            200
        );
    }
    let status = |at: usize| house.admin.person(&ids[at]).unwrap().person.status;
    assert_eq!(
        [status(0), status(1), status(2), status(3)],
        ["blocked", "active", "active", "active"]
    );
    let path = "/users/scim-provisioning/*/held";
    let page = house.ask("GET", &house.path(path), Some(&ada), "").body;
    assert!(page.contains("The guard holds 3 changes"), "{page}");
    assert_eq!(house.post(&ada, &format!("{path}/allow"), "").status, 422);
    let held = house.admin.held(house.configuration, None, 10).unwrap();
    let chosen = format!("user={}", held[0].id);
    assert_eq!(
        done(&house.post(&ada, &format!("{path}/allow"), &chosen)),
        "allowed"
    );
    assert_eq!(
        done(&house.post(&ada, &format!("{path}/reject"), "all=1")),
        "rejected"
    );
    assert_eq!(
        [status(1), status(2), status(3)],
        ["blocked", "active", "active"]
    );
    assert!(
        house
            .admin
            .held(house.configuration, None, 10)
            .unwrap()
            .is_empty()
    );
}

#[test]
fn rules_are_drafted_moved_imported_activated_and_rolled_back() {
    let house = House::new();
    let ada = house.account("ada", Role::Administrator);
    let rules = |choice| {
        let found = house
            .admin
            .mapping(house.configuration, ResourceKind::User, choice);
        found.unwrap()
    };
    let base = || {
        let (_, versions) = house
            .admin
            .mappings(house.configuration, ResourceKind::User)
            .unwrap();
        let draft = versions.into_iter().find(|version| version.version == 0);
        draft
            .unwrap_or_else(|| rules(VersionChoice::Active))
            .checksum
    };
    let post = |action: &str, body: &str| {
        let body = format!("base={}&{body}", base());
        house.post(
            &ada,
            &format!("/users/scim-provisioning/*/mappings/*/{action}"),
            &body,
        )
    };
    let rule = "kind=path&source=nickName&transforms=trim%0D%0Aupper&target=job_title&apply=always&\
        direction=both&on_error=skipWarn&on_absent=clear&enabled=on";
    assert_eq!(done(&post("delete-rule", "key=job_title")), "drafted");
    assert_eq!(done(&post("save-rule", rule)), "drafted");
    let draft = rules(VersionChoice::Draft).rules.rules;
    assert_eq!(draft.last().unwrap().source.to_string(), "nickName");
    assert_eq!(
        done(&post("reorder", "key=job_title&direction=up")),
        "drafted"
    );
    let back = post("reorder", "key=job_title&direction=up").location;
    assert!(back.is_some_and(|back| back.ends_with("#rule-job_title")));
    assert_eq!(
        done(&post("reorder", "key=job_title&direction=down")),
        "drafted"
    );
    let moved = rules(VersionChoice::Draft).rules.rules;
    assert_eq!(moved[moved.len() - 2].key, "job_title");
    assert_eq!(
        rules(VersionChoice::Active).version,
        1,
        "nothing applies yet"
    );
    let stale = house.post(
        &ada,
        "/users/scim-provisioning/*/mappings/*/reorder",
        "base=old&key=job_title&direction=up",
    );
    assert_eq!(stale.status, 422, "somebody else was faster");
    assert_eq!(done(&post("activate", "")), "activated");
    assert_eq!(rules(VersionChoice::Active).version, 2);
    let made = house
        .scim(Method::Post, "/Users", &user("bo"))
        .body
        .unwrap();
    let bo = house
        .admin
        .person(made["id"].as_str().unwrap())
        .unwrap()
        .person;
    assert_eq!(bo.fields["job_title"], "NICK-BO");

    let exported = house.ask(
        "GET",
        &house.path("/users/scim-provisioning/*/mappings/*/export"),
        Some(&ada),
        "",
    );
    assert_eq!(exported.download, Some("user-mapping.json"));
    assert_eq!(done(&post("restore-defaults", "")), "drafted");
    assert_eq!(done(&post("discard", "")), "discarded");
    let document = encoded(&exported.body.replace("nickName", "title"));
    assert_eq!(
        done(&post("import", &format!("document={document}"))),
        "drafted"
    );
    assert_eq!(post("import", "document=%7B%7D").status, 422);
    assert_eq!(done(&post("rollback", "version=1")), "activated");
    assert_eq!(rules(VersionChoice::Active).version, 1);
}

#[test]
fn a_group_rule_gives_roles_to_members() {
    let house = House::new();
    let ada = house.account("ada", Role::Administrator);
    let mapping = || {
        let found = house
            .admin
            .mappings(house.configuration, ResourceKind::Group)
            .unwrap()
            .1;
        found
            .into_iter()
            .max_by_key(|version| (version.version == 0, version.version))
            .unwrap()
    };
    let body = format!(
        "base={}&when=contains&text=script&kind=technician_group&\
        roles=Service+Desk+Technician%0D%0AChange+Specialist+Technician&vip=on",
        mapping().checksum
    );
    assert_eq!(
        done(&house.post(&ada, "/users/scim-provisioning/*/groups/save-rule", &body)),
        "drafted"
    );
    let rule = mapping().rules.group_rules.remove(0);
    assert_eq!(rule.grants.roles.len(), 2);
    let path = format!(
        "/users/scim-provisioning/{}/mappings/group/activate",
        house.configuration
    );
    let body = format!("{}&base={}", house.form_token(&ada), mapping().checksum);
    assert_eq!(
        done(&house.ask("POST", &path, Some(&ada), &body)),
        "activated"
    );
    let push = json!({"schemas": [uri::PATCH_OP], "Operations": [
        {"op": "replace", "path": "displayName", "value": "script people"}]});
    let pushed = house.scim(Method::Patch, &format!("/Groups/{}", house.group), &push);
    assert_eq!(pushed.status, 200, "{:?}", pushed.body);
    let person = house.admin.person(&house.person).unwrap().person;
    assert_eq!(person.fields["is_vip"], true);
    assert_eq!(person.grants.len(), 3);
}

#[test]
fn lists_leave_as_files_and_the_audit_says_so() {
    let house = House::new();
    let ada = house.account("ada", Role::Administrator);
    house.scim(Method::Post, "/Users", &user("=cmd"));
    let log = house.post(
        &ada,
        "/users/scim-provisioning/logs/export",
        "format=csv&q=%3Dcm",
    );
    assert_eq!(
        (log.status, log.download),
        (200, Some("provisioning-log.csv"))
    );
    let lines: Vec<&str> = log.body.lines().collect();
    assert_eq!(lines.len(), 2, "{}", log.body);
    assert!(lines[1].contains(",'=cmd,"), "{}", log.body);
    let log = house.post(
        &ada,
        "/users/scim-provisioning/logs/export",
        "format=ndjson",
    );
    let first: Value = serde_json::from_str(log.body.lines().next().unwrap()).unwrap();
    assert_eq!(first["resource"]["name"], HOSTILE);
    let otto = house.account("otto", Role::Auditor);
    let audit = house.post(&otto, "/security/audit/export", "event=export");
    assert_eq!(audit.body.lines().count(), 3, "{}", audit.body);
    assert_eq!(
        house
            .post(&otto, "/users/scim-provisioning/logs/export", "format=csv")
            .status,
        403
    );
}

#[test]
fn people_and_groups_are_changed_by_hand() {
    let house = House::new();
    let ada = house.account("ada", Role::Administrator);
    let person = || house.admin.person(&house.person).unwrap().person;
    let post = |action: &str, body: &str| house.post(&ada, &format!("/users/*/{action}"), body);
    assert_eq!(done(&post("archive", "")), "archived");
    assert_eq!(person().status, "archived");
    assert_eq!(post("archive", "").status, 422, "twice is once too often");
    assert_eq!(done(&post("unblock", "")), "unblocked");
    assert_eq!(done(&post("convert", "to=technician")), "technician");
    assert_eq!(person().user_type().as_str(), "technician");
    assert_eq!(post("convert", "to=boss").status, 422);
    let page = house.ask("GET", &house.path("/users/*"), Some(&ada), "");
    assert!(
        page.body.contains("Convert to requester"),
        "the way back is offered"
    );
    assert_eq!(done(&house.post(&ada, "/groups/*/unlink", "")), "unlinked");
    let group = house.admin.group(&house.group).unwrap().group;
    assert_eq!(group.managed_by, None);
}

#[test]
fn a_configuration_is_paused_and_resumed() {
    let house = House::new();
    let ada = house.account("ada", Role::Administrator);
    let post = |action: &str| {
        let path = format!("/users/scim-provisioning/*/{action}");
        done(&house.post(&ada, &path, "")).to_owned()
    };
    // The address also names what is taken back by *Undo*.
    let changed = |done: &str, from: &str| {
        let id = house.configuration;
        format!("{done}&done_to={id}&done_from={from}")
    };
    assert_eq!(post("pause"), changed("paused", "enabled"));
    let path = house.path("/users/scim-provisioning/*");
    let page = house.ask("GET", &path, Some(&ada), "").body;
    assert!(page.contains("Resume") && page.contains("come back later"));
    assert_eq!(post("enable"), changed("enabled", "paused"));
    let page = house.ask("GET", &format!("{path}/history"), Some(&ada), "");
    for event in ["configuration.created", "configuration.paused"] {
        assert!(page.body.contains(event), "{event}: {}", page.body);
    }
}

#[test]
fn networks_are_read_and_what_is_none_is_said_beside_the_rest() {
    let house = House::new();
    let ada = house.account("ada", Role::Administrator);
    let form = "name=Second&description=Kept&users=on&identity_provider=okta&days=90";
    let add = |networks: &str| {
        house.post(
            &ada,
            "/users/scim-provisioning/new",
            &format!("{form}&networks={networks}"),
        )
    };
    let refused = add("10.0.0.0%2F8%0D%0Anonsense");
    assert_eq!(refused.status, 422);
    for kept in ["Kept", "10.0.0.0/8", "nonsense", "<a href=\"#networks\">"] {
        assert!(refused.body.contains(kept), "{kept}: {}", refused.body);
    }
    assert_eq!(add("10.0.0.0%2F8%0D%0A192.0.2.7").status, 303);
    let second = house.admin.find_configuration("Second").unwrap();
    let networks: Vec<String> = second.networks.iter().map(ToString::to_string).collect();
    assert_eq!(networks, ["10.0.0.0/8", "192.0.2.7/32"]);
    let token = house.admin.tokens(second.id).unwrap().remove(0);
    let days = (token.ends().unwrap() - chrono::Utc::now()).num_days();
    assert!((89..=90).contains(&days), "{days}");
    let admits = |address: &str| second.admits(Some(address.parse().unwrap()));
    assert!(admits("10.1.2.3") && admits("192.0.2.7") && !admits("192.0.2.8"));
    assert!(!second.admits(None), "an address that is not known is none");
}

#[test]
fn a_table_is_added_edited_and_deleted_and_says_which_rules_use_it() {
    let house = House::new();
    let ada = house.account("ada", Role::Administrator);
    let base = "/users/tables";
    let csv = encoded("code,<b>name</b>\n1,<script>alert(1)</script>\n");
    let added = house.post(
        &ada,
        &format!("{base}/new"),
        &format!("name=floors&csv={csv}"),
    );
    let there = "/admin/users/tables/floors?done=added";
    assert_eq!(added.location.as_deref(), Some(there), "{}", added.body);
    let again = house.post(
        &ada,
        &format!("{base}/new"),
        &format!("name=floors&csv={csv}"),
    );
    assert_eq!(again.status, 422, "the name is taken");
    let page = house
        .ask("GET", &format!("{base}/floors"), Some(&ada), "")
        .body;
    assert!(page.contains("No rule looks values up in it"), "{page}");
    assert!(
        !page.contains("<b>name") && !page.contains("<script>alert"),
        "{page}"
    );
    let file = house.ask("GET", &format!("{base}/floors/file"), Some(&ada), "");
    assert_eq!(
        file.body,
        "code,<b>name</b>\r\n1,<script>alert(1)</script>\r\n"
    );
    assert_eq!(
        (file.media_type, file.download),
        ("text/csv; charset=utf-8", Some("table.csv"))
    );

    let mut rules = scim_mapping::MappingSet::default_user();
    let title = rules.rules.iter_mut().find(|rule| rule.key == "job_title");
    title.unwrap().transforms.push(
        "table: {\"name\": \"floors\", \"otherwise\": \"keep\"}"
            .parse()
            .unwrap(),
    );
    let (id, seen) = (house.configuration, scim_admin::mapping::DraftSeen::Any);
    let rules = serde_json::json!(rules);
    house
        .admin
        .draft_mapping(&actor(), id, &rules, "", &seen)
        .unwrap();
    house
        .admin
        .activate_mapping(&actor(), id, ResourceKind::User, &seen)
        .unwrap();
    let page = house
        .ask("GET", &format!("{base}/floors"), Some(&ada), "")
        .body;
    assert!(page.contains("<code>job_title</code>"), "{page}");
    assert!(
        page.contains(&format!("{id}/mappings/user/impact\"")),
        "{page}"
    );

    let was = encoded("[[\"csv\",\"code,<b>name</b>\\r\\n1,<script>alert(1)</script>\\r\\n\"]]");
    let edit = |csv: &str| {
        let sent = format!("version=1&was={was}&csv={}", encoded(csv));
        house.post(&ada, &format!("{base}/floors/edit"), &sent)
    };
    let refused = edit("code\n1\n");
    assert_eq!(refused.status, 422);
    assert!(refused.body.contains("href=\"#csv\""), "{}", refused.body);
    let saved = edit("code,name\n1,One\n");
    let there = "/admin/users/tables/floors?done=table-saved";
    assert_eq!(saved.location.as_deref(), Some(there), "{}", saved.body);
    let in_use = house.post(&ada, &format!("{base}/floors/delete"), "");
    assert_eq!(in_use.status, 422, "{}", in_use.body);
    assert!(in_use.body.contains("job_title"), "{}", in_use.body);
    let unused = house.post(&ada, &format!("{base}/centers/delete"), "");
    let there = "/admin/users/tables?done=deleted";
    assert_eq!(unused.location.as_deref(), Some(there), "{}", unused.body);
}

#[test]
fn a_custom_field_is_edited_in_its_drawer() {
    let house = House::new();
    let ada = house.account("ada", Role::Administrator);
    let field = "key=team&kind=singleChoice&max=255&options=red%0D%0Ablue";
    let post = |path: &str, label: &str, body: &str| {
        house.post(
            &ada,
            &format!("/users/user-form{path}"),
            &format!("label={label}&{body}"),
        )
    };
    assert_eq!(done(&post("", "Team", field)), "added");
    let page = house.ask("GET", "/users/user-form/edit", Some(&ada), "");
    assert_eq!(page.status, 404, "no field is named");
    let more = field.replace("blue", "green");
    assert_eq!(done(&post("/edit", "Crew", &more)), "saved");
    let stored = house.admin.custom_fields().unwrap().remove(0);
    assert_eq!(stored.label, "Crew");
    let options = vec!["red".to_owned(), "green".to_owned()];
    assert_eq!(
        stored.kind,
        scim_mapping::FieldKind::SingleChoice { options }
    );
    let other = post("/edit", "Crew", "key=team&kind=boolean&max=&options=");
    assert_eq!(other.status, 422, "a field keeps its type");
}
