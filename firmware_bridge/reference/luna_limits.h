/* What a velocity may be, and how fast it may change. Pure functions. */
#ifndef LUNA_LIMITS_H
#define LUNA_LIMITS_H

#include "luna_frames.h"

enum { LUNA_LONGEST_STEP_MS = 100 }; /* a longer one counts as this: a loop that hung makes no jump of the velocity */

/* The smaller of each. Braking stays at least half of the own one, or LIMITS could take the brakes away. */
struct luna_limits luna_lowered(const struct luna_limits *own, const struct luna_limits *wanted);

bool luna_within(const struct luna_limits *limits, const struct luna_motion *motion);

/* One step of one axis towards its target: by the acceleration away from zero, by the braking towards it, and never
 * through zero in one step. For the turn read mrad and urad. */
int32_t luna_ramp(int32_t velocity_um_s, int16_t target_mm_s, uint16_t acceleration_mm_s2, uint16_t braking_mm_s2,
                  uint32_t step_ms);

#endif
