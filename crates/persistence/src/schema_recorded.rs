//! The tables of what triggers record, beside those of [`schema`](crate::schema): the feed, and runs
//! with what they did.

use crate::schema::{group_members, groups, users};

diesel::table! {
    /// Who writes, as SQLite is told it; PostgreSQL has it in a setting.
    feed_author (actor) {
        actor -> Nullable<Text>,
        run -> Nullable<Text>,
        request -> Nullable<Text>,
    }
}

diesel::table! {
    /// On SQLite the id is the position.
    feed_changes (id) {
        id -> BigInt,
        position -> Nullable<BigInt>,
        at -> BigInt,
        subject -> Text,
        resource_id -> Text,
        resource_name -> Nullable<Text>,
        version -> Nullable<BigInt>,
        old -> Nullable<Text>,
        new -> Nullable<Text>,
        actor -> Nullable<Text>,
        run -> Nullable<Text>,
    }
}

diesel::table! {
    feed_state (epoch) {
        epoch -> BigInt,
        sequenced -> BigInt,
        forgotten -> BigInt,
    }
}

diesel::table! {
    run_counts (run, counted) {
        run -> Text,
        counted -> Text,
        amount -> BigInt,
    }
}

diesel::table! {
    run_images (id) {
        id -> BigInt,
        run -> Text,
        request -> Nullable<Text>,
        at -> BigInt,
        subject -> Text,
        resource_id -> Text,
        other_id -> Nullable<Text>,
        name -> Nullable<Text>,
        old -> Nullable<Text>,
        new -> Nullable<Text>,
    }
}

diesel::table! {
    runs (id) {
        id -> Text,
        kind -> Text,
        configuration_id -> Nullable<Text>,
        configuration_name -> Nullable<Text>,
        actor -> Text,
        began_at -> BigInt,
        last_request_at -> BigInt,
        silence -> Nullable<BigInt>,
        ended_at -> Nullable<BigInt>,
        state -> Text,
        of_run -> Nullable<Text>,
        chosen -> Nullable<Text>,
        phase -> Nullable<BigInt>,
        position -> Nullable<BigInt>,
        claimed_until -> BigInt,
        forgotten -> Integer,
    }
}

diesel::allow_tables_to_appear_in_same_query!(run_images, runs);
diesel::allow_tables_to_appear_in_same_query!(run_images, group_members);
diesel::allow_tables_to_appear_in_same_query!(run_images, groups);
diesel::allow_tables_to_appear_in_same_query!(run_images, users);
diesel::allow_tables_to_appear_in_same_query!(runs, group_members);
