// The mean softmax cross-entropy, the accuracy and the gradient with respect to the logits.
//
//   loss[r] = 1/B sum_b (log sum_c exp(z[b, c]) - z[b, y_b])
//   gradients[r, b, c] = (softmax(z[b])_c - [c = y_b]) / B        0 in padding
//
//   logits    [replica, batch_rows, columns]
//   labels    [replica, batch_rows]
//   gradients [replica, batch_rows, columns]
//   states    [replica]     batch_loss, batch_correct; halted where the loss is not finite
//
// One workgroup handles one replica: invocation i takes rows i, i + 256, ... in that order, and the 256
// partial sums are added pairwise in a fixed tree. The prediction is the first class with the largest logit.

struct Params {
    batch: u32,
    batch_rows: u32,
    classes: u32,
    columns: u32,
    inverse_batch: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> logits: array<f32>;
@group(0) @binding(2) var<storage, read> labels: array<u32>;
@group(0) @binding(3) var<storage, read_write> gradients: array<f32>;
@group(0) @binding(4) var<storage, read_write> states: array<ReplicaState>;

const INVOCATIONS: u32 = 256u;

alias Summand = vec2<f32>;  // the loss, and the number of correct predictions, which is exact below 2^24

@compute @workgroup_size(INVOCATIONS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let replica = group.z;
    var loss = 0.0;
    var correct = 0u;
    for (var row = local.x; row < params.batch_rows; row += INVOCATIONS) {
        let start = (replica * params.batch_rows + row) * params.columns;
        if row >= params.batch {
            for (var c = 0u; c < params.columns; c++) {
                gradients[start + c] = 0.0;
            }
            continue;
        }
        let label = labels[replica * params.batch_rows + row];
        var largest = logits[start];
        var prediction = 0u;
        for (var c = 1u; c < params.classes; c++) {
            let z = logits[start + c];
            if z > largest {
                largest = z;
                prediction = c;
            }
        }
        var total = 0.0;
        for (var c = 0u; c < params.classes; c++) {
            total += exp(logits[start + c] - largest);
        }
        for (var c = 0u; c < params.columns; c++) {
            let probability = exp(logits[start + c] - largest) / total;
            let gradient = (probability - select(0.0, 1.0, c == label)) * params.inverse_batch;
            gradients[start + c] = select(0.0, gradient, c < params.classes);
        }
        loss += log(total) + largest - logits[start + label];
        correct += select(0u, 1u, prediction == label);
    }
    let total = sum_of_workgroup(vec2<f32>(loss, f32(correct)), local.x);
    if local.x == 0u {
        store_batch_loss(replica, total.x * params.inverse_batch, u32(total.y));
    }
}
