// Needs the binding `slots` and the uniform's `all_slots`, the number of slots of a replica.
fn is_running(replica: u32, slot: u32) -> bool {
    return slots[replica * params.all_slots + slot].status == SLOT_RUNNING;
}
