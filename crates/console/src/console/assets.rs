//! The stylesheet, the script and the icons.

use super::ConsoleAnswer;

pub(super) fn find(path: &str) -> Option<ConsoleAnswer> {
    let (media_type, body) = match path {
        "/assets/console.css" => (
            "text/css; charset=utf-8",
            include_str!("../../assets/console.css"),
        ),
        "/assets/console.js" => (
            "text/javascript; charset=utf-8",
            include_str!("../../assets/console.js"),
        ),
        "/assets/icons.svg" => ("image/svg+xml", include_str!("../../assets/icons.svg")),
        "/assets/icon.svg" => ("image/svg+xml", include_str!("../../assets/icon.svg")),
        _ => return None,
    };
    Some(ConsoleAnswer {
        status: 200,
        media_type,
        body: body.to_owned(),
        lasting: true,
        ..ConsoleAnswer::redirect("")
    })
    .map(|answer| ConsoleAnswer {
        location: None,
        ..answer
    })
}
