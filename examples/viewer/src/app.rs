//! The window, with a session, its controls, its plots and its weights.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::mpsc::Sender;

use eframe::egui::{self, Color32, ColorImage, Context, Panel, Rect, Ui, Vec2};
use eframe::egui_wgpu::RenderState;
use trainable::Error;
use trainable::spec::ImageSet;

use crate::controls::{self, Status};
use crate::legend::{Entry, Mark, TITLE, titled};
use crate::plots;
use crate::session::Session;
use crate::settings::Settings;
use crate::weights::{self, Weights};

/// Width of the controls.
const CONTROLS: f32 = 290.0;
/// Points between plots.
const GAP: f32 = 14.0;

/// The conditions under which the window closes by itself, and the receiver of its outcome.
pub struct Ending {
    /// The number of frames to show.
    pub frames: u32,
    /// Whether to take a picture of the last frame.
    pub screenshot: bool,
    /// The channel that takes the outcome.
    pub outcome: Sender<Outcome>,
}

/// A result that the window reports before it closes.
pub enum Outcome {
    /// A picture of the window.
    Screenshot(Arc<ColorImage>),
    /// The state of training at the end, or the error that stopped it.
    Stopped(Result<String, Error>),
}

/// The state of the window.
pub struct App {
    render: RenderState,
    adapter: String,
    images: ImageSet,
    session: Session,
    weights: Weights,
    selected: usize,
    failure: Option<Error>,
    rate: Rate,
    frames: u32,
    ending: Option<Ending>,
    outcome: Option<Sender<Outcome>>,
}

impl App {
    /// # Errors
    /// Returns the errors of [`Session::new`].
    pub fn new(
        context: &Context,
        render: RenderState,
        images: ImageSet,
        settings: Settings,
        ending: Option<Ending>,
    ) -> Result<Self, Error> {
        look(context);
        let session = Session::new(&render.device, &render.queue, &images, settings)?;
        let info = render.adapter.get_info();
        Ok(Self {
            weights: Weights::new(&render.device, render.target_format, session.engine()),
            adapter: format!("{} ({})", info.name, info.backend),
            render,
            images,
            session,
            selected: 0,
            failure: None,
            rate: Rate::default(),
            frames: 0,
            outcome: ending.as_ref().map(|ending| ending.outcome.clone()),
            ending,
        })
    }

    fn restart(&mut self, settings: Settings) -> Result<(), Error> {
        let RenderState { device, queue, .. } = &self.render;
        self.session = Session::new(device, queue, &self.images, settings)?;
        self.weights = Weights::new(device, self.render.target_format, self.session.engine());
        self.rate = Rate::default();
        self.failure = None;
        Ok(())
    }

    fn controls(&mut self, ui: &mut Ui) -> Result<(), Error> {
        let status = Status {
            adapter: &self.adapter,
            steps_per_second: self.rate.per_second(),
        };
        let wanted = controls::show(ui, &mut self.session, &mut self.selected, &status)?;
        wanted.map_or(Ok(()), |settings| self.restart(settings))
    }

    fn pictures(&self, ui: &mut Ui) {
        let all = ui.available_rect_before_wrap();
        let (top, bottom) = all.split_top_bottom_at_y(all.top() + (all.height() - GAP) * 0.58);
        let bottom = bottom.with_min_y(bottom.top() + GAP);
        let grid = self.grid(top.height() - TITLE, top.width() * 0.5);
        let (left, right) = top.split_left_right_at_x(top.right() - grid.size.x);
        let left = left.with_max_x(left.right() - GAP);
        let tasks = self.session.tasks_after(self.session.steps());
        let history = self.session.history();
        titled(ui, left, "Online accuracy", &[], |ui, size| {
            plots::accuracy(ui, history, self.selected, tasks, size);
        });
        self.weights(ui, right, &grid);
        titled(
            ui,
            bottom,
            "Effective step of every layer, and what bounds it",
            &LEGEND,
            |ui, _| self.layers(ui, bottom.with_min_y(bottom.top() + TITLE), tasks),
        );
    }

    fn layers(&self, ui: &mut Ui, rect: Rect, tasks: f64) {
        let layers = &self.session.history().replicas()[self.selected].layers;
        let width = (rect.width() + GAP) / layers.len() as f32;
        for (number, points) in layers.iter().enumerate() {
            let from = rect.left() + number as f32 * width;
            let rect = rect.with_min_x(from).with_max_x(from + width - GAP);
            let step_size = points.back().map(|latest| latest.step_size);
            let step_size =
                step_size.map_or_else(String::new, |eta| format!(", step size {eta:.1e}"));
            let title = format!("Layer {}{step_size}", number + 1);
            titled(ui, rect, &title, &[], |ui, size| {
                plots::layer(ui, number, points, tasks, size);
            });
        }
    }

    /// Returns the grid with as many units as fit, where each image pixel is a whole number of points wide.
    fn grid(&self, height: f32, width: f32) -> UnitGrid {
        let cell = self.weights.cell() as f32 * 2.0;
        let fitting = |length: f32| ((length / cell).floor() as u32).clamp(1, 8);
        let (columns, rows) = (fitting(width), fitting(height));
        let rows = rows.min(self.weights.units().div_ceil(columns));
        UnitGrid {
            units: [columns, rows],
            size: Vec2::new(columns as f32, rows as f32) * cell,
        }
    }

