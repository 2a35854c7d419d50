//! Gradients of a layer's weights and bias from rows: one for each sample, or for each position of one.

use faer::{MatMut, MatRef};

use crate::cpu::matrix::{add_product, product, view_mut};

/// The most columns for which the transposed product is computed. The library's kernels hold several vectors along the rows of the
/// result. A narrow result fills so few that each waits for the one before; its transpose fills more. Every element is the
/// same sum in the same order.
const NARROW: usize = 16;

/// Computes a gradient of weights, `[rows, columns]`: the sum over the pairs of a'b, where a has the inputs, `[batch, rows]`, and
/// b the derivatives with respect to the outputs, `[batch, columns]`.
pub(crate) fn weights_gradient<'a>(
    columns: usize,
    pairs: impl IntoIterator<Item = (MatRef<'a, f32>, MatRef<'a, f32>)>,
    weights: &mut [f32],
) {
    let rows = weights.len() / columns;
    let pairs = pairs.into_iter();
    if columns > NARROW {
        let pairs = pairs.map(|(a, b)| (a.transpose(), b));
        return sum_products(view_mut(weights, rows, columns, columns), pairs);
    }
    let mut transposed = vec![0.0; weights.len()];
    let pairs = pairs.map(|(a, b)| (b.transpose(), a));
    sum_products(view_mut(&mut transposed, columns, rows, rows), pairs);
    for (i, row) in weights.chunks_exact_mut(columns).enumerate() {
        let column = transposed[i..].iter().step_by(rows);
        row.iter_mut()
            .zip(column)
            .for_each(|(to, from)| *to = *from);
    }
}

/// Computes the sum of the products of pairs.
fn sum_products<'a>(
    mut out: MatMut<'_, f32>,
    mut pairs: impl Iterator<Item = (MatRef<'a, f32>, MatRef<'a, f32>)>,
) {
    if let Some((a, b)) = pairs.next() {
        product(out.as_mut(), a, b);
    }
    pairs.for_each(|(a, b)| add_product(out.as_mut(), a, b));
}

/// Computes a gradient of a bias: the sum of the rows of `above`, in their order. Its length is a multiple of four.
pub(crate) fn bias_gradient(above: &[f32], bias: &mut [f32]) {
    let columns = bias.len();
    let (eights, rest) = bias.as_chunks_mut::<8>();
    let parts = eights.iter_mut().enumerate();
    parts.for_each(|(part, sums)| *sums = sum_rows(above, columns, 8 * part));
    let parts = rest.as_chunks_mut::<4>().0;
    let first = columns - 4;
    parts
        .iter_mut()
        .for_each(|sums| *sums = sum_rows(above, columns, first));
}

/// Computes the sums of `N` columns, in registers.
fn sum_rows<const N: usize>(rows: &[f32], columns: usize, first: usize) -> [f32; N] {
    let mut sums = [0.0; N];
    for row in rows.chunks_exact(columns) {
        let part = &row[first..][..N];
        (0..N).for_each(|i| sums[i] += part[i]);
    }
    sums
}
