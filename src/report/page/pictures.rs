//! The plots of a page, drawn beside it and fitted into it.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use super::comparison::{Comparison, Run};
use super::{PageError, ReportError};
use crate::experiment::Figure;
use crate::report::plots::MARGIN;
use crate::report::{
    write_accuracies, write_diagnosis, write_layer_bounds, write_probe_chart, write_trajectories,
};

/// All plots of a page; none where there is nothing to draw.
pub(super) struct Gallery {
    /// Whether the page is of one run and lies in its directory.
    pub(super) is_own: bool,
    pub(super) accuracies: Option<Picture>,
    /// Of each run.
    pub(super) runs: Vec<RunGallery>,
}

/// The plots that are one run's own.
#[derive(Default)]
pub(super) struct RunGallery {
    pub(super) bounds: Option<Picture>,
    pub(super) trajectories: Option<Picture>,
    /// Only where the experiment asks for it.
    pub(super) probes: Option<Picture>,
}

/// A plot that exists as BASE.svg and BASE.png, too.
pub(super) struct Picture {
    /// The files' name without extension.
    pub(super) name: String,
    /// The element.
    pub(super) svg: String,
    /// Pixels.
    pub(super) width: f64,
}

impl Gallery {
    pub(super) fn draw(comparison: &Comparison, page: &Path) -> Result<Self, PageError> {
        let mut pen = Pen { page, count: 0 };
        // The page of a run that lies in its directory has the run's own pictures.
        let is_own = match &comparison.runs[..] {
            [run] => is_in(page, &run.record.directory),
            _ => false,
        };
        let base = |name: &str| match is_own {
            true => page.with_file_name(name),
            false => beside(page, name),
        };
        let tasks = &comparison.tasks;
        let accuracies = match tasks.is_empty() {
            true => None,
            false => Some(pen.picture(base("accuracies"), |base| write_accuracies(base, tasks))?),
        };
        let run = |run: &Run| {
            let prefix = match comparison.is_of_several() {
                true => format!("{}-", run.name),
                false => String::new(),
            };
            pen.run_gallery(run, |name| base(&format!("{prefix}{name}")))
        };
        Ok(Self {
            is_own,
            accuracies,
            runs: comparison.runs.iter().map(run).collect::<Result<_, _>>()?,
        })
    }
}

/// `PAGE-NAME`, PAGE being without its extension.
pub(super) fn beside(page: &Path, name: &str) -> PathBuf {
    let mut file = OsString::from(page.file_stem().unwrap_or_default());
    file.push("-");
    file.push(name);
    page.with_file_name(file)
}

fn is_in(file: &Path, directory: &Path) -> bool {
    let parent = match file.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    match (fs::canonicalize(parent), fs::canonicalize(directory)) {
        (Ok(parent), Ok(directory)) => parent == directory,
        _ => false,
    }
}

/// Draws pictures for a page, each with an identity of its own.
struct Pen<'a> {
    page: &'a Path,
    count: usize,
}

impl Pen<'_> {
    fn run_gallery(
        &mut self,
        run: &Run,
        base: impl Fn(&str) -> PathBuf,
    ) -> Result<RunGallery, PageError> {
        let (tasks, probes) = (&run.record.tasks, &run.record.probes);
        if tasks.is_empty() || probes.is_empty() {
            return Ok(RunGallery::default());
        }
        let figures = &run.record.experiment.figures;
        let bounds = match figures.contains(&Figure::Diagnosis) {
            true => self.picture(base("diagnosis"), |base| {
                write_diagnosis(base, tasks, probes)
            }),
            false => self.picture(base("bounds"), |base| {
                write_layer_bounds(base, tasks, probes)
            }),
        };
        let trajectories = self.picture(base("trajectories"), |base| {
            write_trajectories(base, tasks, probes)
        });
        let chart = match figures.contains(&Figure::Probes) {
            true => Some(self.picture(base("probes"), |base| write_probe_chart(base, probes))?),
            false => None,
        };
        Ok(RunGallery {
            bounds: Some(bounds?),
            trajectories: Some(trajectories?),
            probes: chart,
        })
    }

    /// Draws the files of one picture and reads the SVG back.
    fn picture(
        &mut self,
        base: PathBuf,
        write: impl FnOnce(&Path) -> Result<(), ReportError>,
    ) -> Result<Picture, PageError> {
        write(&base)?;
        self.count += 1;
        let name = base.file_name().unwrap_or_default().to_string_lossy();
        let path = self.page.with_file_name(format!("{name}.svg"));
        let svg = fs::read_to_string(&path).map_err(|source| PageError::Read {
            path,
            wanted: "a plot, just drawn",
            source,
        })?;
        let (svg, width) = fitted(&svg, self.count);
        Ok(Picture {
            name: name.into_owned(),
            svg,
            width,
        })
    }
}

