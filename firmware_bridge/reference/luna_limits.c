#include "luna_limits.h"

static uint16_t least(uint16_t a, uint16_t b) { return a < b ? a : b; }

static uint16_t braking(uint16_t own, uint16_t wanted)
{
    const uint16_t half = (uint16_t)(own / 2 + own % 2);
    return wanted < half ? half : least(own, wanted);
}

struct luna_limits luna_lowered(const struct luna_limits *own, const struct luna_limits *wanted)
{
    struct luna_limits lowered;

    lowered.speed_mm_s = least(own->speed_mm_s, wanted->speed_mm_s);
    lowered.turn_mrad_s = least(own->turn_mrad_s, wanted->turn_mrad_s);
    lowered.acceleration_mm_s2 = least(own->acceleration_mm_s2, wanted->acceleration_mm_s2);
    lowered.turn_acceleration_mrad_s2 = least(own->turn_acceleration_mrad_s2, wanted->turn_acceleration_mrad_s2);
    lowered.braking_mm_s2 = braking(own->braking_mm_s2, wanted->braking_mm_s2);
    lowered.turn_braking_mrad_s2 = braking(own->turn_braking_mrad_s2, wanted->turn_braking_mrad_s2);
    return lowered;
}

bool luna_within(const struct luna_limits *limits, const struct luna_motion *motion)
{
    const int32_t linear = motion->linear_mm_s, angular = motion->angular_mrad_s;
    const int32_t speed = limits->speed_mm_s, turn = limits->turn_mrad_s;
    return -speed <= linear && linear <= speed && -turn <= angular && angular <= turn;
}

static int32_t towards(int32_t from, int32_t to, int32_t step)
{
    if (to > from)
        return to - from > step ? from + step : to;
    return from - to > step ? from - step : to;
}

/* mm/s^2 times ms is um/s, so the numbers are exact; the longest step of the largest rate fits 32 bits. */
int32_t luna_ramp(int32_t velocity_um_s, int16_t target_mm_s, uint16_t acceleration_mm_s2, uint16_t braking_mm_s2,
                  uint32_t step_ms)
{
    const uint32_t counted_ms = step_ms < LUNA_LONGEST_STEP_MS ? step_ms : LUNA_LONGEST_STEP_MS;
    const int32_t target = target_mm_s * INT32_C(1000);
    const int32_t faster = (int32_t)(acceleration_mm_s2 * counted_ms), slower = (int32_t)(braking_mm_s2 * counted_ms);

    if (velocity_um_s > 0 && target < velocity_um_s)
        return towards(velocity_um_s, target > 0 ? target : 0, slower);
    if (velocity_um_s < 0 && target > velocity_um_s)
        return towards(velocity_um_s, target < 0 ? target : 0, slower);
    return towards(velocity_um_s, target, faster);
}
