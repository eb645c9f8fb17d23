#pragma once
inline void refuse() { throw 1; }
