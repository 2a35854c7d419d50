//! A small computation with a known answer, which tells a device that computes from one that does not.
//!
//! Some drivers take all work and do nothing. Others are wrong in basic operations. Both are found here in a few milliseconds, in
//! place of a training that goes wrong.

use super::faults::create_buffer;
use super::readback::Readback;
use super::{Error, Gpu};

const INVOCATIONS: u32 = 256;
/// The lanes of a workgroup, as in the shader.
const LANES: u32 = 64;

impl Gpu {
    /// Runs a small computation on the device and compares the result with its known answer. It takes a few milliseconds.
    ///
    /// # Errors
    /// [`Error::WrongResults`] where the answer is another; the device's own errors.
    pub async fn verify(&self) -> Result<(), Error> {
        let answers = self.ask()?;
        #[cfg(not(target_arch = "wasm32"))]
        let answers = answers.wait();
        #[cfg(target_arch = "wasm32")]
        let answers = answers.resolve().await;
        let found = match answers {
            Ok(answers) => first_wrong(&answers),
            // A device that does not even copy.
            Err(Error::NotSubmitted) => Some("nothing".to_owned()),
            Err(error) => return Err(error),
        };
        self.check("running a computation with a known answer")?;
        let adapter = self.adapter.to_string();
        found.map_or(Ok(()), |found| Err(Error::WrongResults { adapter, found }))
    }

    /// Submits the computation.
    fn ask(&self) -> Result<Readback<Vec<[u32; 2]>>, Error> {
        let device = &self.device;
        let module = device.create_shader_module(wgpu::include_wgsl!("known_answer.wgsl"));
        let pipeline = device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
            label: Some("known answer"),
            layout: None,
            module: &module,
            entry_point: Some("main"),
            compilation_options: wgpu::PipelineCompilationOptions::default(),
            cache: None,
        });
        let words: Vec<u32> = (0..INVOCATIONS).collect();
        let words: &[u8] = bytemuck::cast_slice(&words);
        let usage = wgpu::BufferUsages::STORAGE;
        let size = words.len() as u64;
        let words = create_buffer(device, "words", size, usage, Some(words))?;
        let usage = usage | wgpu::BufferUsages::COPY_SRC;
        let answers = create_buffer(device, "answers", 2 * size, usage, None)?;
        let bind_group = device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: Some("known answer"),
            layout: &pipeline.get_bind_group_layout(0),
            entries: &[
                wgpu::BindGroupEntry {
                    binding: 0,
                    resource: words.as_entire_binding(),
                },
                wgpu::BindGroupEntry {
                    binding: 1,
                    resource: answers.as_entire_binding(),
                },
            ],
        });
        let mut encoder = device.create_command_encoder(&Default::default());
        let mut pass = encoder.begin_compute_pass(&Default::default());
        pass.set_pipeline(&pipeline);
        pass.set_bind_group(0, &bind_group, &[]);
        pass.dispatch_workgroups(INVOCATIONS / LANES, 1, 1);
        drop(pass);
        let decode = |words: &[&[u32]]| bytemuck::cast_slice(words[0]).to_vec();
        let answers = Readback::record(device, &mut encoder, &[&answers], decode);
        self.queue.submit([encoder.finish()]);
        Ok(answers)
    }
}

/// The first answer that is wrong, beside the right one.
fn first_wrong(answers: &[[u32; 2]]) -> Option<String> {
    let right = right_answers();
    if answers.len() != right.len() {
        return Some(format!("{} answers for {}", answers.len(), right.len()));
    }
    let place = (0..right.len()).find(|place| answers[*place] != right[*place])?;
    let shown = |[hash, sum]: [u32; 2]| format!("{hash:#010x} and {}", f32::from_bits(sum));
    Some(format!(
        "{} in place of {} at {place}",
        shown(answers[place]),
        shown(right[place])
    ))
}

/// The answers, computed as the shader does, with whole numbers for the sums.
fn right_answers() -> Vec<[u32; 2]> {
    let lane = |word: u32| {
        (0..16).fold((word, 0), |(hash, sum), round| {
            let hash = hash.wrapping_mul(747_796_405).wrapping_add(2_891_336_453);
            let hash = hash ^ (hash >> 16);
            (hash, sum + round * (hash & 255))
        })
    };
    let lanes: Vec<(u32, u32)> = (0..INVOCATIONS).map(lane).collect();
    let of_workgroup = |lanes: &[(u32, u32)]| {
        let sum: u32 = lanes.iter().map(|(_, sum)| sum).sum();
        let answer = |(hash, _): &(u32, u32)| [*hash, (sum as f32).to_bits()];
        lanes.iter().map(answer).collect::<Vec<_>>()
    };
    lanes
        .chunks(LANES as usize)
        .flat_map(of_workgroup)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_answer_is_found_wherever_it_is() {
        let right = right_answers();
        assert_eq!(first_wrong(&right), None);
        // The sums are exact: below 2^24, and not zero.
        assert!(
            right
                .iter()
                .all(|[_, sum]| (1.0..16_777_216.0).contains(&f32::from_bits(*sum)))
        );
        for (place, part) in [(0, 0), (255, 0), (64, 1), (130, 1)] {
            let mut wrong = right.clone();
            wrong[place][part] ^= 1;
            let found = first_wrong(&wrong).unwrap();
            assert!(found.ends_with(&format!(" at {place}")), "{found}");
        }
        let zeros = first_wrong(&vec![[0; 2]; right.len()]).unwrap();
        assert!(
            zeros.starts_with("0x00000000 and 0 in place of "),
            "{zeros}"
        );
        assert!(first_wrong(&right[1..]).is_some());
    }
}
