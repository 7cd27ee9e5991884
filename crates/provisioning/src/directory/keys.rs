//! Values by which people are told apart, in the form in which they are compared.

use scim_protocol::text::fold;

/// The values by which a user is recognised; all folded.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UserKeys {
    /// The user name that the mapping makes, by which ServiceOps knows the user.
    pub user_name: String,
    /// `userName`, unique inside the configuration, without white space at either end.
    pub scim_user_name: String,
    /// Every e-mail address.
    pub emails: Vec<String>,
    /// Phone numbers and the employee number: what can be a recovery key, as [`phone_key`] and
    /// [`number_key`] write them.
    pub recovery: Vec<String>,
    /// `externalId`, not folded.
    pub external_id: Option<String>,
}

/// A phone number as it is compared: its digits alone, without the zeros or the sign that stand
/// before a country's number, and without a trunk zero in parentheses. `None` where there is none.
///
/// ```
/// use scim_provisioning::directory::phone_key;
///
/// for same in ["+49 30 123-4", "0049/30 1234", "tel:+49-30-1234", "+49 (0)30 1234", "４９３０１２３４"] {
///     assert_eq!(phone_key(same).as_deref(), Some("49301234"), "{same}");
/// }
/// assert_eq!(phone_key("none"), None);
/// ```
pub fn phone_key(text: &str) -> Option<String> {
    let digits: String = fold(text)
        .replace("(0)", "")
        .chars()
        .filter_map(digit)
        .collect();
    let digits = digits.strip_prefix("00").unwrap_or(&digits);
    (!digits.is_empty()).then(|| digits.to_owned())
}

/// An employee number as it is compared: its letters and digits alone.
///
/// ```
/// use scim_provisioning::directory::number_key;
///
/// assert_eq!(number_key(" E-10 42").as_deref(), Some("e1042"));
/// assert_eq!(number_key("e1042"), number_key("E.1042"));
/// assert_eq!(number_key("-"), None);
/// ```
pub fn number_key(text: &str) -> Option<String> {
    let written = |character| match digit(character) {
        Some(digit) => Some(digit),
        None => Some(character).filter(|character| character.is_alphanumeric()),
    };
    let key: String = fold(text).chars().filter_map(written).collect();
    (!key.is_empty()).then_some(key)
}

/// A decimal digit of any of the scripts in which phones write one, as ASCII.
fn digit(character: char) -> Option<char> {
    let value = character.to_digit(10).or_else(|| {
        ZEROS.into_iter().find_map(|zero| {
            let above = u32::from(character).checked_sub(u32::from(zero))?;
            (above < 10).then_some(above)
        })
    })?;
    char::from_digit(value, 10)
}

/// Zero in Arabic, Persian, Devanagari, Bengali, Tamil and Thai digits.
const ZEROS: [char; 6] = [
    '\u{660}', '\u{6F0}', '\u{966}', '\u{9E6}', '\u{BE6}', '\u{E50}',
];
