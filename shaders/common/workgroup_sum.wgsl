// A sum over the invocations of a workgroup. The kernel declares INVOCATIONS, a power of two, and `alias Summand`, the type of
// what is added.

var<workgroup> terms: array<Summand, INVOCATIONS>;

// The sum of all invocations' terms, in a fixed tree; only invocation 0 has it. Must be called in uniform control flow.
fn sum_of_workgroup(term: Summand, invocation: u32) -> Summand {
    terms[invocation] = term;
    workgroupBarrier();
    for (var half = INVOCATIONS / 2u; half > 0u; half /= 2u) {
        if invocation < half {
            terms[invocation] += terms[invocation + half];
        }
        workgroupBarrier();
    }
    return terms[invocation];
}