/// A file's SVG as part of a page, and its width in pixels: it scales, has no margins, and its clip paths are told apart from those of
/// other pictures by `number`.
fn fitted(svg: &str, number: usize) -> (String, f64) {
    let size = |name: &str| {
        let tag = svg.split('>').next().unwrap_or_default();
        let (_, value) = tag.split_once(&format!(" {name}=\""))?;
        value.split('"').next()
    };
    let (width, height) = (size("width").unwrap_or("0"), size("height").unwrap_or("0"));
    let own_size = format!(" width=\"{width}\" height=\"{height}\"");
    let pixels = |text: &str| text.parse().unwrap_or(0.0);
    // The page has margins of its own.
    let (width, height) = (pixels(width) - 2.0 * MARGIN, pixels(height) - MARGIN);
    let view = format!(" viewBox=\"{MARGIN} {MARGIN} {width} {height}\"");
    (
        renumbered(&svg.replacen(&own_size, &view, 1), number),
        width,
    )
}

/// kuva counts clip paths over all of a process; here they are `clip-NUMBER-1` and so on.
fn renumbered(svg: &str, number: usize) -> String {
    let mut known: Vec<String> = Vec::new();
    let mut text = svg.to_owned();
    // Quotes are escaped in text, so that only attributes match.
    for (kuvas, ours) in [
        ("id=\"kuva-clip-", "id=\"clip-"),
        ("\"url(#kuva-clip-", "\"url(#clip-"),
    ] {
        let mut parts = text.split(kuvas);
        let mut renumbered = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let digits = part.find(|c: char| !c.is_ascii_digit());
            let (digits, rest) = part.split_at(digits.unwrap_or(part.len()));
            let place = known.iter().position(|other| other == digits);
            let place = place.unwrap_or_else(|| {
                known.push(digits.to_owned());
                known.len() - 1
            });
            renumbered += &format!("{ours}{number}-{}{rest}", place + 1);
        }
        text = renumbered;
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_scales_and_has_clip_paths_of_its_own() {
        let svg = "<svg xmlns=\"x\" width=\"900\" height=\"453.8\"><clipPath id=\"kuva-clip-41\"/>\
                   <g clip-path=\"url(#kuva-clip-41)\"/><text>kuva-clip-0</text></svg>";
        let (fitted, width) = fitted(svg, 7);
        assert_eq!(width, 860.0);
        assert_eq!(
            fitted,
            "<svg xmlns=\"x\" viewBox=\"20 20 860 433.8\">\
             <clipPath id=\"clip-7-1\"/><g clip-path=\"url(#clip-7-1)\"/><text>kuva-clip-0</text></svg>"
        );
    }

    #[test]
    fn files_of_a_page_are_named_after_it() {
        let of = |page: &str| beside(Path::new(page), "scores.csv");
        assert_eq!(of("a/report.html"), Path::new("a/report-scores.csv"));
        assert_eq!(of("both.html"), Path::new("both-scores.csv"));
    }
}
