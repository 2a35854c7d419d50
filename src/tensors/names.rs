//! The layers that the names of tensors make up, and their order.

use std::cmp::Ordering;
use std::collections::HashSet;

/// The reason why names make up no layers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// This tensor is neither a weight nor a bias.
    Unexpected(String),
    /// This tensor is missing.
    Missing(String),
    /// Nothing says which of the two comes first.
    Ambiguous(String, String),
}

/// The layers of a perceptron in their order: the names of their tensors without `.weight` and `.bias`. There is at least
/// one.
pub(super) fn layers(tensors: &[&str]) -> Result<Vec<String>, Fault> {
    let layers = sorted(tensors)?;
    let known: HashSet<_> = tensors.iter().copied().collect();
    for layer in &layers {
        let pair = ["weight", "bias"].map(|kind| tensor(layer, kind));
        if let Some(missing) = pair.into_iter().find(|name| !known.contains(&name[..])) {
            return Err(Fault::Missing(missing));
        }
    }
    check_order(&layers)?;
    // These count without gaps, those of a Sequential count what has no parameters, too.
    let is_counted = |layer: &&str| shape(layer) == "fc0";
    for (layer, number) in layers.iter().filter(|layer| is_counted(layer)).zip(1..) {
        let wanted = format!("fc{number}");
        if *layer != wanted {
            return Err(Fault::Missing(tensor(&wanted, "weight")));
        }
    }
    match layers.is_empty() {
        true => Err(Fault::Missing(tensor("fc1", "weight"))),
        false => Ok(layers.into_iter().map(str::to_owned).collect()),
    }
}

/// The layers in the order of `blocks`, the names of a network's blocks: by these names where one of them is there, else by
/// the numbers in their names.
pub(super) fn layers_of(tensors: &[&str], blocks: &[&str]) -> Result<Vec<String>, Fault> {
    let layers = sorted(tensors)?;
    let is_own = |layer: &&str| blocks.contains(layer);
    if layers.iter().any(is_own) {
        if let Some(other) = tensors.iter().find(|tensor| {
            let layer = split(tensor).map(|(layer, _)| layer);
            !layer.is_some_and(|layer| blocks.contains(&layer))
        }) {
            return Err(Fault::Unexpected((*other).to_owned()));
        }
        return Ok(blocks.iter().map(|&block| block.to_owned()).collect());
    }
    check_order(&layers)?;
    Ok(layers.into_iter().map(str::to_owned).collect())
}

/// The layers, sorted by text and by number.
fn sorted<'a>(tensors: &[&'a str]) -> Result<Vec<&'a str>, Fault> {
    let mut layers = Vec::new();
    for tensor in tensors {
        match split(tensor) {
            // Names are printed.
            Some((layer, _)) if !layer.contains(char::is_control) => layers.push(layer),
            _ => return Err(Fault::Unexpected((*tensor).to_owned())),
        }
    }
    layers.sort_by(|a, b| natural(a, b).then_with(|| a.cmp(b)));
    layers.dedup();
    Ok(layers)
}

/// Fails unless the numbers in the names give the order.
fn check_order(layers: &[&str]) -> Result<(), Fault> {
    for pair in layers.windows(2) {
        if shape(pair[0]) != shape(pair[1]) || natural(pair[0], pair[1]).is_eq() {
            return Err(Fault::Ambiguous(pair[0].to_owned(), pair[1].to_owned()));
        }
    }
    Ok(())
}

/// The name of a layer's tensor: a lone `nn.Linear` has no name of its own.
pub(super) fn tensor(layer: &str, kind: &str) -> String {
    match layer {
        "" => kind.to_owned(),
        layer => format!("{layer}.{kind}"),
    }
}

/// The layer and the kind of a tensor.
fn split(tensor: &str) -> Option<(&str, &str)> {
    let (layer, kind) = tensor.rsplit_once('.').unwrap_or(("", tensor));
    ["weight", "bias"].contains(&kind).then_some((layer, kind))
}

