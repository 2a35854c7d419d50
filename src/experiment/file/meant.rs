//! The name that a mistyped one was meant to be.

/// The candidate most similar to `name`; `None` where none is similar enough to have been meant.
fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    /// The threshold of clap's own suggestions. Below it, names have little in common.
    const NEAR: f64 = 0.7;
    let near = candidates.into_iter().map(|candidate| {
        let similarity = strsim::jaro_winkler(name, candidate);
        (similarity, candidate)
    });
    let nearest = near.max_by(|a, b| a.0.total_cmp(&b.0));
    nearest
        .filter(|(similarity, _)| *similarity > NEAR)
        .map(|(_, name)| name)
}

/// The name that was meant by one that serde does not know. Serde's messages quote the unknown name and then the known ones:
/// "unknown field `imagse`, expected one of `name`, `images`".
pub(super) fn for_message(message: &str) -> Option<&str> {
    message.strip_prefix("unknown ")?;
    let mut quoted = message.split('`').skip(1).step_by(2);
    nearest(quoted.next()?, quoted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn serdes_messages_hold_what_was_meant() {
        let message = "unknown field `imagse`, expected one of `name`, `images`, `batch`";
        assert_eq!(for_message(message), Some("images"));
        let message = "unknown variant `constnat`, expected `constant` or `bound`";
        assert_eq!(for_message(message), Some("constant"));
        let message = "unknown field `zzz`, expected one of `name`, `images`";
        assert_eq!(for_message(message), None);
        assert_eq!(
            for_message("invalid type: string \"32\", expected u32"),
            None
        );
        assert_eq!(for_message("unknown field `x`, there are no fields"), None);
    }
}
