// The state of a probe, beside the training state. Twin: src/state.rs; a test compares every offset.
//
// A probe solves several eigenproblems: number 0 is the dominant eigenvector of the whole network's Hessian, number l
// that of layer l's block. A slot holds the state of one eigenproblem. Its iterate x has unit norm. A segment is one
// layer's share of an iterate. A primal segment is a vector v of the layer's parameters. A dual segment holds one
// gradient per sample, delta, with v = sum_b [a_b; 1] delta_b, and its image K delta, where K is the Gram matrix of the
// layer's inputs; every norm and every product follow from these two. The dual form needs a layer input without a
// tangent: a block's own layer, or the first layer.

struct ProbeSlot {
    eigenvalue: f32,   // Rayleigh quotient of the latest iterate
    residual: f32,     // |Hx - eigenvalue x| / |eigenvalue|
    scale: f32,        // gives the next iterate norm 1; LobpcgStep says what it is in LOBPCG
    momentum: f32,     // the next iterate is scale (Hx - momentum times the previous iterate)
    iterations: u32,   // Hessian-vector products done
    status: u32,       // SLOT_*; kernels skip a slot that is not running
    has_vector: u32,   // 1 when `vectors` holds an iterate to start the next probe at
    advanced: u32,     // more than 0 once an iterate has followed the start vector
}

// The location of a segment in a replica's iterates. Products, previous iterates and directions have the same layout.
struct ProbeSegment {
    slot: u32,           // the eigenproblem
    offset: u32,         // vec4s before the segment
    length: u32,         // vec4s of v or of delta
    image_offset: u32,   // vec4s from delta to its image; 0 where the segment is primal
    vector_offset: u32,  // vec4s before its vector v in `vectors`
    parameters: u32,     // elements of v without padding
    magnitude: f32,      // norm of a pair of elements of a random start vector, whose norm is 1
}

// One step of LOBPCG from an iterate x, its direction w and the previous direction p, where
// w = scale (Hx - eigenvalue x). Hx is not stored: it follows from w.
struct LobpcgStep {
    iterate_x: f32,        // the next x is iterate_x x + iterate_w w + iterate_p p,
    iterate_w: f32,
    iterate_p: f32,
    previous_x: f32,       // the next p is previous_x x + previous_w w + previous_p p,
    previous_w: f32,
    previous_p: f32,
    eigenvalue: f32,       // and Hx is eigenvalue x + inverse_scale w.
    inverse_scale: f32,
    curvature: f32,        // p.Hp of the next p
    next_eigenvalue: f32,  // the slot's eigenvalue and scale after the step
    next_scale: f32,
    is_taken: u32,         // 0 where the slot has stopped
}

const SLOT_RUNNING: u32 = 0u;
const SLOT_CONVERGED: u32 = 1u;
const SLOT_DIVERGED: u32 = 2u;

// LOBPCG follows the other end of the spectrum too where an eigenvalue there exceeds this share of |eigenvalue|.
const CONTESTED: f32 = 0.5;

// The number of workgroups of every reduction over a layer or a segment, and of its partial sums.
const PARTIALS: u32 = 64u;

// The first of a slot's partial sums, and the one after the last. A replica's first segments are the network's, one for
// each layer; the blocks' follow, one each.
fn partials_of_slot(replica: u32, slot: u32, layers: u32) -> vec2<u32> {
    let is_network = slot == 0u;
    let first = replica * 2u * layers + select(layers + slot - 1u, 0u, is_network);
    return vec2<u32>(first, first + select(1u, layers, is_network)) * PARTIALS;
}

// Sums over a part of one layer.
struct LayerSums {
    gradient: f32,       // g^2
    objective: f32,      // (g + the gradients of all regularisers)^2
    weight: f32,         // theta^2
    update: f32,         // (the latest update)^2
    main_second_moment: f32,   // Adam's v, over the block's main tensor
    other_second_moment: f32,  // Adam's v, over its other tensors
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
    second_moment: f32,   // mean of Adam's v over all tensors
    clip_ratio: f32,      // h of update clipping; 0 before the first update and where updates are not clipped
    clip_factor: f32,     // the factor of the step size in the latest update
}
