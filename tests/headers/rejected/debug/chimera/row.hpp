#pragma once
#include <vector>
constexpr std::vector<int> row() { return {}; }
