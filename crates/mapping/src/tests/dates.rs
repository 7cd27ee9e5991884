use super::*;

fn apply(line: &str, text: &str) -> Option<String> {
    let transform: Transform = line.parse().unwrap();
    let value = transform.apply(Some(text.into()))?;
    Some(value.as_str().unwrap().to_owned())
}

#[test]
fn a_date_without_an_offset_is_of_the_zone() {
    let berlin = r#"date: {"formats": ["%d.%m.%Y %H:%M", "%d.%m.%Y"], "zone": "Europe/Berlin"}"#;
    for (text, instant) in [
        ("31.01.2026 08:00", Some("2026-01-31T07:00:00Z")),
        ("31.07.2026 08:00", Some("2026-07-31T06:00:00Z")),
        ("31.07.2026", Some("2026-07-30T22:00:00Z")),
        // The clock shows it twice: the first time.
        ("25.10.2026 02:30", Some("2026-10-25T00:30:00Z")),
        // The clock never shows it: as if it had not been put forward.
        ("29.03.2026 02:30", Some("2026-03-29T01:30:00Z")),
        ("2026-01-31T08:00:00+05:00", Some("2026-01-31T03:00:00Z")),
        ("soon", None),
    ] {
        assert_eq!(apply(berlin, text).as_deref(), instant, "{text}");
    }
    // A day that a zone left out altogether.
    let apia = r#"date: {"formats": ["%Y/%m/%d"], "zone": "Pacific/Apia"}"#;
    assert!(apply(apia, "2011/12/30").is_some());
    let plain = r#"date: ["%d.%m.%Y %H:%M"]"#;
    assert_eq!(
        apply(plain, "31.01.2026 08:00").as_deref(),
        Some("2026-01-31T08:00:00Z")
    );
}

#[test]
fn a_date_is_written_as_somebody_in_the_zone_writes_it() {
    let berlin = r#"writeDate: {"format": "%d.%m.%Y %H:%M", "zone": "Europe/Berlin"}"#;
    for (text, written) in [
        ("2026-07-31T22:30:00Z", Some("01.08.2026 00:30")),
        ("2026-07-31", Some("31.07.2026 00:00")),
        ("2026-07-31T12:00:00", Some("31.07.2026 12:00")),
        ("tomorrow", None),
    ] {
        assert_eq!(apply(berlin, text).as_deref(), written, "{text}");
    }
    let utc = r#"writeDate: {"format": "%d-%m-%Y %H:%M"}"#;
    assert_eq!(
        apply(utc, "2026-07-31T22:30:00+02:00").as_deref(),
        Some("31-07-2026 20:30")
    );
}

#[test]
fn days_are_counted_in_the_form_in_which_the_date_came() {
    for (line, text, expected) in [
        ("plusDays: 30", "2026-01-31", Some("2026-03-02")),
        ("plusDays: -31", "2026-01-31", Some("2025-12-31")),
        (
            "plusDays: 1",
            "2026-03-28T12:00:00+01:00",
            Some("2026-03-29T12:00:00+01:00"),
        ),
        (
            "plusDays: 1",
            "2026-03-28T12:00:00",
            Some("2026-03-29T12:00:00"),
        ),
        // The clock of the zone shows noon on both days, and one has 23 hours.
        (
            r#"plusDays: {"days": 1, "zone": "Europe/Berlin"}"#,
            "2026-03-28T11:00:00Z",
            Some("2026-03-29T10:00:00Z"),
        ),
        ("plusDays: 1", "whenever", None),
        ("plusDays: 36525", "+262142-12-31", None),
    ] {
        assert_eq!(apply(line, text).as_deref(), expected, "{line} {text}");
    }
}

#[test]
fn the_documents_of_dates_stay_as_they_were() {
    for document in [
        json!({"date": ["%d.%m.%Y"]}),
        json!({"date": {"formats": ["%d.%m.%Y"], "zone": "Europe/Berlin"}}),
        json!({"plusDays": 3}),
        json!({"plusDays": {"days": 3, "zone": "UTC"}}),
        json!({"writeDate": {"format": "%Y"}}),
    ] {
        let read: Transform = serde_json::from_value(document.clone()).unwrap();
        assert_eq!(json!(read), document);
    }
    for wrong in [
        json!({"date": {"formats": ["%Y"], "zone": "UTC", "more": 1}}),
        json!({"plusDays": "3"}),
        json!({"plusDays": 1.5}),
    ] {
        assert!(
            serde_json::from_value::<Transform>(wrong.clone()).is_err(),
            "{wrong}"
        );
    }
}
