/* The safety rules of the board that drives the motors: docs/firmware-protocol.md as a state machine.
 *
 * It owns no clock, no port and no memory: the caller gives bytes, the time and the sensors, and gets bytes and the
 * velocity to drive. The time is any free-running count of ms, modulo 2^32. Call everything for one board from one
 * context; README.md says from which. */
#ifndef LUNA_BOARD_H
#define LUNA_BOARD_H

#include "luna_limits.h"

enum {
    LUNA_DEADLINE_MS = 200,
    LUNA_LEAN_MRAD = 260,       /* 15 degrees */
    LUNA_TICK_OUTPUT = 192,     /* bytes of a tick in which everything is due */
    LUNA_WELCOME_OUTPUT = 30    /* bytes of the answer to one HELLO */
};

/* What this board is. It must stay where it is as long as the board runs. */
struct luna_build {
    uint16_t firmware; /* major * 256 + minor */
    struct luna_limits caps;
    uint16_t battery_low_mv, battery_charged_mv; /* `low` is set at the first and cleared at the second */
    uint32_t (*random)(void *context); /* not the same numbers after each boot */
    void *context;
};

struct luna_sensors {
    uint16_t pressed; /* LUNA_BUTTON, LUNA_BUMPER, LUNA_LIFTED: each that is, or was since the last tick */
    struct luna_tilt tilt;
    struct luna_odometry odometry; /* since boot */
    struct luna_battery battery; /* the flag `low` is set here, by the voltage */
    struct luna_tray tray;
};

/* Where frames go. One that does not fit whole is dropped. */
struct luna_sink {
    uint8_t *bytes;
    size_t room;
    size_t length;
};

struct luna_velocity {
    int32_t linear_um_s;
    int32_t angular_urad_s; /* left is positive */
    bool standing; /* stopped by itself or by a stop: hold the integrators of the motor controllers at zero */
};

/* A permission that ends by itself. */
struct luna_permit {
    bool given;
    uint32_t since_ms;
    uint32_t lasts_ms;
};

/* All of it is private, but for `latch`, `causes`, `active`, `session` and `faults`, which may be read. */
struct luna_board {
    const struct luna_build *build;
    struct luna_reader reader;
    uint32_t session;          /* 0: none */
    uint32_t sent;             /* sequence of our newest frame */
    uint32_t heard;            /* sequence of the newest frame that was accepted */
    uint32_t least_difference; /* between our clock and the stamps */
    uint32_t grown_ms;         /* when that last grew or fell */
    struct luna_limits limits; /* own caps, lowered by LIMITS */
    struct luna_motion wanted;
    struct luna_permit motion, heartbeat;
    uint16_t latch, causes, active;
    int32_t linear_um_s, angular_urad_s;
    uint32_t ticked_ms;
    bool battery_low;
    uint32_t faults[LUNA_FAULT_CODES], told[LUNA_FAULT_CODES];
    uint8_t newest_told;
    uint32_t status_ms, odometry_ms, battery_ms, inputs_ms, tray_ms, tilt_ms, fault_ms; /* when each was sent */
};

/* Standing, without a session. */
void luna_board_boot(struct luna_board *board, const struct luna_build *build, uint32_t now_ms);

/* Take bytes of the line, any number of them; answer a HELLO. */
void luna_board_receive(struct luna_board *board, const uint8_t *bytes, size_t length, uint32_t now_ms,
                        struct luna_sink *out);

/* Take the sensors, send what is due and return what to drive until the next tick. Call it at 50 Hz or more. */
struct luna_velocity luna_board_tick(struct luna_board *board, const struct luna_sensors *sensors, uint32_t now_ms,
                                     struct luna_sink *out);

/* What the ramp goes to: the motion in force, or nothing. A deadline shows in the next tick. */
struct luna_motion luna_board_target(const struct luna_board *board);

/* Count and report what only the motor driver sees: LUNA_MOTOR_STUCK. */
void luna_board_fault(struct luna_board *board, enum luna_fault_code code);

#endif
