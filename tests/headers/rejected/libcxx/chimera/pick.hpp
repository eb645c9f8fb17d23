#pragma once
#include <ext/pod_char_traits.h>  // a header of libstdc++ alone
#include <vector>
