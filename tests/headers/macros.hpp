// What Qt, Windows and old C libraries define before other headers see it. No include guard: read as text.
#define slots
#define signals
#define emit
#define foreach(variable, container) for (variable : container)
#define min(a, b) (((a) < (b)) ? (a) : (b))
#define max(a, b) (((a) > (b)) ? (a) : (b))
#define small char
#define near
#define far
#define interface struct
#undef major
#define major(device) ((device) >> 8)
#undef minor
#define minor(device) ((device)&255)
