// The mean squared error and the gradient with respect to the outputs.
//
//   loss[r] = 1/(B C) sum_b sum_c (z[b, c] - y[b, c])^2
//   gradients[r, b, c] = 2 (z[b, c] - y[b, c]) / (B C)        0 in padding
//
//   outputs   [replica, batch_rows, columns]
//   targets   [replica, batch_rows, columns]
//   gradients [replica, batch_rows, columns]
//   states    [replica]     batch_loss; batch_correct is 0; halted where the loss is not finite
//
// One workgroup handles one replica: invocation i takes rows i, i + 256, ... in that order, and the 256
// partial sums are added pairwise in a fixed tree.

struct Params {
    batch: u32,
    batch_rows: u32,
    classes: u32,
    columns: u32,
    inverse_count: f32,  // 1 / (B C)
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> outputs: array<f32>;
@group(0) @binding(2) var<storage, read> targets: array<f32>;
@group(0) @binding(3) var<storage, read_write> gradients: array<f32>;
@group(0) @binding(4) var<storage, read_write> states: array<ReplicaState>;

const INVOCATIONS: u32 = 256u;

alias Summand = f32;

@compute @workgroup_size(INVOCATIONS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let replica = group.z;
    var square = 0.0;
    for (var row = local.x; row < params.batch_rows; row += INVOCATIONS) {
        let start = (replica * params.batch_rows + row) * params.columns;
        for (var c = 0u; c < params.columns; c++) {
            var error = 0.0;
            if row < params.batch && c < params.classes {
                error = outputs[start + c] - targets[start + c];
            }
            gradients[start + c] = 2.0 * error * params.inverse_count;
            square += error * error;
        }
    }
    let total = sum_of_workgroup(square, local.x);
    if local.x == 0u {
        store_batch_loss(replica, total * params.inverse_count, 0u);
    }
}
