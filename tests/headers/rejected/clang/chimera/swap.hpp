#pragma once
inline bool called() { return __builtin_apply_args() != nullptr; }  // a function of GCC alone
