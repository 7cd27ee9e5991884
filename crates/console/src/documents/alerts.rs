//! What needs somebody.

use serde::Serialize;
use utoipa::ToSchema;

use super::kinds::document;

document! {
    /// Something that needs somebody, or did.
    #[schema(example = json!({
        "id": "0197f2e8-05d2-7c3b-9f61-2ab8d47e90c3", "kind": "token-ends",
        "title": "A token ends soon",
        "message": "The token ...a1b2 of Entra ID ends on 2026-12-03.",
        "advice": "Make a new token, and give it to the identity provider.",
        "page": "/admin/users/scim-provisioning/0197f2c4-8a31-7c52-b1d0-4f6e2a9c7d15/tokens",
        "cause": null, "count": null, "endsAt": "2026-12-03T09:15:00Z",
        "since": "2026-11-26T09:15:00Z", "lastSeenAt": "2026-11-26T16:50:00Z", "overAt": null,
    }))]
    Alert {
        id: String,
        /// What it is, such as `token-ends`.
        kind: String,
        /// The same in a few words.
        title: String,
        /// What it is, in a sentence or two.
        message: String,
        /// What to do.
        advice: String,
        /// The page of the console that mends it.
        page: String,
        about: AlertThing,
        /// Why, where the kind alone does not say it.
        cause: Option<String>,
        /// How many, where something is counted.
        count: Option<i64>,
        /// When that ends which ends soon.
        ends_at: Option<String>,
        /// Since when it is so.
        since: String,
        last_seen_at: String,
        /// When it was over; `null` as long as it is not.
        over_at: Option<String>,
    }
}
document! {
    /// What an alert is about.
    #[schema(example = json!({ "type": "token", "id": "0197f2c4-8a35-7b19-92e6-a8d15c3f7042", "name": "a1b2" }))]
    AlertThing {
        /// `configuration`, `token`, `certificate`, `stream`, `database` or `rehearsal`.
        #[serde(rename = "type")]
        kind: String,
        /// Its id; of a rehearsal that of its configuration.
        id: String,
        name: String,
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use scim_admin::alert::{Alert, AlertCause, AlertKind, AlertThing};
    use serde_json::{Value, json};

    use crate::documents::alert;

    #[test]
    fn receivers_of_the_feed_are_told_what_the_api_answers() {
        for kind in AlertKind::ALL {
            let about = AlertThing {
                id: "a".to_owned(),
                name: "A".to_owned(),
                configuration: None,
            };
            let stored = Alert {
                id: "1".to_owned(),
                kind: *kind,
                about,
                cause: Some(AlertCause::WithinAnHour),
                count: Some(2),
                ends: Some(DateTime::UNIX_EPOCH),
                since: DateTime::UNIX_EPOCH,
                seen: DateTime::UNIX_EPOCH,
                over: None,
                told: 1,
            };
            let mut answered = json!(alert(&stored));
            let seen = answered.as_object_mut().unwrap().shift_remove("lastSeenAt");
            assert!(seen.is_some_and(|seen| seen.is_string()));
            assert_eq!(answered, Value::Object(stored.record()));
        }
    }
}
