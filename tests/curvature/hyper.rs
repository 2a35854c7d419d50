//! Hyper-dual numbers in float64: a forward pass alone gives exact second derivatives.

use std::array::from_fn;
use std::ops::{Add, Mul};

/// x + a e1 + b e2 + c e1 e2, where e1^2 = e2^2 = 0 (Fike and Alonso, AIAA 2011).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Hyper(pub(crate) [f64; 4]);

impl Hyper {
    pub(crate) fn constant(x: f64) -> Self {
        Self([x, 0.0, 0.0, 0.0])
    }

    /// The number without its derivatives.
    pub(crate) fn real(self) -> f64 {
        self.0[0]
    }

    /// A function of the number, from its value and its first two derivatives at x.
    pub(crate) fn map(self, [f, first, second]: [f64; 3]) -> Self {
        let [_, a, b, c] = self.0;
        Self([f, first * a, first * b, first * c + second * a * b])
    }

    pub(crate) fn exp(self) -> Self {
        self.map([self.real().exp(); 3])
    }

    pub(crate) fn ln(self) -> Self {
        let inverse = 1.0 / self.real();
        self.map([self.real().ln(), inverse, -inverse * inverse])
    }

    pub(crate) fn inverse(self) -> Self {
        let inverse = 1.0 / self.real();
        self.map([inverse, -inverse.powi(2), 2.0 * inverse.powi(3)])
    }

    pub(crate) fn tanh(self) -> Self {
        let t = self.real().tanh();
        let first = 1.0 - t * t;
        self.map([t, first, -2.0 * t * first])
    }

    pub(crate) fn scale(self, factor: f64) -> Self {
        Self(self.0.map(|x| factor * x))
    }
}

impl Add for Hyper {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(from_fn(|i| self.0[i] + other.0[i]))
    }
}

impl Mul for Hyper {
    type Output = Self;

    fn mul(self, other: Self) -> Self {
        let ([x, a, b, c], [y, d, e, f]) = (self.0, other.0);
        Self([
            x * y,
            x * d + a * y,
            x * e + b * y,
            x * f + a * e + b * d + c * y,
        ])
    }
}

pub(crate) fn sum(terms: impl Iterator<Item = Hyper>) -> Hyper {
    terms.fold(Hyper::constant(0.0), Add::add)
}
