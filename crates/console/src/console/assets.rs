//! The stylesheet, the script and the icons.

use super::ConsoleAnswer;

/// A file that belongs to every page.
pub(super) struct Asset {
    /// The path below the console.
    pub(super) path: &'static str,
    media_type: &'static str,
    body: &'static str,
}

/// Every such file.
pub(super) const ASSETS: [Asset; 7] = [
    Asset {
        path: "/assets/console.css",
        media_type: "text/css; charset=utf-8",
        body: include_str!("../../assets/console.css"),
    },
    Asset {
        path: "/assets/modes.css",
        media_type: "text/css; charset=utf-8",
        body: include_str!("../../assets/modes.css"),
    },
    Asset {
        path: "/assets/console.js",
        media_type: "text/javascript; charset=utf-8",
        body: include_str!("../../assets/console.js"),
    },
    Asset {
        path: "/assets/mapping.css",
        media_type: "text/css; charset=utf-8",
        body: include_str!("../../assets/mapping.css"),
    },
    Asset {
        path: "/assets/rules.js",
        media_type: "text/javascript; charset=utf-8",
        body: include_str!("../../assets/rules.js"),
    },
    Asset {
        path: "/assets/icons.svg",
        media_type: "image/svg+xml",
        body: include_str!("../../assets/icons.svg"),
    },
    Asset {
        path: "/assets/icon.svg",
        media_type: "image/svg+xml",
        body: include_str!("../../assets/icon.svg"),
    },
];

impl Asset {
    /// The file, which browsers keep for a while.
    pub(super) fn answer(&self) -> ConsoleAnswer {
        ConsoleAnswer {
            status: 200,
            media_type: self.media_type,
            body: self.body.to_owned(),
            lasting: true,
            location: None,
            ..ConsoleAnswer::redirect("")
        }
    }
}
