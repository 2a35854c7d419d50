//! The loss of a minibatch, and the accuracy that it is told with.

/// The loss that a network is trained with: the task stream decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    /// The mean softmax cross-entropy over the minibatch: for labels, and for minibatches that the host provides.
    CrossEntropy,
    /// The mean squared error over the minibatch and the outputs: for slowly changing regression.
    SquaredError,
}

impl Loss {
    /// Returns the score of minibatches with this mean loss, and of which this share is classified correctly. It is 0 to 1,
    /// and more is better. For cross-entropy it is the accuracy. For squared error it is the coefficient of determination R^2
    /// with respect to targets of mean square 1, `1 - loss`, and 0 where the loss is more than 1.
    pub(crate) fn score(self, loss: f64, correct: f64) -> f64 {
        match self {
            Self::CrossEntropy => correct,
            Self::SquaredError => (1.0 - loss).clamp(0.0, 1.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_score_is_an_accuracy_or_the_part_of_the_targets_that_is_explained() {
        assert_eq!(Loss::CrossEntropy.score(7.0, 0.25), 0.25);
        for (loss, score) in [(0.0, 1.0), (0.25, 0.75), (1.0, 0.0), (40.0, 0.0)] {
            assert_eq!(Loss::SquaredError.score(loss, 0.0), score);
        }
        assert!(Loss::SquaredError.score(f64::NAN, 0.0).is_nan());
    }
}
