//! Probes.

use std::ops::Range;

use super::Engine;
use crate::error::Error;
use crate::executor::Work;

impl Engine {
    /// Records a probe of the next minibatch (the stream's, or the one that [`Self::write_batch`] loaded) before its
    /// update: statistics and curvature of every layer. The probe changes nothing that training depends on.
    /// [`Self::encode_probe_stats`] reads the results.
    ///
    /// # Errors
    /// [`Error::NoProbe`] without [`TrainingSpec::probe`](crate::spec::TrainingSpec::probe), [`Error::NoParameters`], or
    /// [`Error::NoReferenceParameters`].
    pub fn encode_probe(&self, encoder: &mut wgpu::CommandEncoder) -> Result<(), Error> {
        let iterations = self.probe_iterations()?;
        self.encode_probe_begin(encoder)?;
        self.encode_probe_iterations(encoder, iterations)?;
        self.encode_probe_end(encoder)
    }

    /// Records the same as [`Self::encode_probe`] into a compute pass that the caller has opened.
    ///
    /// # Errors
    /// The errors of [`Self::encode_probe`].
    pub fn encode_probe_in(&self, pass: &mut wgpu::ComputePass<'_>) -> Result<(), Error> {
        let iterations = self.probe_iterations()?;
        self.record(pass, Work::ProbeBegin)?;
        self.encode_probe_iterations_in(pass, iterations)?;
        self.record(pass, Work::ProbeEnd)
    }

    /// The numbers of the iterations that follow the beginning of a probe.
    fn probe_iterations(&self) -> Result<Range<u32>, Error> {
        let probe = self.spec.probe.ok_or(Error::NoProbe)?;
        Ok(1..probe.iterations)
    }

    /// Records the first part of [`Self::encode_probe`], for callers who cut long probes into submissions: the statistics
    /// and iteration 0.
    ///
    /// # Errors
    /// The errors of [`Self::encode_probe`].
    pub fn encode_probe_begin(&self, encoder: &mut wgpu::CommandEncoder) -> Result<(), Error> {
        self.record(encoder, Work::ProbeBegin)
    }

    /// Records the iterations of these numbers, for the eigenvectors that have not converged. The numbers run from 1 to one
    /// less than [`ProbeSpec::iterations`](crate::probe::ProbeSpec::iterations), in ascending order, each once: LOBPCG does
    /// not do the same at every iteration.
    ///
    /// # Errors
    /// [`Error::NoProbe`]
    pub fn encode_probe_iterations(
        &self,
        encoder: &mut wgpu::CommandEncoder,
        numbers: Range<u32>,
    ) -> Result<(), Error> {
        self.record(encoder, Work::ProbeIterations(numbers))
    }

    /// Records the same as [`Self::encode_probe_iterations`] into a compute pass that the caller has opened.
    ///
    /// # Errors
    /// The errors of [`Self::encode_probe_iterations`].
    pub fn encode_probe_iterations_in(
        &self,
        pass: &mut wgpu::ComputePass<'_>,
        numbers: Range<u32>,
    ) -> Result<(), Error> {
        self.record(pass, Work::ProbeIterations(numbers))
    }

    /// Records the last part of [`Self::encode_probe`]: it keeps the eigenvectors for the next probe.
    ///
    /// # Errors
    /// [`Error::NoProbe`]
    pub fn encode_probe_end(&self, encoder: &mut wgpu::CommandEncoder) -> Result<(), Error> {
        self.record(encoder, Work::ProbeEnd)
    }
}
