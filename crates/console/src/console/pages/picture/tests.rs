//! Which lines the picture of a mapping has, and what stands out in it.

use scim_mapping::MappingSet;

use super::*;

fn seen(path: &str) -> ReceivedAttribute {
    ReceivedAttribute {
        path: path.to_owned(),
        value_type: "string".to_owned(),
        count: 7,
        last_seen: chrono::Utc::now(),
        sample: "a**".to_owned(),
        mapped: false,
    }
}

fn picture(rules: &[Rule], seen: &[ReceivedAttribute]) -> Picture {
    Picture::new(&Catalog::default(), ResourceKind::User, rules, &[], seen)
}

/// The names at the ends of the lines of a rule; one that stands in the condition in brackets.
fn ends(picture: &Picture, thread: usize) -> Vec<String> {
    let row = |text: &str| text.parse::<usize>().unwrap() / ROW;
    let thread = &picture.threads[thread];
    let mut found = Vec::new();
    for (lines, condition) in [(&thread.values, false), (&thread.conditions, true)] {
        for line in lines.split("M0 ").filter(|line| !line.is_empty()) {
            let (from, to) = line.split_once('C').unwrap();
            let from = &picture.sources[row(from)].name;
            let to = &picture.fields[row(to.rsplit(' ').next().unwrap())].name;
            found.push(match condition {
                true => format!("({from}) {to}"),
                false => format!("{from} {to}"),
            });
        }
    }
    found
}

#[test]
fn a_line_leads_from_what_was_received_to_the_field_whichever_value_is_selected() {
    let rules = MappingSet::default_user().rules;
    let work = "emails[type eq \"work\"].value";
    let drawn = picture(
        &rules,
        &[seen(work), seen("USERNAME"), seen("name.honorificPrefix")],
    );
    assert_eq!(ends(&drawn, 0), ["USERNAME Logon name *"]);
    // Nothing of the name was received but a part that no rule reads.
    assert_eq!(
        ends(&drawn, 1),
        ["name.givenName First name", "name.formatted First name"]
    );
    assert_eq!(ends(&drawn, 3), [format!("{work} E-mail")]);
    let unread: Vec<&str> = drawn
        .sources
        .iter()
        .filter(|node| node.class == "unread")
        .map(|node| node.add.as_str())
        .collect();
    assert_eq!(unread, ["/new-rule?path=name.honorificPrefix"]);
    assert!(
        drawn.said.contains("1 attribute that no rule reads"),
        "{}",
        drawn.said
    );
    assert_eq!(
        drawn.height,
        drawn.sources.len().max(drawn.fields.len()) * ROW
    );
}

#[test]
fn constants_fields_and_conditions_are_ends_too() {
    let rules = [
        Rule::new(Source::Path("title".to_owned()), Field::JobTitle),
        Rule {
            when: Some("userType eq \"x\" and not (emails[type eq \"work\"])".to_owned()),
            ..Rule::new(Source::Constant("External".into()), Field::Department)
        },
        Rule::new(Source::Path("field(job_title)".to_owned()), Field::Company),
        Rule {
            enabled: false,
            ..Rule::new(Source::Path("nickName".to_owned()), Field::Department)
        },
    ];
    let drawn = picture(&rules, &[seen("userType")]);
    assert_eq!(
        ends(&drawn, 1),
        [
            "External Department",
            "(userType) Department",
            "(emails) Department"
        ]
    );
    assert_eq!(ends(&drawn, 2), ["Designation Company"]);
    assert_eq!(drawn.threads[3].class, "off");
    assert_eq!(drawn.fields[1].note, "2 rules");
    assert!(
        drawn.threads[1].said.contains("where userType"),
        "{}",
        drawn.threads[1].said
    );
}

#[test]
fn a_required_field_that_no_rule_in_force_writes_stands_out_before_the_others() {
    let custom = |key: &str, required| scim_mapping::CustomField {
        key: key.to_owned(),
        label: key.to_owned(),
        kind: scim_mapping::FieldKind::Boolean,
        required,
    };
    let many = (0..40).map(|at| custom(&format!("free{at}"), false));
    let needed = [custom("badge", true), custom("floor", true)];
    let catalog = Catalog::with_custom(many.chain(needed).collect());
    let floor = Rule {
        enabled: false,
        ..Rule::new(
            Source::Path("floor".to_owned()),
            Field::Custom("floor".to_owned()),
        )
    };
    let user = Rule::new(Source::Path("userName".to_owned()), Field::UserName);
    let rules = [user, floor];
    let drawn = Picture::new(&catalog, ResourceKind::User, &rules, &[], &[]);
    let missing = drawn.fields.iter().filter(|node| node.class == "missing");
    let missing: Vec<(&str, &str)> = missing
        .map(|node| (node.name.as_str(), node.add.as_str()))
        .collect();
    assert_eq!(
        missing,
        [
            ("floor *", ""),
            ("badge *", "/new-rule?target=custom_fields.badge")
        ]
    );
    assert!(
        drawn.said.contains("2 required fields without a rule"),
        "{}",
        drawn.said
    );
    assert_eq!(drawn.fields.len(), 3);
    assert!(drawn.free.contains("free0, free1"), "{}", drawn.free);
}
