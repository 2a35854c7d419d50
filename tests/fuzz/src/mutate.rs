//! Changes to files.

use mutatis::Session;

/// Numbers and words that readers may trip over.
const WORDS: [&str; 24] = [
    "0",
    "1",
    "-1",
    "2",
    "65536",
    "1048577",
    "2147483648",
    "4294967295",
    "4294967296",
    "18446744073709551615",
    "18446744073709551616",
    "9.2e18",
    "1e308",
    "1e-320",
    "-0.0",
    "0.999999999999",
    "nan",
    "NaN",
    "inf",
    "-inf",
    "",
    "true",
    "\"\"",
    "[]",
];

/// Returns a number below `limit`, or 0 if `limit` is 0.
pub(crate) fn below(session: &mut Session, limit: usize) -> usize {
    let number: u64 = session.generate().unwrap_or(0);
    usize::try_from(number % limit.max(1) as u64).unwrap_or(0)
}

/// Changes a few bytes: one with `mutatis`, or several in a row.
pub fn bytes(session: &mut Session, bytes: &mut Vec<u8>) {
    let place = below(session, bytes.len() + 1);
    match below(session, 8) {
        0 => bytes.truncate(place),
        1 => {
            let length = 1 + below(session, 64);
            let stretch: Vec<u8> = bytes[place..].iter().copied().take(length).collect();
            let place = below(session, bytes.len() + 1);
            bytes.splice(place..place, stretch);
        }
        2 => {
            let end = (place + 1 + below(session, 64)).min(bytes.len());
            bytes.drain(place..end);
        }
        3 => word::<4>(session, bytes, place),
        4 => word::<8>(session, bytes, place),
        // `mutatis` fails only where it has nothing to change.
        _ => drop(session.mutate(bytes)),
    }
}

/// Changes `N` bytes at `place` as one little-endian number.
fn word<const N: usize>(session: &mut Session, bytes: &mut [u8], place: usize) {
    let Some(bytes) = bytes
        .get_mut(place..)
        .and_then(|rest| rest.first_chunk_mut::<N>())
    else {
        return;
    };
    let mut word = [0; 8];
    word[..N].copy_from_slice(bytes);
    let mut number = u64::from_le_bytes(word);
    match below(session, 4) {
        0 => number = u64::MAX,
        1 => number = 1 << below(session, 64),
        _ => drop(session.mutate(&mut number)),
    }
    bytes.copy_from_slice(&number.to_le_bytes()[..N]);
}

/// Changes a text: one of its numbers or words, its lines, or its bytes.
pub fn text(session: &mut Session, text: &mut Vec<u8>) {
    match below(session, 8) {
        0 => bytes(session, text),
        1 => lines(session, text),
        _ => token(session, text),
    }
}

/// Drops, doubles or swaps lines.
fn lines(session: &mut Session, text: &mut Vec<u8>) {
    let mut lines: Vec<&[u8]> = text.split_inclusive(|byte| *byte == b'\n').collect();
    let (a, b) = (below(session, lines.len()), below(session, lines.len()));
    match below(session, 3) {
        _ if lines.is_empty() => {}
        0 => drop(lines.remove(a)),
        1 => lines.insert(a, lines[b]),
        _ => lines.swap(a, b),
    }
    *text = lines.concat();
}

/// Replaces a token, which is a run of letters, digits, points and signs. The replacement is another word, another token of
/// the text, or a mutation by `mutatis`.
fn token(session: &mut Session, text: &mut Vec<u8>) {
    let is_inner = |byte: &u8| byte.is_ascii_alphanumeric() || b".+-_".contains(byte);
    let mut tokens = Vec::new();
    let mut start = None;
    for (place, byte) in text.iter().chain([&b' ']).enumerate() {
        match (start, is_inner(byte)) {
            (None, true) => start = Some(place),
            (Some(from), false) => {
                tokens.push(from..place);
                start = None;
            }
            _ => {}
        }
    }
    if tokens.is_empty() {
        return;
    }
    let range = tokens[below(session, tokens.len())].clone();
    let old = String::from_utf8_lossy(&text[range.clone()]).into_owned();
    let new = match below(session, 4) {
        0 | 1 => WORDS[below(session, WORDS.len())].as_bytes().to_vec(),
        2 => text[tokens[below(session, tokens.len())].clone()].to_vec(),
        _ => number(session, &old).into_bytes(),
    };
    text.splice(range, new);
}

/// Returns another number of the same kind, or another text.
fn number(session: &mut Session, old: &str) -> String {
    if let Ok(mut number) = old.parse::<i64>() {
        drop(session.mutate(&mut number));
        return number.to_string();
    }
    if let Ok(mut number) = old.parse::<f64>() {
        drop(session.mutate(&mut number));
        return format!("{number:?}");
    }
    let mut text = old.to_owned();
    drop(session.mutate(&mut text));
    text
}
