//! HTML that cannot hold an unescaped value: tags, classes and attribute names are `&'static str`,
//! so they come from this program; whatever else is written goes through [`escape`]. Elements close
//! by themselves.

/// No text on the page is longer; the page says so with an ellipsis.
const LONGEST: usize = 600;

#[derive(Default)]
pub struct Html {
    out: String,
}

/// An attribute: its name is the program's, its value is escaped.
pub type Attribute<'a> = (&'static str, &'a str);

impl Html {
    /// Markup of this program's own, as it stands.
    pub fn markup(&mut self, markup: &'static str) {
        self.out.push_str(markup);
    }

    pub fn text(&mut self, text: &str) {
        self.text_up_to(LONGEST, text);
    }

    pub fn text_up_to(&mut self, longest: usize, text: &str) {
        let start = self.out.len();
        for (place, c) in text.chars().enumerate() {
            // What escapes make longer ends earlier, so that the size of the page is known.
            if place >= longest || self.out.len() - start > 3 * longest {
                self.out.push('…');
                break;
            }
            escape(&mut self.out, c);
        }
    }

    pub fn element(
        &mut self,
        tag: &'static str,
        attributes: &[Attribute<'_>],
        content: impl FnOnce(&mut Html),
    ) {
        self.open(tag, attributes);
        content(self);
        self.out.push_str("</");
        self.out.push_str(tag);
        self.out.push('>');
    }

    /// An element with a class and a text. An empty class is none.
    pub fn leaf(&mut self, tag: &'static str, class: &'static str, text: &str) {
        self.element(tag, &[("class", class)], |h| h.text(text));
    }

    fn open(&mut self, tag: &'static str, attributes: &[Attribute<'_>]) {
        self.out.push('<');
        self.out.push_str(tag);
        for (name, value) in attributes {
            if *name == "class" && value.is_empty() {
                continue;
            }
            self.out.push(' ');
            self.out.push_str(name);
            self.out.push_str("=\"");
            for c in value.chars() {
                escape(&mut self.out, c);
            }
            self.out.push('"');
        }
        self.out.push('>');
    }

    /// Bytes written.
    pub fn size(&self) -> usize {
        self.out.len()
    }

    pub fn finish(self) -> String {
        self.out
    }
}

/// In text and in quoted attributes alike. What is invisible, or turns the direction of what
/// follows, is shown as a replacement character: a name cannot look like another.
fn escape(out: &mut String, c: char) {
    match c {
        '&' => out.push_str("&amp;"),
        '<' => out.push_str("&lt;"),
        '>' => out.push_str("&gt;"),
        '"' => out.push_str("&quot;"),
        '\'' => out.push_str("&#39;"),
        '\n' | '\t' => out.push(c),
        '\u{0}'..='\u{1f}' => {
            out.push(char::from_u32(0x2400 + u32::from(c)).unwrap_or(char::REPLACEMENT_CHARACTER))
        }
        '\u{7f}'..='\u{9f}'
        | '\u{200b}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{feff}'
        | '\u{fdd0}'..='\u{fdef}' => out.push(char::REPLACEMENT_CHARACTER),
        c if u32::from(c) & 0xfffe == 0xfffe => out.push(char::REPLACEMENT_CHARACTER),
        c => out.push(c),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(value: &str) -> String {
        let mut html = Html::default();
        html.text(value);
        html.finish()
    }

    #[test]
    fn values_are_escaped_in_text_and_attributes() {
        assert_eq!(
            text("<script>alert('&\"')</script>"),
            "&lt;script&gt;alert(&#39;&amp;&quot;&#39;)&lt;/script&gt;"
        );
        let mut html = Html::default();
        html.element("i", &[("title", "\"><img src=x>")], |h| h.text("a"));
        assert_eq!(
            html.finish(),
            "<i title=\"&quot;&gt;&lt;img src=x&gt;\">a</i>"
        );
    }

    #[test]
    fn control_and_direction_characters_become_visible() {
        assert_eq!(text("a\u{1b}b\u{0}c\n"), "a␛b␀c\n");
        assert_eq!(text("\u{202e}\u{9f}\u{feff}\u{1ffff}"), "����");
        assert_eq!(text("ä 日本 🐬"), "ä 日本 🐬");
    }

    #[test]
    fn long_texts_end_with_an_ellipsis() {
        let shown = text(&"é".repeat(10_000));
        assert_eq!(shown.chars().count(), LONGEST + 1);
        assert!(shown.ends_with('…'));
        assert_eq!(text(&"x".repeat(LONGEST)).len(), LONGEST);
    }

    #[test]
    fn a_leaf_without_a_class_has_no_attribute() {
        let mut html = Html::default();
        html.leaf("b", "", "x");
        html.leaf("b", "n", "y");
        assert_eq!(html.finish(), "<b>x</b><b class=\"n\">y</b>");
    }
}
