//! The plots of a page, which are written beside it and embedded in it.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use super::comparison::{Comparison, Run};
use super::{PageError, ReportError};
use crate::experiment::Figure;
use crate::report::drawing::Drawing;
use crate::report::figures::{accuracies, diagnosis, layer_bounds, probe_chart, trajectories};
use crate::report::run::Rows;
use crate::report::subject::Subject;

/// The extent of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Extent {
    /// All parts of the runs.
    Whole,
    /// Only the parts that compare the runs.
    Overview,
}

/// The largest number of curves in a readable picture.
const MOST_CURVES: usize = 24;

/// All plots of a page. A plot is missing where there is nothing to draw.
pub(super) struct Gallery {
    /// Whether the page shows a single run and lies in its directory.
    pub(super) is_own: bool,
    pub(super) accuracies: Option<Picture>,
    /// The plots of each run.
    pub(super) runs: Vec<RunGallery>,
}

/// The plots of one run.
#[derive(Default)]
pub(super) struct RunGallery {
    pub(super) diagnosis: Option<Picture>,
    /// The layers' bounds alone: where the experiment asks for them, or asks for no diagnosis.
    pub(super) bounds: Option<Picture>,
    pub(super) trajectories: Option<Picture>,
    /// The probe chart, if the experiment asks for it.
    pub(super) probes: Option<Picture>,
    /// The relative path from an overview to the run's own page, if there is one.
    pub(super) own_page: Option<Vec<String>>,
}

/// An embedded plot.
pub(super) struct Picture {
    /// The name of its files without extension, if it has files.
    pub(super) name: Option<String>,
    /// The SVG element.
    pub(super) svg: String,
    /// The width in pixels.
    pub(super) width: f64,
}

