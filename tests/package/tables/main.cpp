#include <chimera/program/lower.hpp>
#include <chimera/render/json.hpp>
#include <chimera/schedule/bidirectional.hpp>
#include <chimera/tables/from_pytorch.hpp>
#include <chimera/tables/my_order.hpp>
#include <chimera/tables/table_of_8.hpp>

#include <cstdio>

static_assert(table_of_8::table.head.stages == 8 && my_order::table.head.workers == 2);
static_assert(from_pytorch::table.head.workers == 2);

int main() {
    const auto made = lower(generate(chimera::bidirectional{.stages = 8, .micro_batches = 32}));
    const bool same = chimera::json(made.view()) == chimera::json(table_of_8::table);
    std::puts(same ? "the table is the program" : "the table is another program");
    return same ? 0 : 1;
}
