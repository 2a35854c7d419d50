//! Titles and legends of pictures.

use eframe::egui::{
    Align, Color32, Layout, Rect, RichText, Sense, Stroke, Ui, UiBuilder, Vec2, vec2,
};

/// The height of a title.
pub(crate) const TITLE: f32 = 20.0;

/// The kind of mark in a picture.
#[derive(Clone, Copy)]
pub(crate) enum Mark {
    Line,
    Dot,
    Area,
}

/// One entry of a legend.
pub(crate) type Entry<'a> = (Mark, Color32, &'a str);

/// Draws the mark alone.
pub(crate) fn swatch(ui: &mut Ui, mark: Mark, colour: Color32) {
    let (place, _) = ui.allocate_exact_size(vec2(12.0, 12.0), Sense::hover());
    let painter = ui.painter();
    match mark {
        Mark::Line => {
            let stroke = Stroke::new(2.0, colour);
            painter.hline(place.x_range(), place.center().y, stroke);
        }
        Mark::Dot => {
            painter.circle_filled(place.center(), 3.5, colour);
        }
        Mark::Area => {
            painter.rect_filled(place.shrink(1.0), 2.0, colour);
        }
    }
}

/// Draws a picture below its title and its legend.
pub(crate) fn titled(
    ui: &mut Ui,
    rect: Rect,
    title: &str,
    legend: &[Entry<'_>],
    picture: impl FnOnce(&mut Ui, Vec2),
) {
    let (head, body) = rect.split_top_bottom_at_y(rect.top() + TITLE);
    ui.scope_builder(UiBuilder::new().max_rect(head), |ui| {
        ui.horizontal(|ui| {
            ui.label(RichText::new(title).strong());
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                ui.spacing_mut().item_spacing.x = 4.0;
                for (mark, colour, text) in legend.iter().rev() {
                    ui.label(RichText::new(*text).size(11.0));
                    swatch(ui, *mark, *colour);
                    ui.add_space(4.0);
                }
            });
        });
    });
    ui.scope_builder(UiBuilder::new().max_rect(body), |ui| {
        picture(ui, body.size());
    });
}