    fn weights(&self, ui: &mut Ui, rect: Rect, grid: &UnitGrid) {
        let [columns, rows] = grid.units;
        let shown = (columns * rows).min(self.weights.units());
        let title = format!("Weights into units 1–{shown} of layer 1");
        let limit = self.weights.limit();
        let [negative, positive] = [format!("−{limit}"), format!("+{limit}")];
        let legend = [
            (Mark::Area, weights::NEGATIVE, negative.as_str()),
            (Mark::Area, weights::POSITIVE, positive.as_str()),
        ];
        titled(ui, rect, &title, &legend, |ui, _| {
            let place = Rect::from_min_size(ui.next_widget_position(), grid.size);
            self.weights.paint(ui, place, self.selected, grid.units);
        });
    }

    /// Counts the frame, and closes the window when the last frame is shown.
    fn count(&mut self, context: &Context) {
        self.frames += 1;
        let Some(ending) = self.ending.take_if(|ending| ending.frames <= self.frames) else {
            return;
        };
        if !ending.screenshot {
            context.send_viewport_cmd(egui::ViewportCommand::Close);
            return;
        }
        let closing = context.clone();
        context.request_screenshot(move |image| {
            // The receiver is gone when the program ends, and then nobody needs the picture.
            let _ = ending.outcome.send(Outcome::Screenshot(image));
            closing.send_viewport_cmd(egui::ViewportCommand::Close);
        });
    }

    fn status(&self) -> String {
        let history = self.session.history();
        let latest = history.replicas().iter().filter_map(|replica| {
            let score = replica.scores.last()?;
            Some(format!(" {:.3}", score.online_accuracy))
        });
        format!(
            "finished {} tasks in {} steps; online accuracy in the latest:{}",
            history.finished_tasks(),
            self.session.steps(),
            latest.collect::<String>(),
        )
    }
}

impl eframe::App for App {
    fn ui(&mut self, ui: &mut Ui, _frame: &mut eframe::Frame) {
        if self.failure.is_none() {
            self.failure = self.session.frame().err();
        }
        self.rate
            .add(ui.input(|input| input.time), self.session.steps());
        Panel::left("controls")
            .resizable(false)
            .exact_size(CONTROLS)
            .show(ui, |ui| {
                if let Err(refused) = self.controls(ui) {
                    self.failure = Some(refused);
                }
                if let Some(failure) = &self.failure {
                    ui.add_space(GAP);
                    ui.colored_label(plots::VIOLATION, failure.to_string());
                }
            });
        egui::CentralPanel::default().show(ui, |ui| self.pictures(ui));
        let context = ui.ctx().clone();
        self.count(&context);
        context.request_repaint();
    }

    fn on_exit(&mut self) {
        if let Some(outcome) = &self.outcome {
            let stopped = self.failure.take().map_or_else(|| Ok(self.status()), Err);
            // A missing receiver is ignored here too.
            let _ = outcome.send(Outcome::Stopped(stopped));
        }
    }
}

/// The units of the first layer in rows and columns, and the points that they take.
struct UnitGrid {
    units: [u32; 2],
    size: Vec2,
}

/// The legend of the curves of a layer.
const LEGEND: [Entry<'_>; 3] = [
    (Mark::Line, plots::STEP, "effective step"),
    (Mark::Line, plots::BOUND, "combined bound"),
    (Mark::Dot, plots::VIOLATION, "violation"),
];

/// Sets a light and plain style, whatever the system prefers.
fn look(context: &Context) {
    context.set_theme(egui::Theme::Light);
    context.all_styles_mut(|style| {
        style.visuals.panel_fill = Color32::WHITE;
        style.visuals.extreme_bg_color = Color32::WHITE;
        style.visuals.widgets.noninteractive.bg_stroke.color = Color32::from_gray(225);
        style.spacing.item_spacing = Vec2::new(8.0, 6.0);
    });
}

/// The rate of training steps, over about the latest second.
#[derive(Default)]
struct Rate {
    /// Pairs of a time in seconds and the steps until then, the oldest first.
    samples: VecDeque<(f64, u32)>,
}

impl Rate {
    fn add(&mut self, seconds: f64, steps: u32) {
        self.samples.push_back((seconds, steps));
        while self.samples.len() > 2 && self.samples[1].0 < seconds - 1.0 {
            self.samples.pop_front();
        }
    }

    fn per_second(&self) -> f64 {
        match (self.samples.front(), self.samples.back()) {
            (Some(first), Some(last)) if last.0 > first.0 => {
                f64::from(last.1 - first.1) / (last.0 - first.0)
            }
            _ => 0.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_is_that_of_the_latest_second() {
        let mut rate = Rate::default();
        assert_eq!(rate.per_second(), 0.0);
        for (seconds, steps) in [(0.0, 0), (1.0, 1000), (1.5, 1010), (2.0, 1020), (2.5, 1030)] {
            rate.add(seconds, steps);
        }
        assert_eq!(rate.per_second(), 20.0);
    }
}
