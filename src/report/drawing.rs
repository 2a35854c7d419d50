//! A picture that kuva draws and that is written as SVG and PNG, and the style that all pictures share.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use kuva::backend::png::PngBackend;
use kuva::backend::svg::SvgBackend;
use kuva::plot::MarkerShape;
use kuva::render::render::Scene;
use kuva::render::theme::Theme;

use super::{BandPoint, ReportError};
use crate::files::write_whole;

/// The number of PNG pixels for each SVG pixel, in each direction.
const PNG_SCALE: f32 = 2.0;

/// Colours that colour-blind readers can tell apart (Okabe and Ito, "Color Universal Design", 2008), without yellow, which
/// is unreadable on white.
const COLOURS: [&str; 7] = [
    "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000",
];
/// Four shapes. With seven colours they give 28 curves before a combination repeats.
const MARKERS: [MarkerShape; 4] = [
    MarkerShape::Circle,
    MarkerShape::Square,
    MarkerShape::Triangle,
    MarkerShape::Diamond,
];
pub(super) const BLACK: &str = "#000000";
pub(super) const GREY: &str = "#595959";

/// A picture that is drawn but not written yet.
pub(super) struct Drawing {
    /// The path of its files, without extension.
    base: PathBuf,
    scene: Scene,
    svg: String,
}

impl Drawing {
    /// Creates the picture of `scene`, for `BASE.svg` and `BASE.png`.
    pub(super) fn new(base: &Path, scene: Scene) -> Self {
        Self {
            base: base.to_owned(),
            svg: SvgBackend::new().render_scene(&scene),
            scene,
        }
    }

    /// Returns the text of `BASE.svg`.
    pub(super) fn svg(&self) -> &str {
        &self.svg
    }

    /// Writes `BASE.svg` and `BASE.png`, each whole or absent. The PNG has twice as many pixels in each direction.
    ///
    /// # Errors
    /// - [`ReportError::Chart`] if no PNG can be made. Nothing is written then.
    /// - [`ReportError::Write`] where the file system refuses.
    pub(super) fn write(&self) -> Result<(), ReportError> {
        let png = PngBackend::new().with_scale(PNG_SCALE);
        let png = png.render_scene(&self.scene);
        let png = png.map_err(|reason| chart_error(&self.base, reason))?;
        write_whole(&with_suffix(&self.base, ".svg"), self.svg.as_bytes())?;
        Ok(write_whole(&with_suffix(&self.base, ".png"), &png)?)
    }
}

/// Returns the error for a picture that cannot be drawn for `reason`.
pub(super) fn chart_error(base: &Path, reason: impl Into<String>) -> ReportError {
    ReportError::Chart {
        path: base.to_owned(),
        reason: reason.into(),
    }
}

/// Appends `suffix`, such as `.svg`, to `base`. A dot in `base` is part of its name.
fn with_suffix(base: &Path, suffix: &str) -> PathBuf {
    let mut path = OsString::from(base);
    path.push(suffix);
    path.into()
}

/// Fails if the curve `series` has a point that is not finite.
pub(super) fn check_points<'a>(
    base: &Path,
    series: &str,
    points: impl Iterator<Item = &'a BandPoint>,
) -> Result<(), ReportError> {
    for &BandPoint { x, low, mean, high } in points {
        if ![x, low, mean, high].iter().all(|value| value.is_finite()) {
            return Err(ReportError::NotFinite {
                path: base.to_owned(),
                series: series.to_owned(),
                x,
                low,
                mean,
                high,
            });
        }
    }
    Ok(())
}

/// Returns the lowest and the highest of finite numbers.
pub(super) fn extent(values: impl Iterator<Item = f64>) -> Option<(f64, f64)> {
    values.fold(None, |extent, value| {
        let (low, high) = extent.unwrap_or((value, value));
        Some((low.min(value), high.max(value)))
    })
}

pub(super) fn colour(i: usize) -> &'static str {
    COLOURS[i % COLOURS.len()]
}

pub(super) fn marker(i: usize) -> MarkerShape {
    MARKERS[i % MARKERS.len()]
}

pub(super) fn theme() -> Theme {
    Theme {
        grid_color: "#e6e6e6".to_owned(),
        axis_color: "#333333".to_owned(),
        tick_color: "#333333".to_owned(),
        ..Theme::light()
    }
}

/// Returns `text` as kuva shows it unchanged. Control characters, which XML does not allow, are removed. Dollars are
/// escaped, because kuva reads a formula between them.
pub(super) fn label(text: &str) -> String {
    text.replace(char::is_control, "\u{fffd}")
        .replace('$', "\\$")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn twenty_eight_curves_look_different() {
        let looks: BTreeSet<_> = (0..28)
            .map(|i| (colour(i), format!("{:?}", marker(i))))
            .collect();
        assert_eq!(looks.len(), 28);
    }

    #[test]
    fn a_dot_in_a_pictures_name_is_no_extension() {
        let path = with_suffix(Path::new("out/run.1"), ".svg");
        assert_eq!(path, Path::new("out/run.1.svg"));
    }

    #[test]
    fn the_error_of_a_point_names_picture_curve_and_place() {
        let point = |mean| BandPoint {
            x: 3.0,
            low: 0.5,
            mean,
            high: 0.75,
        };
        let points = [point(0.625), point(f64::NAN)];
        let check = |points: &[BandPoint]| check_points(Path::new("out/x"), "L2", points.iter());
        assert!(check(&points[..1]).is_ok());
        assert_eq!(
            check(&points).unwrap_err().to_string(),
            r#"cannot draw out/x: series "L2" at x = 3 has low 0.5, mean NaN, high 0.75"#
        );
    }
}
