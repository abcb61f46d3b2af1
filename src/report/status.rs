//! A state as a colour and a word.

use super::html::Html;

/// What a state means to who looks; the names of the style sheet.
pub fn tone(status: &str) -> &'static str {
    match status {
        "completed" => "good",
        "streaming" => "flow",
        "running" | "initializing" | "catching_up" | "copying" | "starting" => "work",
        "failed" => "bad",
        "paused" | "waiting" | "pruned" => "warn",
        _ => "calm",
    }
}

pub fn status(h: &mut Html, status: &str) {
    let class = match tone(status) {
        "good" => "status good",
        "flow" => "status flow",
        "work" => "status work",
        "bad" => "status bad",
        "warn" => "status warn",
        _ => "status calm",
    };
    h.element("span", &[("class", class)], |h| {
        h.text_up_to(40, &status.replace('_', " "));
    });
}
