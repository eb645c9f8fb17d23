// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

// Everything that can be wrong, and how it is said: `<problem>|(<why>) <what to do>`. The place goes in at the bar;
// # stands for fault::other, @ for fault::peer.
#define CHIMERA_COMPLAINTS(X)                                                                                         \
    X(bad_shape,                                                                                                      \
      "sizes, placement and offsets do not fit each other|"                                                           \
      "(placement is one worker per pipeline and stage, offsets cut the rows) correct the header")                    \
    X(too_few,                                                                                                        \
      "too few slots|"                                                                                                \
      "(each stage and unit needs a forward and a backward) correct micro_batches or add the rest")                   \
    X(bad_links,                                                                                                      \
      "links that cannot be|"                                                                                         \
      "(from a stage to a later one, each once; tied only where weights change once) correct them")                   \
    X(unknown_pass, "unknown pass|(not one of those named in the format) correct op")                                 \
    X(out_of_range, "stage, pipeline or units out of range|(beyond the sizes in the header) correct the numbers")     \
    X(wrong_worker, "a slot on the wrong worker|(the placement puts its stage on worker #) move it there")            \
    X(duplicate, "a second one of the same|(stage and unit have it already) drop one")                                \
    X(two_pipelines, "a unit on two pipelines|(it began on pipeline #) keep it on one")                               \
    X(no_forward, "no forward|(each stage and unit needs one) add it")                                                \
    X(no_backward, "no backward|(each stage and unit needs one, or its two halves) add it")                           \
    X(no_weight_gradient, "no weight gradient|(there is an input gradient only) add it")                              \
    X(before_activation, "a forward before its input is there|(slot # of worker @ makes it) start it later")          \
    X(before_gradient, "a backward before its gradient is there|(slot # of worker @ makes it) start it later")        \
    X(before_forward, "a backward before its forward has ended|(it needs the activation) start it later")             \
    X(before_recompute, "a backward before its recompute has ended|(it needs the activation) start it later")         \
    X(recompute_early, "a recompute before its forward has ended|(there is nothing to start from) start it later")    \
    X(weight_early,                                                                                                   \
      "a weight gradient before its input gradient has ended|"                                                        \
      "(it needs what that leaves) start it later")                                                                   \
    X(no_length,                                                                                                      \
      "a slot before tick 0 or without length|"                                                                       \
      "(ticks count from 0, a slot lasts at least one) correct tick and ticks")                                       \
    X(unsorted, "a slot that starts before the one in front of it|(rows are in order of execution) sort the row")     \
    X(collision, "a slot that starts before slot # has ended|(a worker computes one slot at a time) start it later")  \
    X(bad_pair,                                                                                                       \
      "a pair that cannot run together|"                                                                              \
      "(a forward pairs with another pass right behind it, and with no third) clear overlap")                         \
    X(over_limit, "too many live activations|(the limit is # micro-batches) start the forward later")                 \
    X(bad_message, "message number out of range or without a transfer|(numbers run from 0 to messages - 1) renumber") \
    X(sent_twice, "sent twice|(message, stage and unit have a send already) drop one")                                \
    X(received_twice, "received twice|(message, stage and unit have a receive already) drop one")                     \
    X(never_sent, "a receive without its send|(worker @ never sends this message) add the send")                      \
    X(never_received, "a send without its receive|(worker @ never receives this message) add the receive")            \
    X(ends_disagree,                                                                                                  \
      "send and receive of one message differ|"                                                                       \
      "(see instruction # of the sender) make op, stage, pipeline, units and peers agree")                            \
    X(wrong_peer,                                                                                                     \
      "a transfer with the wrong worker|"                                                                             \
      "(the placement has the other stage elsewhere than on worker @) correct peer")                                  \
    X(needless, "a transfer that nobody needs|(no such stage, or not between these two workers) drop it")             \
    X(no_transfer, "no transfer from worker @|(what this needs is made there) add a send and a receive")              \
    X(bad_inputs, "inputs are not the messages it needs|(message and inputs name what it receives) correct them")     \
    X(send_early, "sent to worker @ before it is made|(this is what makes it) move the send behind it")               \
    X(receive_late, "received from worker @ after it is used|(this is what uses it) move the receive in front of it") \
    X(pair_order, "received out of order|(worker @ sends instruction # first) keep one order on both sides")          \
    X(no_group, "a transfer without a group|(groups say which calls progress together) number it")                    \
    X(split_group, "a group in two pieces|(calls of a group stand together) renumber one")                            \
    X(deadlock, "waits forever|(worker @ never gets to the other end) reorder")                                       \
    X(rendezvous_deadlock,                                                                                            \
      "waits forever where a send waits for its receive|"                                                             \
      "(worker @ never gets to the other end) group or reorder the calls")                                            \
    X(bad_members,                                                                                                    \
      "members are not the workers that hold the stage|"                                                              \
      "(ascending, each once) list those of the placement")                                                           \
    X(not_held, "synchronises a stage that the worker does not hold|(see the placement) drop it")                     \
    X(no_reduce, "no reduce_gradient|(the stage has replicas) add it after the last gradient")                        \
    X(needless_reduce, "a reduction of a stage without replicas|(its gradient is complete) drop it")                  \
    X(early_reduce, "reduced before the last gradient|(instruction # adds to it) move the reduction behind it")       \
    X(no_wait, "no wait_gradient|(the update needs the reduced gradient) add it before the update")                   \
    X(early_wait, "waits before the reduction starts|(at instruction #) move the wait behind it")                     \
    X(no_update, "no update_weights|(each worker updates each stage it holds) add it")                                \
    X(early_update, "updated before the reduction was waited for|(at instruction #) move the update behind it")       \
    X(late_contribution, "updated before the last gradient|(instruction # adds to it) move the update behind it")     \
    X(mixed_groups,                                                                                                   \
      "a gradient of the next group before the update|"                                                               \
      "(it would be added to group #, not yet applied) move it behind the update")                                    \
    X(collective_order,                                                                                               \
      "reductions in an order that other workers do not follow|"                                                      \
      "(here after stage #, on worker @ the other way round) use one order everywhere")                               \
    X(bad_buffer, "a buffer that does not exist|(number #) use 0 to buffer_counts - 1")                               \
    X(buffer_busy, "a buffer that holds a live activation|(buffer #) use a free one")                                 \
    X(buffer_moved, "not the buffer of its forward|(buffer #) use the same from forward to backward")                 \
    X(buffer_count, "buffer_counts is not the peak|(the worker has # live activations at most) correct the count")    \
    X(bad_version, "a weight version that does not exist|(number #) use 0 to version_counts - 1, or 0 where flushed") \
    X(wrong_version,                                                                                                  \
      "a forward that reads the wrong weights|"                                                                       \
      "(it must read what # updates left) name the version that holds them")                                          \
    X(version_moved, "not the weights of its forward|(version #) use the same from forward to backward")              \
    X(version_busy, "overwrites weights that a backward still needs|(version #) use a free one")                      \
    X(version_end, "the last update leaves version #|(the next iteration starts from version 0) write version 0")     \
    X(version_count, "version_counts is not the peak|(# weight versions are live at most) correct the count")         \
    X(after_reduce, "a gradient added after its sum was used|(the stage is reduced or updated above) move it up")     \
    X(contributes_twice, "a unit that is added twice|(once per stage in the whole replica group) drop one")           \
    X(unordered_members,                                                                                              \
      "members are not ascending|"                                                                                    \
      "(worker # stands first; they fix the order of the sum) sort them")

namespace chimera {

/// The kinds of faults that a schedule or a program can have.
enum class complaint : std::uint8_t {
#define CHIMERA_ENUMERATOR(name, text) name,
    CHIMERA_COMPLAINTS(CHIMERA_ENUMERATOR)
#undef CHIMERA_ENUMERATOR
};

namespace detail {

[[nodiscard]] constexpr const char* words(complaint what) noexcept {
    switch (what) {
#define CHIMERA_CASE(name, text) \
    case complaint::name:        \
        return text;
        CHIMERA_COMPLAINTS(CHIMERA_CASE)
#undef CHIMERA_CASE
    }
    return "";
}

}  // namespace detail
}  // namespace chimera

#undef CHIMERA_COMPLAINTS
