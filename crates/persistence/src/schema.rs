//! The tables, as the migrations of both engines leave them.
//!
//! A test compares every column, its type and whether it may be null with databases that were made
//! by the migrations. A column that one engine alone has is not here.

diesel::table! {
    access_tokens (id) {
        id -> Text,
        configuration_id -> Text,
        hash -> Text,
        sealed -> Text,
        key_id -> Text,
        hint -> Text,
        created_at -> BigInt,
        created_by -> Text,
        expires_at -> Nullable<BigInt>,
        revoked_at -> Nullable<BigInt>,
        last_used_at -> Nullable<BigInt>,
        last_used_from -> Nullable<Text>,
        last_used_by -> Nullable<Text>,
        made_by -> Nullable<Text>,
        replaced_by -> Nullable<Text>,
        retire_after -> Nullable<BigInt>,
        retire_at -> Nullable<BigInt>,
        first_used_at -> Nullable<BigInt>,
        end_noted -> Integer,
        signed_by -> Nullable<Text>,
    }
}

diesel::table! {
    accounts (id) {
        id -> Text,
        name -> Text,
        name_key -> Text,
        role -> Text,
        password_hash -> Text,
        created_at -> BigInt,
        failures -> BigInt,
        failed_at -> Nullable<BigInt>,
        issuer -> Nullable<Text>,
        subject -> Nullable<Text>,
        user_id -> Nullable<Text>,
    }
}

diesel::table! {
    api_keys (id) {
        id -> Text,
        name -> Text,
        name_key -> Text,
        role -> Text,
        hash -> Text,
        created_at -> BigInt,
        expires_at -> BigInt,
        revoked_at -> Nullable<BigInt>,
        made_by -> Nullable<Text>,
        account_id -> Nullable<Text>,
        scopes -> Nullable<Text>,
    }
}

diesel::table! {
    attributes_seen (configuration_id, resource, path) {
        configuration_id -> Text,
        resource -> Text,
        path -> Text,
        value_type -> Text,
        times -> BigInt,
        last_seen_at -> BigInt,
        sample -> Text,
    }
}

diesel::table! {
    audit_chain (hash) {
        length -> BigInt,
        hash -> Text,
        unchained -> BigInt,
    }
}

diesel::table! {
    audit_events (id) {
        id -> BigInt,
        at -> BigInt,
        actor -> Text,
        source -> Nullable<Text>,
        event -> Text,
        object -> Text,
        details -> Text,
        hash -> Nullable<Text>,
        configuration_id -> Nullable<Text>,
    }
}

diesel::table! {
    awaited_members (group_id, member_id) {
        group_id -> Text,
        member_id -> Text,
    }
}

diesel::table! {
    custom_fields (field_key) {
        field_key -> Text,
        definition -> Text,
        created_at -> BigInt,
    }
}

diesel::table! {
    device_links (hash) {
        hash -> Text,
        account_id -> Text,
        expires_at -> BigInt,
    }
}

