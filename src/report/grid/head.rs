//! The head of a picture: the title, the notes and the legend, which span all columns.

use kuva::plot::legend::{LegendEntry, LegendShape};
use kuva::plot::legend_plot::LegendPlot;
use kuva::plot::text::TextPlot;
use kuva::render::plots::Plot;
use kuva::render::render_utils::wrap_text;

use super::{GREY, Grid, Key, LETTER, LINE, MARK, TEXT, label};

/// The pixels of a legend's entry besides its name.
const LEGEND_SAMPLE: f64 = 45.0;

/// Returns `text` without markup. Characters that kuva would read as markup are replaced by similar ones.
pub(super) fn plain(text: &str) -> String {
    let text = label(text).replace('*', "\u{2217}");
    text.replace('`', "\u{2018}").replace("__", "_\u{2060}_")
}

/// Returns a plot of the paragraphs, and its height in pixels.
pub(super) fn text(paragraphs: &[String], size: u32, colour: &str, width: f64) -> (Plot, f64) {
    let letters = (width / (f64::from(size) * LETTER)) as usize;
    let lines = paragraphs.iter().map(|one| wrap_text(one, letters).len());
    let height = (lines.sum::<usize>() as f64 * LINE + 0.25) * f64::from(size);
    let text = TextPlot::new()
        .with_body(paragraphs.join("\n"))
        .with_font_size(size)
        .with_text_color(colour)
        .with_padding(0.0);
    (Plot::Text(text), height)
}

/// Returns the legend in as many columns as fit, and its height in pixels.
pub(super) fn legend(grid: &Grid, width: f64) -> (Plot, f64) {
    let letters = grid.legend.iter().map(|(_, name)| name.chars().count());
    let entry = LEGEND_SAMPLE + letters.max().unwrap_or(0) as f64 * f64::from(TEXT) * LETTER;
    let columns = ((width / entry) as usize).clamp(1, grid.legend.len().max(1));
    let rows = grid.legend.len().div_ceil(columns);
    let entries = grid
        .legend
        .iter()
        .map(|(key, name)| legend_entry(*key, name));
    let legend = LegendPlot::from_entries(entries.collect())
        .with_cols(columns)
        .with_max_cols(columns)
        .without_box();
    (
        Plot::LegendPlot(legend),
        rows as f64 * f64::from(TEXT) * LINE,
    )
}

fn legend_entry(key: Key, name: &str) -> LegendEntry {
    let (colour, shape) = match key {
        Key::Line(style) => (
            style.colour,
            style.marker.map_or(LegendShape::Line, LegendShape::Marker),
        ),
        Key::Reference => (GREY, LegendShape::Line),
        Key::Mark => (MARK, LegendShape::Rect),
    };
    LegendEntry {
        label: label(name),
        color: colour.to_owned(),
        shape,
        dasharray: matches!(key, Key::Reference).then(|| "6 6 6".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_in_a_text_is_drawn_as_text() {
        assert_eq!(
            plain("*a* __b__ `c` $d$"),
            "∗a∗ _\u{2060}_b_\u{2060}_ ‘c‘ \\$d\\$"
        );
    }
}
