//! What identity providers call the attributes that they send.

use super::expression::Language;
use crate::record::Field;

const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

/// The path at which an attribute of the identity provider arrives when it is sent as it is.
pub(super) fn path(name: &str, language: Language) -> Option<String> {
    let bare = match language {
        Language::Entra => name,
        // `user.`, `appuser.`, `source.` and the like
        Language::Okta => name.split_once('.').map_or(name, |(_, bare)| bare),
    };
    let table: &[(&str, &str)] = match language {
        Language::Entra => &ENTRA,
        Language::Okta => &OKTA,
    };
    let found = table
        .iter()
        .find(|(known, _)| known.eq_ignore_ascii_case(bare));
    found.map(|(_, path)| path.replace("enterprise:", &format!("{ENTERPRISE}:")))
}

/// The field to which the default rules take an attribute of SCIM, or the name that Okta has for it.
pub(super) fn field(target: &str) -> Option<Field> {
    let target = target
        .strip_prefix(&format!("{ENTERPRISE}:"))
        .unwrap_or(target);
    // Of typed values the type alone tells.
    let plain = target.replace(' ', "").to_lowercase();
    let found = FIELDS.iter().find(|(known, _)| *known == plain);
    found.and_then(|(_, key)| Field::from_key(key))
}

const ENTRA: [(&str, &str); 27] = [
    ("userPrincipalName", "userName"),
    ("mail", "emails[type eq \"work\"].value"),
    ("givenName", "name.givenName"),
    ("surname", "name.familyName"),
    ("displayName", "displayName"),
    ("mailNickname", "externalId"),
    ("objectId", "externalId"),
    ("jobTitle", "title"),
    ("department", "enterprise:department"),
    ("employeeId", "enterprise:employeeNumber"),
    ("companyName", "enterprise:organization"),
    ("costCenter", "enterprise:costCenter"),
    ("division", "enterprise:division"),
    ("manager", "enterprise:manager.value"),
    ("telephoneNumber", "phoneNumbers[type eq \"work\"].value"),
    ("mobile", "phoneNumbers[type eq \"mobile\"].value"),
    (
        "facsimileTelephoneNumber",
        "phoneNumbers[type eq \"fax\"].value",
    ),
    ("city", "addresses[type eq \"work\"].locality"),
    ("country", "addresses[type eq \"work\"].country"),
    ("state", "addresses[type eq \"work\"].region"),
    ("postalCode", "addresses[type eq \"work\"].postalCode"),
    ("streetAddress", "addresses[type eq \"work\"].streetAddress"),
    (
        "physicalDeliveryOfficeName",
        "addresses[type eq \"other\"].formatted",
    ),
    ("preferredLanguage", "preferredLanguage"),
    ("userType", "userType"),
    ("employeeType", "userType"),
    ("accountEnabled", "active"),
];

const OKTA: [(&str, &str); 26] = [
    ("login", "userName"),
    ("userName", "userName"),
    ("email", "emails[primary eq true].value"),
    ("secondEmail", "emails[type eq \"secondary\"].value"),
    ("firstName", "name.givenName"),
    ("lastName", "name.familyName"),
    ("middleName", "name.middleName"),
    ("displayName", "displayName"),
    ("nickName", "nickName"),
    ("title", "title"),
    ("department", "enterprise:department"),
    ("employeeNumber", "enterprise:employeeNumber"),
    ("organization", "enterprise:organization"),
    ("costCenter", "enterprise:costCenter"),
    ("division", "enterprise:division"),
    ("managerId", "enterprise:manager.value"),
    ("primaryPhone", "phoneNumbers[primary eq true].value"),
    ("mobilePhone", "phoneNumbers[type eq \"mobile\"].value"),
    ("city", "addresses[primary eq true].locality"),
    ("countryCode", "addresses[primary eq true].country"),
    ("state", "addresses[primary eq true].region"),
    ("zipCode", "addresses[primary eq true].postalCode"),
    ("streetAddress", "addresses[primary eq true].streetAddress"),
    ("preferredLanguage", "preferredLanguage"),
    ("timezone", "timezone"),
    ("userType", "userType"),
];

const FIELDS: [(&str, &str); 42] = [
    ("username", "user_name"),
    ("login", "user_name"),
    ("name.givenname", "first_name"),
    ("givenname", "first_name"),
    ("firstname", "first_name"),
    ("name.familyname", "last_name"),
    ("familyname", "last_name"),
    ("lastname", "last_name"),
    ("displayname", "display_name"),
    ("emails[typeeq\"work\"].value", "email"),
    ("emails[primaryeqtrue].value", "email"),
    ("email", "email"),
    ("phonenumbers[typeeq\"work\"].value", "contact_no"),
    ("phonenumbers[primaryeqtrue].value", "contact_no"),
    ("primaryphone", "contact_no"),
    ("phonenumbers[typeeq\"mobile\"].value", "alt_contact_no1"),
    ("mobilephone", "alt_contact_no1"),
    ("phonenumbers[typeeq\"home\"].value", "alt_contact_no2"),
    ("phonenumbers[typeeq\"other\"].value", "alt_contact_no2"),
    ("title", "job_title"),
    ("employeenumber", "employee_id"),
    ("department", "department"),
    ("organization", "company"),
    ("company", "company"),
    ("manager", "manager"),
    ("manager.value", "manager"),
    ("managerid", "manager"),
    ("addresses[typeeq\"work\"].locality", "location"),
    ("addresses[primaryeqtrue].locality", "location"),
    ("city", "location"),
    ("location", "location"),
    ("preferredlanguage", "language"),
    ("language", "language"),
    ("locale", "language"),
    ("timezone", "time_zone"),
    ("usertype", "user_type"),
    ("active", "status"),
    ("externalid", "scim_external_id"),
    ("roles", "roles"),
    ("roles[primaryeq\"true\"].value", "roles"),
    ("isvip", "is_vip"),
    ("vip", "is_vip"),
];