diesel::table! {
    devices (id) {
        id -> Text,
        account_id -> Text,
        failures -> BigInt,
        failed_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    event_counts (configuration_id, hour, outcome) {
        configuration_id -> Text,
        hour -> BigInt,
        outcome -> Text,
        entries -> BigInt,
    }
}

diesel::table! {
    event_counts_end (counted_until) {
        counted_until -> BigInt,
    }
}

diesel::table! {
    field_catalog (revision) {
        revision -> BigInt,
    }
}

diesel::table! {
    group_grants (group_id, field, value) {
        group_id -> Text,
        field -> Text,
        value -> Text,
    }
}

diesel::table! {
    group_members (group_id, member_id) {
        group_id -> Text,
        member_id -> Text,
        member_kind -> Text,
        added_at -> BigInt,
        held_id -> Nullable<Text>,
        held_by -> Nullable<Text>,
        held_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::json::Document;

    groups (id) {
        id -> Text,
        name -> Text,
        name_key -> Text,
        kind -> Text,
        rule_key -> Nullable<Text>,
        managed_by -> Nullable<Text>,
        scim_name_key -> Nullable<Text>,
        external_id -> Nullable<Text>,
        scim_document -> Text,
        search_document -> Document,
        version -> BigInt,
        created_at -> BigInt,
        updated_at -> BigInt,
        confers_admin -> Integer,
    }
}

diesel::table! {
    held_changes (id) {
        id -> Text,
        configuration_id -> Text,
        user_id -> Text,
        deleted -> Integer,
        status -> Text,
        purge_at -> Nullable<BigInt>,
        at -> BigInt,
    }
}

diesel::table! {
    jobs (id) {
        id -> Text,
        configuration_id -> Text,
        position -> Nullable<Text>,
        total -> BigInt,
        done -> BigInt,
        changed -> BigInt,
        failed -> BigInt,
        finished -> Integer,
        actor -> Text,
        created_at -> BigInt,
        updated_at -> BigInt,
        claimed_until -> BigInt,
    }
}

diesel::table! {
    link_candidates (id) {
        id -> Text,
        configuration_id -> Text,
        person_id -> Text,
        candidate_key -> Text,
        attribute -> Text,
        document -> Text,
        at -> BigInt,
        dismissed_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    manual_grants (user_id, field, value) {
        user_id -> Text,
        field -> Text,
        value -> Text,
    }
}

diesel::table! {
    mapping_versions (configuration_id, resource, version) {
        configuration_id -> Text,
        resource -> Text,
        version -> BigInt,
        rules -> Text,
        checksum -> Text,
        note -> Text,
        created_by -> Text,
        created_at -> BigInt,
        tables -> Text,
    }
}

diesel::table! {
    outbox (id) {
        id -> BigInt,
        at -> BigInt,
        topic -> Text,
        resource_type -> Text,
        resource_id -> Text,
        payload -> Text,
    }
}

diesel::table! {
    pending_links (configuration_id, person_id) {
        configuration_id -> Text,
        person_id -> Text,
        attribute -> Text,
        document -> Text,
        at -> BigInt,
    }
}

diesel::table! {
    provisioning_configurations (id) {
        id -> Text,
        name -> Text,
        name_key -> Text,
        description -> Text,
        enabled -> Integer,
        users -> Integer,
        groups -> Integer,
        identity_provider -> Text,
        profile -> Text,
        policies -> Text,
        guard_reset_at -> Nullable<BigInt>,
        user_mapping -> BigInt,
        group_mapping -> BigInt,
        version -> BigInt,
        created_at -> BigInt,
        updated_at -> BigInt,
        paused -> Integer,
        networks -> Text,
        rehearsal -> Nullable<Text>,
        rehearsal_stage -> Nullable<Text>,
        deletion -> Nullable<Text>,
    }
}

diesel::table! {
    provisioning_events (id) {
        id -> BigInt,
        at -> BigInt,
        configuration_id -> Text,
        configuration_name -> Text,
        request_id -> Text,
        action -> Text,
        resource_type -> Nullable<Text>,
        resource_id -> Nullable<Text>,
        resource_name -> Nullable<Text>,
        mapping_version -> Nullable<BigInt>,
        outcome -> Text,
        status -> Integer,
        scim_type -> Nullable<Text>,
        reason -> Nullable<Text>,
        changes -> Text,
        deviations -> Text,
        duration_micros -> BigInt,
        source -> Nullable<Text>,
        user_agent -> Nullable<Text>,
        request -> Nullable<Text>,
        resource_key -> Nullable<Text>,
        resolved_at -> Nullable<BigInt>,
        resolved_by -> Nullable<Text>,
        detail -> Nullable<Text>,
        stage -> Nullable<Text>,
        cause -> Nullable<Text>,
        actor -> Nullable<Text>,
        occurrences -> BigInt,
        run -> Nullable<Text>,
    }
}

diesel::table! {
    reference_values (id) {
        id -> Text,
        kind -> Text,
        name -> Text,
        name_key -> Text,
        privileged -> Integer,
    }
}

diesel::table! {
    request_counts (configuration_id, hour, outcome) {
        configuration_id -> Text,
        hour -> BigInt,
        outcome -> Text,
        requests -> BigInt,
    }
}

diesel::table! {
    resource_totals (configuration_id, counted) {
        configuration_id -> Text,
        counted -> Text,
        amount -> BigInt,
    }
}

diesel::table! {
    sessions (hash) {
        hash -> Text,
        account_id -> Text,
        created_at -> BigInt,
        last_used_at -> BigInt,
        confirmed_at -> BigInt,
    }
}

diesel::table! {
    surveys (configuration_id, kind) {
        configuration_id -> Text,
        kind -> Text,
        asked_at -> BigInt,
        asked_by -> Text,
        done_at -> Nullable<BigInt>,
        result -> Nullable<Text>,
        claimed_until -> BigInt,
    }
}

diesel::table! {
    user_emails (user_id, value_key) {
        user_id -> Text,
        type_key -> Nullable<Text>,
        value_key -> Text,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::json::Document;

    users (id) {
        id -> Text,
        user_name -> Text,
        user_name_key -> Text,
        first_name -> Nullable<Text>,
        last_name -> Nullable<Text>,
        display_name -> Nullable<Text>,
        display_key -> Text,
        email -> Nullable<Text>,
        email_key -> Nullable<Text>,
        contact_no -> Nullable<Text>,
        alt_contact_no1 -> Nullable<Text>,
        alt_contact_no2 -> Nullable<Text>,
        job_title -> Nullable<Text>,
        employee_id -> Nullable<Text>,
        department -> Nullable<Text>,
        location -> Nullable<Text>,
        manager -> Nullable<Text>,
        manager_key -> Nullable<Text>,
        manager_id -> Nullable<Text>,
        roles -> Text,
        company -> Nullable<Text>,
        language -> Nullable<Text>,
        time_zone -> Nullable<Text>,
        user_type -> Text,
        is_vip -> Integer,
        custom_fields -> Text,
        status -> Text,
        is_tenant_admin -> Integer,
        admin_role -> Nullable<Text>,
        managed_by -> Nullable<Text>,
        scim_user_name_key -> Nullable<Text>,
        external_id -> Nullable<Text>,
        left_at -> Nullable<BigInt>,
        purge_at -> Nullable<BigInt>,
        held -> Integer,
        scim_document -> Text,
        search_document -> Document,
        version -> BigInt,
        created_at -> BigInt,
        updated_at -> BigInt,
    }
}

diesel::table! {
    write_probe (filler) {
        filler -> Text,
    }
}

diesel::allow_tables_to_appear_in_same_query!(
    access_tokens,
    accounts,
    api_keys,
    attributes_seen,
    audit_chain,
    audit_events,
    awaited_members,
    custom_fields,
    device_links,
    devices,
    event_counts,
    event_counts_end,
    field_catalog,
    group_grants,
    group_members,
    groups,
    held_changes,
    jobs,
    link_candidates,
    manual_grants,
    mapping_versions,
    outbox,
    pending_links,
    provisioning_configurations,
    provisioning_events,
    reference_values,
    request_counts,
    resource_totals,
    sessions,
    surveys,
    user_emails,
    users,
    write_probe,
);

#[cfg(test)]
#[path = "schema_tests.rs"]
pub(crate) mod tests;
