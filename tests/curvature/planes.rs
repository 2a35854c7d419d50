//! A forward pass of networks of images on planes, one element at a time, with hyper-dual numbers. It shares nothing with
//! patches.

use crate::hyper::{Hyper, sum};
use trainable::network::{Item, PoolKind, Window};

/// Planes `[channels, height, width]`; a vector has planes of one element.
#[derive(Clone)]
pub(crate) struct Planes {
    pub(crate) size: [usize; 2],
    pub(crate) elements: Vec<Hyper>,
}

impl Planes {
    fn channels(&self) -> usize {
        self.elements.len() / (self.size[0] * self.size[1])
    }

    /// The element at a place, which may be in the border.
    fn at(&self, channel: usize, y: isize, x: isize) -> Option<Hyper> {
        let inside = |place: isize, size: usize| (0..size as isize).contains(&place);
        let [height, width] = self.size;
        let holds = inside(y, height) && inside(x, width);
        holds.then(|| self.elements[(channel * height + y as usize) * width + x as usize])
    }

    /// Makes planes of windows: `of` gets a channel and the top left place of a window.
    fn windows(
        &self,
        channels: usize,
        window: Window,
        of: impl Fn(usize, isize, isize) -> Hyper,
    ) -> Self {
        let [kernel, stride] = [window.kernel, window.stride].map(|n| n as usize);
        let padding = window.padding as usize;
        let size = self.size.map(|n| (n + 2 * padding - kernel) / stride + 1);
        let mut elements = Vec::new();
        for channel in 0..channels {
            for (y, x) in places(size) {
                let corner = [y, x].map(|n| (n * stride) as isize - padding as isize);
                elements.push(of(channel, corner[0], corner[1]));
            }
        }
        Self { size, elements }
    }

    fn each(&self, f: impl Fn(Hyper) -> Hyper) -> Self {
        let elements = self.elements.iter().map(|z| f(*z)).collect();
        Self { elements, ..*self }
    }

    fn and(mut self, other: Self) -> Self {
        self.elements.extend(other.elements);
        self
    }
}

fn places(size: [usize; 2]) -> impl Iterator<Item = (usize, usize)> {
    (0..size[0]).flat_map(move |y| (0..size[1]).map(move |x| (y, x)))
}

fn square(kernel: u32) -> impl Iterator<Item = (isize, isize)> {
    places([kernel as usize; 2]).map(|(y, x)| (y as isize, x as isize))
}

/// A forward pass of one sample, which notes how near a choice between pieces of a function is.
pub(crate) struct Pass<'a> {
    pub(crate) parameters: &'a [Hyper],
    pub(crate) margin: f64,
}

