// Methods that renew units: their settings, the hidden layers that they act on, and what they measure and remember. Needs
// state.wgsl. Twin: src/state.rs.

struct RenewalSettings {
    method: u32,           // RENEWAL_*
    every: u32,            // updates from one time that the method is due to the next
    maturity: u32,         // continual backprop: the age that a unit must exceed
    window: u32,           // self-normalised resets: intervals that the mean remembers
    threshold: f32,        // ReDo: tau; self-normalised resets: ln(1 / eta)
    rate: f32,             // continual backprop: the share of eligible units that an update renews
    decay: f32,            // continual backprop: decay of the utility
    one_minus_decay: f32,
}

const RENEWAL_NONE: u32 = 0u;
const RENEWAL_REDO: u32 = 1u;
const RENEWAL_CONTINUAL_BACKPROP: u32 = 2u;
const RENEWAL_SELF_NORMALISED_RESETS: u32 = 3u;

// A hidden layer: a value that one linear operation makes and the next one reads.
struct HiddenLayer {
    first_unit: u32,  // units of the hidden layers before it
    units: u32,
    incoming: u32,    // the weight that makes the value, in the table of tensors; its bias follows
    outgoing: u32,    // the weight that reads it
}

// The copies of a unit, after CReLU and Fourier features, are parts of one unit: sums run over them too.
struct UnitStatistic {
    activity: f32,      // 1/B sum_b |h_b|
    contribution: f32,  // 1/B sum_b |h_b| sum_k |w_k|, w the outgoing weights after the update
    fired: u32,         // 1 where h_b > 0 for any sample b
    renewed: u32,       // 1 where this update renews the unit
}

struct UnitRecord {
    mean: f32,       // continual backprop: utility; self-normalised resets: the mean interval from firing to firing
    age: u32,        // continual backprop: updates since the unit is new; self-normalised resets: since it fired
    intervals: u32,  // self-normalised resets: intervals in the mean, at most the window
}

// Whether the method acts after the update that has just ended.
fn is_due(renewal: RenewalSettings, updates: u32, halted: u32) -> bool {
    return renewal.method != RENEWAL_NONE && halted == RUNNING && updates % renewal.every == 0u;
}