impl Gallery {
    pub(super) fn draw(
        comparison: &Comparison,
        page: &Path,
        extent: Extent,
    ) -> Result<Self, PageError> {
        // A page in its run's directory uses the run's own pictures.
        let is_own = match &comparison.runs[..] {
            [run] => is_in(page, &run.record.directory),
            _ => false,
        };
        // While the run continues, nothing else writes files with these names.
        let is_kept = !(is_own && comparison.is_unfinished());
        let mut pen = Pen { is_kept, count: 0 };
        let base = |name: &str| match is_own {
            true => page.with_file_name(name),
            false => beside(page, name),
        };
        let tasks = &comparison.tasks;
        let subject = comparison.subject();
        let rows = Rows {
            subject: &subject,
            tasks,
            probes: &[],
        };
        let arms: BTreeSet<_> = tasks.iter().map(|row| &row.arm).collect();
        let is_readable = extent == Extent::Whole || arms.len() <= MOST_CURVES;
        let accuracies = match tasks.is_empty() || !is_readable {
            true => None,
            false => Some(pen.picture(&base("accuracies"), accuracies, rows)?),
        };
        let run = |run: &Run| {
            if extent == Extent::Overview {
                return Ok(RunGallery {
                    own_page: own_page(page, &run.record.directory),
                    ..RunGallery::default()
                });
            }
            let prefix = match comparison.is_of_several() {
                true => format!("{}-", run.file_name),
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

/// Returns `PAGE-NAME`, where PAGE is the page's file name without extension.
pub(super) fn beside(page: &Path, name: &str) -> PathBuf {
    let mut file = OsString::from(page.file_stem().unwrap_or_default());
    file.push("-");
    file.push(name);
    page.with_file_name(file)
}

/// Returns the path components from `page` to the page of the run in `directory`, which must be somewhere below the page's
/// directory.
fn own_page(page: &Path, directory: &Path) -> Option<Vec<String>> {
    let parent = fs::canonicalize(parent(page)).ok()?;
    let own = fs::canonicalize(directory.join("report.html")).ok()?;
    let steps = own.strip_prefix(parent).ok()?.iter();
    steps.map(|step| step.to_str().map(str::to_owned)).collect()
}

/// Returns the directory of `file`.
pub(super) fn parent(file: &Path) -> &Path {
    match file.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    }
}

fn is_in(file: &Path, directory: &Path) -> bool {
    match (fs::canonicalize(parent(file)), fs::canonicalize(directory)) {
        (Ok(parent), Ok(directory)) => parent == directory,
        _ => false,
    }
}

/// A function that draws a picture of some rows.
type Draw = fn(&Path, Rows) -> Result<Drawing, ReportError>;

/// Draws pictures for a page. Each has a number that makes its identifiers unique.
struct Pen {
    /// Whether pictures are also written as files.
    is_kept: bool,
    count: usize,
}

impl Pen {
    fn run_gallery(
        &mut self,
        run: &Run,
        base: impl Fn(&str) -> PathBuf,
    ) -> Result<RunGallery, PageError> {
        let (tasks, probes) = (&run.record.tasks, &run.record.probes);
        if tasks.is_empty() || probes.is_empty() {
            return Ok(RunGallery::default());
        }
        let subject = &Subject::of(&[&run.record.experiment]);
        let rows = Rows {
            subject,
            tasks,
            probes,
        };
        let figures = &run.record.experiment.figures;
        let is_asked = |figure| figures.contains(&figure);
        let mut picture_if = |is_shown: bool, name: &str, draw: Draw| {
            is_shown
                .then(|| self.picture(&base(name), draw, rows))
                .transpose()
        };
        let is_diagnosed = is_asked(Figure::Diagnosis);
        let shows_bounds = is_asked(Figure::LayerBounds) || !is_diagnosed;
        Ok(RunGallery {
            diagnosis: picture_if(is_diagnosed, "diagnosis", diagnosis)?,
            bounds: picture_if(shows_bounds, "bounds", layer_bounds)?,
            trajectories: picture_if(true, "trajectories", trajectories)?,
            probes: picture_if(is_asked(Figure::Probes), "probes", probe_chart)?,
            own_page: None,
        })
    }

    /// Draws one picture, and writes its files if it should have any.
    fn picture(&mut self, base: &Path, draw: Draw, rows: Rows) -> Result<Picture, PageError> {
        let drawing = draw(base, rows)?;
        if self.is_kept {
            drawing.write()?;
        }
        self.count += 1;
        let (svg, width) = fitted(drawing.svg(), self.count);
        let name = base.file_name().unwrap_or_default().to_string_lossy();
        Ok(Picture {
            name: self.is_kept.then(|| name.into_owned()),
            svg,
            width,
        })
    }
}

/// Converts the SVG of a file to an element of a page, and returns its width in pixels. The element scales. `number` makes
/// its clip paths distinct from those of other pictures.
fn fitted(svg: &str, number: usize) -> (String, f64) {
    let size = |name: &str| {
        let tag = svg.split('>').next().unwrap_or_default();
        let (_, value) = tag.split_once(&format!(" {name}=\""))?;
        value.split('"').next()
    };
    let (width, height) = (size("width").unwrap_or("0"), size("height").unwrap_or("0"));
    let own_size = format!(" width=\"{width}\" height=\"{height}\"");
    let view = format!(" viewBox=\"0 0 {width} {height}\"");
    let scaling = svg.replacen(&own_size, &view, 1);
    (renumbered(&scaling, number), width.parse().unwrap_or(0.0))
}

/// Renames clip paths to `clip-NUMBER-1` and so on, because kuva counts them over the whole process.
fn renumbered(svg: &str, number: usize) -> String {
    let ids = svg.split("id=\"kuva-clip-").skip(1);
    let ids = ids.filter_map(|rest| rest.split('"').next()).zip(1..);
    ids.fold(svg.to_owned(), |text, (kuvas, ours)| {
        // Quotes are escaped in text, so only attributes match.
        text.replace(
            &format!("\"kuva-clip-{kuvas}\""),
            &format!("\"clip-{number}-{ours}\""),
        )
        .replace(
            &format!("\"url(#kuva-clip-{kuvas})\""),
            &format!("\"url(#clip-{number}-{ours})\""),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_scales_and_has_clip_paths_of_its_own() {
        let svg = "<svg xmlns=\"x\" width=\"900\" height=\"453.8\"><clipPath id=\"kuva-clip-41\"/>\
                   <g clip-path=\"url(#kuva-clip-41)\"/><text>kuva-clip-0</text></svg>";
        let (fitted, width) = fitted(svg, 7);
        assert_eq!(width, 900.0);
        assert_eq!(
            fitted,
            "<svg xmlns=\"x\" viewBox=\"0 0 900 453.8\">\
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
