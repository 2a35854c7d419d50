//! Cycles in the graph of uses.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::uses::Use;

/// Finds a shortest cycle, one use for each of its arrows. The same uses give the same cycle.
pub(crate) fn shortest(uses: &[Use]) -> Option<Vec<&Use>> {
    let modules: BTreeSet<_> = uses.iter().map(|found| found.from.as_str()).collect();
    let cycles = modules
        .into_iter()
        .filter_map(|module| through(module, uses));
    cycles.min_by_key(Vec::len)
}

/// A shortest way from a module back to itself, by breadth-first search.
fn through<'a>(module: &str, uses: &'a [Use]) -> Option<Vec<&'a Use>> {
    let mut reached: BTreeMap<&str, Vec<&Use>> = BTreeMap::new();
    let mut queue = VecDeque::from([(module, Vec::new())]);
    while let Some((at, way)) = queue.pop_front() {
        for arrow in uses.iter().filter(|found| found.from == at) {
            let longer = [way.clone(), vec![arrow]].concat();
            if arrow.to == module {
                return Some(longer);
            }
            if !reached.contains_key(arrow.to.as_str()) {
                reached.insert(&arrow.to, longer.clone());
                queue.push_back((&arrow.to, longer));
            }
        }
    }
    None
}

/// Writes a cycle as `a -> b -> a`, then a line for each arrow: what uses what, in which file and line.
pub(crate) fn describe(cycle: &[&Use]) -> String {
    let names: Vec<_> = cycle.iter().map(|arrow| arrow.from.as_str()).collect();
    let arrows = cycle
        .iter()
        .map(|arrow| format!("\n  {} uses {} in {}", arrow.from, arrow.to, arrow.at));
    let names = names.join(" -> ");
    let first = cycle.first().map_or("", |arrow| arrow.from.as_str());
    format!("{names} -> {first}{}", arrows.collect::<String>())
}
