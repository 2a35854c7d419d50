// Locations in the bindings of multi-head attention. Needs the uniform's `positions`, `heads`, `head_units` and
// `input_columns`.
//
// A row of the input is [q, k, v, padding], each [heads, head_units]. Matrices of a sample and a head are
// [queries, keys], both of them positions.

const QUERIES: u32 = 0u;
const KEYS: u32 = 1u;
const VALUES: u32 = 2u;

// The first element of one head's q, k or v in row `row` of the input.
fn part_at(row: u32, part: u32, head: u32) -> u32 {
    return row * params.input_columns + (part * params.heads + head) * params.head_units;
}

// The first element of row `query` of one head's matrix of a sample.
fn matrix_row(sample: u32, head: u32, query: u32) -> u32 {
    return ((sample * params.heads + head) * params.positions + query) * params.positions;
}