impl Pass<'_> {
    fn take(&mut self, count: usize) -> Vec<Hyper> {
        let (own, rest) = self.parameters.split_at(count);
        self.parameters = rest;
        own.to_vec()
    }

    /// The weights and the bias of a window of `area` elements.
    fn affine(&mut self, outputs: usize, area: usize) -> (Vec<Hyper>, Vec<Hyper>) {
        (self.take(outputs * area), self.take(outputs))
    }

    fn convolve(&mut self, input: &Planes, channels: u32, window: Window) -> Planes {
        let area = (window.kernel * window.kernel) as usize;
        let (weight, bias) = self.affine(channels as usize, input.channels() * area);
        input.windows(channels as usize, window, |channel, top, left| {
            let kernels = weight.chunks(area).skip(channel * input.channels());
            let terms = (0..input.channels()).zip(kernels).flat_map(|(c, kernel)| {
                let inside = move |(y, x)| input.at(c, top + y, left + x);
                let elements = square(window.kernel).map(inside);
                elements
                    .zip(kernel)
                    .filter_map(|(element, weight)| Some(*weight * element?))
            });
            bias[channel] + sum(terms)
        })
    }

    fn pool(&mut self, input: &Planes, kind: PoolKind, window: Window) -> Planes {
        let elements = |channel, top, left| {
            let inside = move |(y, x)| input.at(channel, top + y, left + x);
            square(window.kernel).filter_map(inside)
        };
        let channels = input.channels();
        let share = 1.0 / f64::from(window.kernel * window.kernel);
        let margin = std::cell::Cell::new(self.margin);
        let pooled = input.windows(channels, window, |channel, top, left| match kind {
            PoolKind::Average => sum(elements(channel, top, left)).scale(share),
            PoolKind::Maximum => {
                let mut all: Vec<_> = elements(channel, top, left).collect();
                all.sort_by(|a, b| b.real().total_cmp(&a.real()));
                if let [first, second, ..] = all[..] {
                    margin.set(margin.get().min(first.real() - second.real()));
                }
                all[0]
            }
        });
        self.margin = margin.get();
        pooled
    }

    fn linear(&mut self, input: &Planes, units: u32) -> Planes {
        let (weight, bias) = self.affine(units as usize, input.elements.len());
        let rows = weight.chunks(input.elements.len()).zip(bias);
        let unit = |(row, bias): (&[Hyper], Hyper)| {
            let terms = row.iter().zip(&input.elements);
            bias + sum(terms.map(|(w, a)| *w * *a))
        };
        Planes {
            size: [1, 1],
            elements: rows.map(unit).collect(),
        }
    }

    fn activate(&mut self, input: &Planes, name: &str) -> Planes {
        let relu = |z: Hyper| z.scale(f64::from(u8::from(z.real() > 0.0)));
        let negative = |z: Hyper| relu(z.scale(-1.0));
        let tanh = |z: Hyper| {
            let t = z.real().tanh();
            z.map([t, 1.0 - t * t, -2.0 * t * (1.0 - t * t)])
        };
        let silu = |z: Hyper| {
            let ahead = Hyper::constant(1.0) + z.scale(-1.0).exp();
            let one = 1.0 / ahead.real();
            z * ahead.map([one, -one.powi(2), 2.0 * one.powi(3)])
        };
        let sine = |z: Hyper, turns: f64| {
            let (s, c) = (z.real() + turns).sin_cos();
            z.map([s, c, -s])
        };
        if matches!(name, "relu" | "crelu") {
            let sizes = input.elements.iter().map(|z| z.real().abs());
            self.margin = sizes.fold(self.margin, f64::min);
        }
        match name {
            "relu" => input.each(relu),
            "crelu" => input.each(relu).and(input.each(negative)),
            "tanh" => input.each(tanh),
            "silu" => input.each(silu),
            "fourier" => {
                let quarter = std::f64::consts::FRAC_PI_2;
                let sines = input.each(|z| sine(z, 0.0));
                sines.and(input.each(|z| sine(z, quarter)))
            }
            other => panic!("{other} is not written down here"),
        }
    }

    pub(crate) fn logits(&mut self, items: &[Item], input: Planes) -> Vec<Hyper> {
        let mut after = vec![input];
        for item in items {
            let input = after[after.len() - 1].clone();
            after.push(match *item {
                Item::Conv(channels, window) => self.convolve(&input, channels, window),
                Item::Pool(kind, window) => self.pool(&input, kind, window),
                Item::GlobalAveragePool => {
                    let area = input.size[0] * input.size[1];
                    let planes = input.elements.chunks(area);
                    let mean =
                        |plane: &[Hyper]| sum(plane.iter().copied()).scale(1.0 / area as f64);
                    Planes {
                        size: [1, 1],
                        elements: planes.map(mean).collect(),
                    }
                }
                Item::Flatten => Planes {
                    size: [1, 1],
                    elements: input.elements,
                },
                Item::Linear(units) => self.linear(&input, units),
                Item::Add(from) => {
                    let pairs = input.elements.iter().zip(&after[from].elements);
                    Planes {
                        elements: pairs.map(|(a, b)| *a + *b).collect(),
                        ..input
                    }
                }
                other => self.activate(&input, &other.to_string()),
            });
        }
        after.pop().expect("the logits").elements
    }
}
