//! What PostgreSQL accepts as the name of an object.

use crate::error::{Error, Kind, Result};

/// Bytes of a name that PostgreSQL keeps (NAMEDATALEN - 1). It cuts a longer one silently, and two
/// names may become one; here a longer one is refused.
pub const MAX_NAME_BYTES: usize = 63;

/// Refuses what cannot be a name. `kind` says in messages what is named: `target table`.
pub fn check_name(kind: &str, name: &str) -> Result<()> {
    let fault = if name.is_empty() {
        "is empty".to_string()
    } else if name.contains('\0') {
        format!("\"{}\" contains a NUL byte", name.replace('\0', "\\0"))
    } else if name.len() > MAX_NAME_BYTES {
        format!("\"{name}\" is too long")
    } else {
        return Ok(());
    };
    Err(
        Error::new(Kind::InvalidParameter, format!("{kind} name {fault}"))
            .with_detail(format!("The name has {} bytes.", name.len()))
            .with_hint(format!(
                "Choose a name of 1 to {MAX_NAME_BYTES} bytes without NUL."
            )),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_one_to_63_bytes() {
        assert!(check_name("job", "shop").is_ok());
        assert!(check_name("job", &"x".repeat(63)).is_ok());
        assert!(check_name("job", &"ä".repeat(31)).is_ok());
        for bad in [&"x".repeat(64), &"ä".repeat(32), "", "a\0b"] {
            let error = check_name("job", bad).unwrap_err();
            assert_eq!(error.kind, Kind::InvalidParameter);
            assert!(error.message.starts_with("job name "), "{error}");
            assert!(!error.message.contains('\0'));
            assert!(error.hint.is_some());
        }
    }
}
