//! The panel of controls, and the numbers beside the plots.

use eframe::egui::{Button, ComboBox, Grid, RichText, Slider, Ui, Widget, WidgetText};
use trainable::Error;
use trainable::network::Activation;

use crate::controller::Controller;
use crate::legend::{Mark, swatch};
use crate::plots::replica_colour;
use crate::session::Session;
use crate::settings::Settings;

const ACTIVATIONS: [(Activation, &str); 7] = [
    (Activation::Relu, "ReLU"),
    (Activation::Crelu, "CReLU"),
    (Activation::LeakyRelu, "Leaky ReLU"),
    (Activation::Tanh, "tanh"),
    (Activation::Gelu, "GELU"),
    (Activation::Silu, "SiLU"),
    (Activation::Fourier, "sin, cos"),
];
const L2: [(f32, &str); 4] = [
    (0.0, "none"),
    (1e-4, "0.0001"),
    (1e-3, "0.001"),
    (1e-2, "0.01"),
];

/// The width of the column of names.
const LABEL: f32 = 96.0;

/// Numbers that the session itself does not know.
pub struct Status<'a> {
    /// The name of the adapter.
    pub adapter: &'a str,
    /// The training steps in the latest second.
    pub steps_per_second: f64,
}

/// Shows the controls, and applies at once the changes that the running session can take. Returns settings if a change needs
/// fresh networks.
///
/// # Errors
/// Returns the error of a change that the session refuses.
pub fn show(
    ui: &mut Ui,
    session: &mut Session,
    selected: &mut usize,
    status: &Status<'_>,
) -> Result<Option<Settings>, Error> {
    let mut wanted = session.settings().clone();
    ui.add_space(8.0);
    ui.heading("Loss of trainability");
    ui.label(RichText::new("Random-label MNIST, one task after the other").weak());
    let mut is_restarted = buttons(ui, session);

    section(ui, "Step size");
    let mut step_size = wanted.step_size;
    labelled(ui, "Controller", |ui| {
        let name = wanted.controller.name();
        let choices = Controller::ALL.map(|controller| (controller, controller.name()));
        choose(ui, "controller", &mut wanted.controller, name, &choices);
    });
    labelled(ui, "Step size", |ui| {
        ui.spacing_mut().slider_width = 100.0;
        let slider = Slider::new(&mut step_size, 1e-5..=1e-1)
            .logarithmic(true)
            .custom_formatter(|value, _| format!("{value:.1e}"));
        let is_free = wanted.controller == Controller::Off;
        ui.add_enabled(is_free, slider)
            .on_disabled_hover_text("The controller started from it.");
    });
    if wanted.controller != session.settings().controller {
        session.set_controller(wanted.controller)?;
    }
    if step_size != wanted.step_size {
        session.set_step_size(step_size)?;
        wanted.step_size = step_size;
    }

    section(ui, "Network");
    labelled(ui, "Hidden layers", |ui| {
        ui.label(format!("2 of {} units", wanted.hidden));
    });
    labelled(ui, "Activation", |ui| {
        let name = name_of(&ACTIVATIONS, wanted.activation);
        choose(ui, "activation", &mut wanted.activation, name, &ACTIVATIONS);
    });
    labelled(ui, "L2", |ui| {
        let name = name_of(&L2, wanted.l2);
        choose(ui, "l2", &mut wanted.l2, name, &L2);
    });
    is_restarted |= wanted.activation != session.settings().activation;
    is_restarted |= wanted.l2 != session.settings().l2;

    section(ui, "Replica shown");
    replicas(ui, session, selected);

    section(ui, "Now");
    numbers(ui, session, *selected, status);
    Ok(is_restarted.then_some(wanted))
}

/// Returns whether the user asks for fresh networks.
fn buttons(ui: &mut Ui, session: &mut Session) -> bool {
    ui.add_space(8.0);
    ui.horizontal(|ui| {
        let is_paused = session.is_paused();
        if wide(ui, if is_paused { "Resume" } else { "Pause" }) {
            if is_paused {
                session.resume();
            } else {
                session.pause();
            }
        }
        if wide(ui, "One step") {
            session.pause_after(1);
        }
        wide(ui, "Fresh networks")
    })
    .inner
}

fn wide(ui: &mut Ui, text: &str) -> bool {
    Button::new(text).ui(ui).clicked()
}

fn section(ui: &mut Ui, title: &str) {
    ui.add_space(14.0);
    ui.label(RichText::new(title).strong());
    ui.add_space(2.0);
}

fn labelled(ui: &mut Ui, label: &str, widget: impl FnOnce(&mut Ui)) {
    ui.horizontal(|ui| {
        let width = LABEL;
        ui.allocate_ui_with_layout(
            [width, ui.spacing().interact_size.y].into(),
            eframe::egui::Layout::left_to_right(eframe::egui::Align::Center),
            |ui| {
                ui.set_min_width(width);
                ui.label(label);
            },
        );
        widget(ui);
    });
}

fn choose<T: Copy + PartialEq>(
    ui: &mut Ui,
    id: &str,
    chosen: &mut T,
    name: &str,
    choices: &[(T, &str)],
) {
    ComboBox::from_id_salt(id)
        .width(164.0)
        .selected_text(name)
        .show_ui(ui, |ui| {
            for (value, name) in choices {
                ui.selectable_value(chosen, *value, *name);
            }
        });
}

/// Returns the name of `value`. A value from the command line may have none.
fn name_of<T: PartialEq>(choices: &[(T, &'static str)], value: T) -> &'static str {
    let named = choices.iter().find(|(choice, _)| *choice == value);
    named.map_or("other", |(_, name)| name)
}

fn replicas(ui: &mut Ui, session: &Session, selected: &mut usize) {
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing.x = 4.0;
        for replica in 0..session.history().replicas().len() {
            swatch(ui, Mark::Dot, replica_colour(replica));
            ui.selectable_value(selected, replica, replica.to_string());
        }
    });
}

fn numbers(ui: &mut Ui, session: &Session, selected: usize, status: &Status<'_>) {
    let spec = session.engine().spec();
    let steps = u64::from(session.steps());
    let current = spec.task_lengths().place_of(steps);
    let replica = &session.history().replicas()[selected];
    let loss = match (replica.halted, replica.loss) {
        (Some(halt), _) => format!("diverged in task {}", halt.task + 1),
        (None, Some(loss)) => format!("{loss:.3}"),
        (None, None) => "–".to_owned(),
    };
    let rows: [(&str, WidgetText); 6] = [
        ("Task", (u64::from(current.task) + 1).to_string().into()),
        (
            "Step",
            format!("{} of {}", steps - current.begin, current.length).into(),
        ),
        ("Loss", loss.into()),
        (
            "Steps a second",
            format!("{:.0}", status.steps_per_second).into(),
        ),
        (
            "Steps a frame",
            session.steps_per_frame().to_string().into(),
        ),
        ("Device", RichText::new(status.adapter).size(11.0).into()),
    ];
    Grid::new("numbers")
        .num_columns(2)
        .min_col_width(LABEL)
        .show(ui, |ui| {
            for (name, value) in rows {
                ui.label(name);
                ui.add(eframe::egui::Label::new(value).wrap());
                ui.end_row();
            }
        });
}
