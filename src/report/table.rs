//! Tables and sections: a caption for those who listen, headers with their scope, and a frame that
//! scrolls by itself where the page is narrow.

use super::html::Html;

/// A column's title and class: `n` for numbers, aligned right.
pub type Head = (&'static str, &'static str);

pub fn section(
    h: &mut Html,
    id: &'static str,
    title: &'static str,
    note: &str,
    content: impl FnOnce(&mut Html),
) {
    h.element("section", &[("id", id)], |h| {
        h.element("header", &[("class", "title")], |h| {
            h.leaf("h2", "", title);
            if !note.is_empty() {
                h.leaf("p", "note", note);
            }
        });
        content(h);
    });
}

pub fn table(h: &mut Html, caption: &'static str, heads: &[Head], rows: impl FnOnce(&mut Html)) {
    let frame = [
        ("class", "scroll"),
        ("role", "region"),
        ("tabindex", "0"),
        ("aria-label", caption),
    ];
    h.element("div", &frame, |h| {
        h.element("table", &[], |h| {
            h.leaf("caption", "", caption);
            h.element("thead", &[], |h| {
                h.element("tr", &[], |h| {
                    for (title, class) in heads.iter().filter(|(title, _)| !title.is_empty()) {
                        let scope = [("scope", "col"), ("class", *class)];
                        h.element("th", &scope, |h| h.text(title));
                    }
                });
            });
            h.element("tbody", &[], rows);
        });
    });
}

/// A column that only a report on several jobs has: without a title it is left out.
pub fn only_if(many: bool, title: &'static str) -> Head {
    (if many { title } else { "" }, "")
}

/// The first cell of a row, which names it.
pub fn row_head(h: &mut Html, name: &str) {
    h.element("th", &[("scope", "row")], |h| h.text_up_to(80, name));
}

pub fn cell(h: &mut Html, class: &'static str, text: &str) {
    h.leaf("td", class, text);
}

/// A name of at most 64 letters, or the beginning of a longer one.
pub fn name(h: &mut Html, class: &'static str, text: &str) {
    h.element("td", &[("class", class)], |h| h.text_up_to(80, text));
}

/// A number in short, with all its digits for whoever points at it.
pub fn count(h: &mut Html, value: Option<i64>) {
    match value {
        Some(value) => {
            let exact = super::format::grouped(value);
            h.element("td", &[("class", "n"), ("title", &exact)], |h| {
                h.text(&super::format::count(value));
            });
        }
        None => cell(h, "n", "–"),
    }
}

pub fn left_out(h: &mut Html, shown: usize, total: i64, what: &str) {
    let rest = total.saturating_sub(i64::try_from(shown).unwrap_or(i64::MAX));
    if rest > 0 {
        let rest = super::format::grouped(rest);
        h.leaf("p", "more", &format!("{rest} more {what} are left out."));
    }
}
