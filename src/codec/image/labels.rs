//! The labels of an enum or a set, in UTF-8: the log has their numbers only.

use super::charset::Charset;
use crate::model::logged::LoggedColumn;

#[derive(Debug, Clone)]
pub struct Labels {
    /// From 1 on: 0 is the empty text that stands for a value which was none of them.
    texts: Vec<Box<[u8]>>,
}

impl Labels {
    /// As the log tells them, else as the plan knows them. None where there are more than 32 bits
    /// count, or not as many in both.
    pub fn new(logged: &LoggedColumn, known: &[String], charset: &Charset) -> Option<Labels> {
        let texts = match &logged.labels {
            Some(labels) => {
                let convert = |label: &Vec<u8>| {
                    let mut text = Vec::new();
                    charset.convert(label, &mut text);
                    text.into_boxed_slice()
                };
                labels.iter().map(convert).collect::<Vec<_>>()
            }
            None => known.iter().map(|label| label.as_bytes().into()).collect(),
        };
        (texts.len() == known.len()).then_some(Labels { texts })
    }

    /// The number of a label that there is.
    #[inline]
    pub fn number(&self, number: u64) -> Option<u32> {
        (number <= self.texts.len() as u64).then_some(number as u32)
    }

    #[inline]
    pub fn text(&self, number: u32) -> Option<&[u8]> {
        let index = (number as usize).checked_sub(1)?;
        self.texts.get(index).map(|text| &text[..])
    }

    /// Appends the labels of a set, the first of them in the lowest bit. None for bits without one.
    pub fn write_set(&self, mut bits: u64, out: &mut Vec<u8>) -> Option<()> {
        let mut separator = &b""[..];
        while bits != 0 {
            let text = self.texts.get(bits.trailing_zeros() as usize)?;
            out.extend_from_slice(separator);
            out.extend_from_slice(text);
            separator = b",";
            bits &= bits - 1;
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_a_label() {
        let known = ["a", "größer"].map(str::to_owned);
        let none = LoggedColumn::default();
        let labels = Labels::new(&none, &known, &Charset::Utf8).unwrap();
        assert_eq!(labels.text(2), Some("größer".as_bytes()));
        assert_eq!((labels.text(0), labels.number(0)), (None, Some(0)));
        assert_eq!((labels.text(3), labels.number(3)), (None, None));
        let mut out = Vec::new();
        assert_eq!(labels.write_set(0b11, &mut out), Some(()));
        assert_eq!(out, "a,größer".as_bytes());
        assert_eq!(labels.write_set(1 << 63, &mut out), None);
    }

    #[test]
    fn the_log_s_own_labels_are_exact() {
        let logged = LoggedColumn {
            labels: Some(vec![vec![0, b'a'], vec![0xf0]]),
            ..LoggedColumn::default()
        };
        let known = ["a", "?"].map(str::to_owned);
        let labels = Labels::new(&logged, &known, &Charset::Ucs2).unwrap();
        assert_eq!(labels.text(1), Some(&b"a"[..]));
        assert_eq!(labels.text(2), Some(&b"?"[..]));
        assert!(Labels::new(&logged, &known[..1], &Charset::Ucs2).is_none());
    }
}
