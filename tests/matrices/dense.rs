//! Small dense matrices in float64.

/// A matrix, row by row.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Matrix {
    pub(crate) rows: usize,
    pub(crate) columns: usize,
    pub(crate) elements: Vec<f64>,
}

impl Matrix {
    /// A tensor `[outputs, ...]` as a matrix of outputs by all other dimensions.
    pub(crate) fn of(shape: &[u32], elements: &[f32]) -> Self {
        let rows = shape[0] as usize;
        Self {
            rows,
            columns: elements.len() / rows,
            elements: elements.iter().map(|x| f64::from(*x)).collect(),
        }
    }

    pub(crate) fn norm(&self) -> f64 {
        self.elements.iter().map(|x| x * x).sum::<f64>().sqrt()
    }

    pub(crate) fn transposed(&self) -> Self {
        let element = |i: usize| self.elements[i % self.rows * self.columns + i / self.rows];
        Self {
            rows: self.columns,
            columns: self.rows,
            elements: (0..self.elements.len()).map(element).collect(),
        }
    }

    pub(crate) fn times(&self, vector: &[f64]) -> Vec<f64> {
        assert_eq!(vector.len(), self.columns);
        let rows = self.elements.chunks(self.columns);
        rows.map(|row| row.iter().zip(vector).map(|(a, b)| a * b).sum())
            .collect()
    }

    /// The product `self other`.
    pub(crate) fn product(&self, other: &Self) -> Self {
        assert_eq!(self.columns, other.rows);
        let columns = other.transposed();
        let columns = columns.elements.chunks(other.rows);
        let by_columns = columns.flat_map(|column| self.times(column)).collect();
        let transposed = Self {
            rows: other.columns,
            columns: self.rows,
            elements: by_columns,
        };
        transposed.transposed()
    }

    /// `X X^T X`, by whichever side.
    pub(crate) fn cubed(&self) -> Self {
        self.product(&self.transposed().product(self))
    }

    /// The mean square of `X^T X - I` or `X X^T - I`, of the smaller side.
    pub(crate) fn deviation_from_isometry(&self) -> f64 {
        let tall = if self.rows < self.columns {
            self.transposed()
        } else {
            self.clone()
        };
        let gram = tall.transposed().product(&tall);
        let side = gram.rows;
        let term = |(i, x): (usize, &f64)| (x - f64::from(u8::from(i % (side + 1) == 0))).powi(2);
        gram.elements.iter().enumerate().map(term).sum::<f64>() / side as f64
    }

    pub(crate) fn minus(&self, other: &Self) -> Self {
        assert_eq!((self.rows, self.columns), (other.rows, other.columns));
        let pairs = self.elements.iter().zip(&other.elements);
        Self {
            elements: pairs.map(|(a, b)| a - b).collect(),
            ..*self
        }
    }

    pub(crate) fn scaled(&self, factor: f64) -> Self {
        let elements = self.elements.iter().map(|x| factor * x).collect();
        Self { elements, ..*self }
    }
}