/// The name with every number in it replaced by 0.
fn shape(name: &str) -> String {
    let text = |(part, is_number): (&str, bool)| if is_number { "0" } else { part }.to_owned();
    parts(name).map(text).collect()
}

/// Orders names by their text and, where both have a number, by the number.
fn natural(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (parts(a), parts(b));
    loop {
        let order = match (a.next(), b.next()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => Ordering::Less,
            (Some(_), None) => Ordering::Greater,
            (Some((a, true)), Some((b, true))) => {
                let [a, b] = [a, b].map(|digits| digits.trim_start_matches('0'));
                a.len().cmp(&b.len()).then_with(|| a.cmp(b))
            }
            (Some((a, _)), Some((b, _))) => a.cmp(b),
        };
        if order.is_ne() {
            return order;
        }
    }
}

/// Cuts a name into stretches of digits and of other characters. The flag marks digits.
fn parts(name: &str) -> impl Iterator<Item = (&str, bool)> {
    let mut rest = name;
    std::iter::from_fn(move || {
        let is_number = rest.chars().next()?.is_ascii_digit();
        let end = rest.find(|c: char| c.is_ascii_digit() != is_number);
        let (part, after) = rest.split_at(end.unwrap_or(rest.len()));
        rest = after;
        Some((part, is_number))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of the pairs of these layers, the last first.
    fn order(names: &[&str]) -> Result<Vec<String>, Fault> {
        let pairs = names.iter().rev();
        let pairs: Vec<_> = pairs
            .flat_map(|layer| ["weight", "bias"].map(|kind| tensor(layer, kind)))
            .collect();
        layers(&pairs.iter().map(String::as_str).collect::<Vec<_>>())
    }

    #[test]
    fn layers_come_in_the_order_of_their_numbers() {
        for names in [
            &[
                "fc1", "fc2", "fc3", "fc4", "fc5", "fc6", "fc7", "fc8", "fc9", "fc10",
            ][..],
            &["0", "2", "4", "10", "100"],
            &["net.0", "net.3", "net.5"],
            &["layers.9", "layers.10"],
            &["blocks.0.linear1", "blocks.0.linear2", "blocks.1.linear1"],
            &["18446744073709551615", "18446744073709551616"],
            &["fc1"],
            &["head"],
            &[""],
        ] {
            assert_eq!(order(names).unwrap(), names);
        }
    }

    #[test]
    fn names_that_say_no_order_are_ambiguous() {
        for (names, [first, second]) in [
            (["encoder", "head"], ["encoder", "head"]),
            (["fc1", "out"], ["fc1", "out"]),
            (["fc1", "fc01"], ["fc01", "fc1"]),
            (["a.1", "b.2"], ["a.1", "b.2"]),
            (["1", "1.0"], ["1", "1.0"]),
        ] {
            let wanted = Fault::Ambiguous(first.to_owned(), second.to_owned());
            assert_eq!(order(&names), Err(wanted));
        }
    }

    #[test]
    fn every_tensor_is_one_of_a_pair() {
        let missing = |names: &[&str], wanted: &str| {
            assert_eq!(layers(names), Err(Fault::Missing(wanted.to_owned())));
        };
        missing(&["0.weight"], "0.bias");
        missing(&["0.weight", "0.bias", "10.bias"], "10.weight");
        missing(&["bias"], "weight");
        missing(&[], "fc1.weight");
        let gap = ["fc1.weight", "fc1.bias", "fc3.weight", "fc3.bias"];
        missing(&gap, "fc2.weight");
        for name in [
            "0.weights",
            "1.running_mean",
            "weight.0",
            "x",
            "",
            "\u{1b}[2J.bias",
        ] {
            let found = layers(&["0.weight", "0.bias", name]);
            assert_eq!(found, Err(Fault::Unexpected(name.to_owned())));
        }
    }
}
