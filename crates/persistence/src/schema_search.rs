//! The tables by which people and attempts are found, beside those of [`schema`](crate::schema).

use crate::schema::{provisioning_events, users};

diesel::table! {
    event_terms (event_id, term) {
        event_id -> BigInt,
        term -> Text,
    }
}

diesel::table! {
    look_ups (configuration_id, attribute, value_key) {
        configuration_id -> Text,
        attribute -> Text,
        value_key -> Text,
        value -> Text,
        first_at -> BigInt,
        last_at -> BigInt,
        times -> BigInt,
    }
}

diesel::table! {
    person_terms (person_id, term) {
        person_id -> Text,
        term -> Text,
    }
}

diesel::table! {
    person_terms_fill (position) {
        position -> Text,
    }
}

diesel::allow_tables_to_appear_in_same_query!(event_terms, provisioning_events);
diesel::allow_tables_to_appear_in_same_query!(event_terms, users);
diesel::allow_tables_to_appear_in_same_query!(look_ups, person_terms);
