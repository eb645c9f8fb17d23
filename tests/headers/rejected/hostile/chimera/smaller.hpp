#pragma once
#include <algorithm>
inline int smaller(int a) { return std::min(a, 1); }
