// What a probe keeps beside the training state. Twin: src/state.rs; a test compares every offset.
//
// A slot is one iteration towards a dominant eigenvector: slot 0 that of the whole network, slot s that of
// layer s's block. Its iterate x has unit norm. For each layer that it covers, the iterate's part is held in one of two
// forms: as a vector of parameters v, or, where the layer's input has no tangent (a block's own layer,
// and the first layer), as one gradient per sample delta with v = sum_b [a_b; 1] delta_b. In that form
// every norm and product follows from delta and its image K delta, K the Gram matrix of the inputs.

struct ProbeSlot {
    eigenvalue: f32,   // Rayleigh quotient of the latest iterate
    residual: f32,     // |Hx - eigenvalue x| / |eigenvalue|
    scale: f32,        // what gives the next iterate norm 1; of the locally optimal method see Ritz
    momentum: f32,     // the next iterate is scale (Hx - momentum times the iterate before x)
    iterations: u32,   // Hessian-vector products done
    status: u32,       // SLOT_*; only a running slot is computed
    has_vector: u32,   // 1 when `vectors` holds an iterate to start the next probe at
    advanced: u32,     // more than 0 once an iterate has followed the start vector
}

// Where the locally optimal method goes from an iterate x, its direction w and the direction p before:
// w = scale (Hx - eigenvalue x), scale and eigenvalue the slot's. Hx is not kept, it follows from w.
struct Ritz {
    iterate_x: f32,      // the next x is iterate_x x + iterate_w w + iterate_p p,
    iterate_w: f32,
    iterate_p: f32,
    previous_x: f32,     // the next p is previous_x x + previous_w w + previous_p p,
    previous_w: f32,
    previous_p: f32,
    eigenvalue: f32,     // and Hx is eigenvalue x + inverse_scale w.
    inverse_scale: f32,
    curvature: f32,      // p.Hp of the next p
}

const SLOT_RUNNING: u32 = 0u;
const SLOT_CONVERGED: u32 = 1u;
const SLOT_DIVERGED: u32 = 2u;

// The locally optimal method keeps an eye on the other end of the spectrum from this share of |eigenvalue| on.
const CONTESTED: f32 = 0.5;

// Workgroups, and so partial sums, of every reduction.
const PARTIALS: u32 = 64u;

// Where a slot's partial sums begin, and where they end: the network's parts are a replica's first, one for each layer,
// and each block's follows.
fn partials_of_slot(replica: u32, slot: u32, layers: u32) -> vec2<u32> {
    let is_network = slot == 0u;
    let first = replica * 2u * layers + select(layers + slot - 1u, 0u, is_network);
    return vec2<u32>(first, first + select(1u, layers, is_network)) * PARTIALS;
}

// Sums over a part of one layer.
struct LayerSums {
    gradient: f32,       // g^2
    objective: f32,      // (g + those of all regularisers)^2
    weight: f32,         // theta^2
    update: f32,         // (the latest update)^2
    second_moment: f32,  // Adam's v, weights only
    bias_second_moment: f32,
    unused1: f32,
    unused2: f32,
}

// The statistics of one layer, or of all of them.
struct LayerRecord {
    grad_norm_sq: f32,
    objective_grad_norm_sq: f32,
    grad_variance: f32,
    weight_norm: f32,
    update_norm: f32,
    step_size: f32,
    effective_step: f32,  // 0 before the first update
    second_moment: f32,   // mean of Adam's v over weights and biases
}
