// The system's names stay usable beside `using namespace chimera`: none of them is a name of the library, too.
#include <error.h>
#include <unistd.h>

#include <ios>
#include <iostream>

#include <chimera/chimera.hpp>
#include <chimera/model.hpp>
#include <chimera/partition.hpp>
#include <chimera/plan.hpp>
#include <chimera/search.hpp>

using namespace chimera;
using std::fixed;

int main() {
    sync();
    if (link("from", "to") != 0) error(0, 0, "no link");
    std::cout << fixed << 1.5 << '\n';
}
